using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// The key set of one epoch of a conference: an independent master key and salt per suite, all under one MKI. Owns its secrets; whoever gets
/// one by a message disposes it.
/// </summary>
public sealed class GroupKey : IDisposable
{
    /// <summary>Octets of the MKI of every group key: one length in the whole conference.</summary>
    public const byte MkiLength = 4;

    private GroupKey(KeyEpoch epoch, ImmutableArray<MasterKey> keys) => (Epoch, Keys) = (epoch, keys);

    public KeyEpoch Epoch { get; }

    /// <summary>The epoch's number, so that whoever sees a packet can name its epoch. Keys of a leg have the highest bit set.</summary>
    public Mki Mki => MkiOf(Epoch);

    public ImmutableArray<MasterKey> Keys { get; }

    /// <summary>Keys of epochs to come that are told with this one, and live as long as it does.</summary>
    public ImmutableArray<GroupKey> Rungs { get; private init; } = [];

    public static Mki MkiOf(KeyEpoch epoch) => new(epoch.Number, MkiLength);

    /// <summary>Whether an epoch has that name, or may have it one day: numbers begin at 1, and 2^30 of them outlive every conference.</summary>
    public static bool IsOfAnEpoch(Mki mki) => mki.Length == MkiLength && mki.Value >> 30 == 0;

    /// <summary>An MKI for a key of a leg's own, never that of an epoch.</summary>
    public static Mki OwnMki(long number) => new(1u << 31 | (uint)number, MkiLength);

    /// <summary>One that came in a message; takes the keys over.</summary>
    /// <exception cref="ArgumentException">A key has another MKI than that of the epoch.</exception>
    public static GroupKey Of(KeyEpoch epoch, ImmutableArray<MasterKey> keys, ImmutableArray<GroupKey> rungs) => keys.All(k => k.Mki == MkiOf(epoch))
        ? new GroupKey(epoch, keys) { Rungs = rungs }
        : throw new ArgumentException($"not every key has the MKI of {epoch}", nameof(keys));

    public static GroupKey Generate(KeyEpoch epoch, IEnumerable<SrtpProfile> suites, SecretWriter random)
    {
        ArgumentNullException.ThrowIfNull(suites);
        return new GroupKey(epoch, [.. suites.Select(s => MasterKey.Generate(s, MkiOf(epoch), random))]);
    }

    /// <summary>Borrowed; null: no key for that suite was made.</summary>
    public MasterKey? For(SrtpProfile suite) => Keys.FirstOrDefault(k => k.Profile == suite);

    public GroupKey Copy() => CopyWith(Rungs);

    /// <summary>A copy with copies of other rungs than its own.</summary>
    public GroupKey CopyWith(IEnumerable<GroupKey> rungs) => new(Epoch, [.. Keys.Select(k => k.Copy())]) { Rungs = [.. rungs.Select(r => r.Copy())] };

    /// <summary>
    /// What proves later which key it was, without showing it: SHA-256 over a label, the names and the 240 or more secret bits, which nobody can guess.
    /// </summary>
    public ImmutableArray<KeyCommitment> Commit(string conference) => [.. Keys.Select(k => new KeyCommitment(k.Profile.Name, Digest(conference, k)))];

    public void Dispose()
    {
        foreach (var key in Keys) key.Dispose();
        foreach (var rung in Rungs) rung.Dispose();
    }

    public override string ToString() => $"<group key of {Epoch}>";

    private string Digest(string conference, MasterKey key)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"confcluster key commitment 1\n{conference}\n{Epoch.Number}\n{key.Profile.Name}\n"));
        hash.AppendData(key.KeyAndSalt.Reveal());
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
