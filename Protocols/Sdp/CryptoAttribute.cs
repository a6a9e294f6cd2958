using System.Collections.Immutable;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Sdp;

/// <summary>What the three negotiated session parameters switch off (RFC 4568 §6.3.2, §6.3.3).</summary>
[Flags]
public enum Unprotected : byte { None = 0, SrtpEncryption = 1, SrtcpEncryption = 2, SrtpAuthentication = 4 }

/// <summary>
/// An a=crypto line (RFC 4568 §4, §6). The key text never becomes a string: the keys go from the message's octets into
/// <see cref="Keys"/>, which this owns. A line that is not usable has an <see cref="Error"/> and no key. Left out: KDR other than 0,
/// FEC_KEY (such a line is unusable); session extensions with "-" are ignored and not kept.
/// </summary>
public sealed record CryptoAttribute(uint Tag, string Suite, SrtpProfile? Profile, ImmutableArray<MasterKey> Keys) : IDisposable
{
    public CryptoAttribute(uint tag, SrtpProfile profile, ImmutableArray<MasterKey> keys) : this(tag, profile.Name, profile, keys)
    {
    }

    public CryptoError Error { get; init; }

    public Unprotected Unprotected { get; init; }

    /// <summary>WSH (RFC 4568 §6.3.6): a hint for the replay window, or null.</summary>
    public int? WindowSizeHint { get; init; }

    public bool IsUsable => Error == CryptoError.None;

    /// <summary>Octets of the MKI in the packets of whoever wrote the line; 0: none. All keys of a line have the same (RFC 4568 §6.1).</summary>
    public byte MkiLength => Keys.IsEmpty ? (byte)0 : Keys[0].Mki.Length;

    public static CryptoAttribute Unusable(uint tag, string suite, CryptoError error) => new(tag, suite, null, []) { Error = error };

    /// <summary>True when a key here equals it (RFC 4568 §6.1: unique; §7.1.2: the answer's differ from the offer's), in constant time per key.</summary>
    public bool Repeats(MasterKey key)
    {
        var found = false;
        foreach (var mine in Keys) found |= mine.KeyAndSalt.FixedTimeEquals(key.KeyAndSalt);
        return found;
    }

    public void Dispose()
    {
        foreach (var key in Keys) key.Dispose();
    }

    public override string ToString() => $"<crypto {Tag} {Suite}, {Keys.Length} keys, {Error}>";
}
