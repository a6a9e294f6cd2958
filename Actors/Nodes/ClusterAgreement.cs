using System.Globalization;
using System.Security.Cryptography;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Nodes;

/// <summary>
/// What must be the same on all nodes of a cluster, told to the others with the roles of a member, which they know before anything is placed on it. With another number
/// of shards a conference would live twice; with another secret no node would know the dialogs of the others. A node of a version that tells nothing agrees.
/// </summary>
public static class ClusterAgreement
{
    private const string Shards = "agreed-shards-";
    private const string Secret = "agreed-secret-";
    private const int SecretLength = 8;

    /// <summary>Another first octet than the other hashes of that key have.</summary>
    private static readonly byte[] Domain = "J confcluster agreement 1"u8.ToArray();

    /// <summary>Further roles of the member. Of the secret only a hash is told, from which it cannot be had.</summary>
    public static IReadOnlyList<string> RolesOf(int shards, SecretBytes clusterKey)
    {
        ArgumentNullException.ThrowIfNull(clusterKey);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(clusterKey.Reveal(), Domain, hash);
        return [$"{Shards}{shards.ToString(CultureInfo.InvariantCulture)}", $"{Secret}{Convert.ToHexStringLower(hash[..SecretLength])}"];
    }

    /// <summary>A sentence about the first thing in which two nodes differ; null: they agree.</summary>
    /// <param name="node">The name of the other.</param>
    public static string? Refusal(IReadOnlyCollection<string> ours, string node, IReadOnlyCollection<string> theirs)
    {
        if (Differ(Shards) is var (here, there))
            return $"confcluster.conference.shards is {here} here and {there} at {node}; it must be the same on every node of a cluster.";
        return Differ(Secret) is null ? null : $"confcluster.cluster.key-file holds another secret than at {node}; it must be the same on every node of a cluster.";

        (string Here, string There)? Differ(string what) =>
            ours.FirstOrDefault(r => r.StartsWith(what, StringComparison.Ordinal)) is { } mine
            && theirs.FirstOrDefault(r => r.StartsWith(what, StringComparison.Ordinal)) is { } other && mine != other
                ? (mine[what.Length..], other[what.Length..])
                : null;
    }
}
