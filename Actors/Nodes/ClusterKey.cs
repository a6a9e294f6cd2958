using System.Security.Cryptography;
using ConfCluster.Actors.Keys;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Nodes;

/// <summary>The secret that all nodes of a cluster share, as <see cref="ClusterAuthority"/> makes it. A node that is alone makes its own at each start.</summary>
public static class ClusterKey
{
    /// <summary>Octets.</summary>
    public const int Length = 32;

    /// <summary>Null, with a sentence, when the file cannot be used. The caller owns the key.</summary>
    /// <param name="file">Null: a new key.</param>
    public static SecretBytes? Open(string? file, out string problem)
    {
        problem = "";
        return file is null ? SecretBytes.Create(Length, RandomNumberGenerator.Fill) : SecretFile.Read(file, Length, out problem);
    }
}
