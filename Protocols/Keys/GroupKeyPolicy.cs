using System.Collections.Immutable;
using ConfCluster.Protocols.Keys.Rekeying;

namespace ConfCluster.Protocols.Keys;

/// <summary>What a leg can do about keys, as its first offer and its signalling show.</summary>
/// <param name="TakesMki">Its keys had an MKI.</param>
/// <param name="IsProtected">The first hop of its signalling is TLS, or does not leave this machine.</param>
/// <param name="UserAgent">As it names itself; empty: it does not.</param>
public sealed record LegAbility(bool TakesMki, bool IsProtected, string UserAgent)
{
    /// <summary>Called by us, or told before this was asked: a key of its own.</summary>
    public static readonly LegAbility None = new(false, false, "");

    /// <summary>
    /// Its signalling goes over a stream, so an SDP may have many keys; with those a datagram would be longer than RFC 3261 §18.1.1 allows.
    /// </summary>
    public bool IsStream { get; init; }

    /// <summary>
    /// Its first offer has a ticket, which names the SSRC that it will send under (RFC 6043 §6.1.1) beside an MKI as long as the group's; 0: it cannot send under
    /// a group key, since nobody could say before its first packet that its key stream is its own (RFC 3711 §9.1).
    /// </summary>
    public uint TicketSsrc { get; init; }

    /// <summary>
    /// The first offer is ours and has a ticket, so it can name the SSRC that the peer must send under (RFC 6043 §6.1.1); the conference draws it.
    /// </summary>
    public bool TakesSsrc { get; init; }

    /// <summary>It can send under a group key.</summary>
    public bool SharesUplink => TicketSsrc != 0 || TakesSsrc;
}

/// <summary>What a leg gets that cannot tell keys by MKI.</summary>
public enum NonMkiLegs : byte { Individual, Group, Refuse }

/// <summary>What legs with tickets send under.</summary>
public enum UplinkKeying : byte { Individual, Group }

/// <summary>Who may be told a group key by SDES (RFC 4568 §7: signalling that hides it).</summary>
public enum SdesSignalling : byte
{
    /// <summary>Others get a key of their own.</summary>
    Individual,

    /// <summary>Others are refused.</summary>
    Tls,

    /// <summary>Everybody.</summary>
    Any,
}

/// <summary>Which legs share the group key (3GPP pCR 5.3.2.1.1), and when it changes.</summary>
/// <param name="IsGroup">False: every leg has a downlink key of its own.</param>
public sealed record GroupKeyPolicy(bool IsGroup, RekeyPolicy Rekey)
{
    public static readonly GroupKeyPolicy Individual = new(false, RekeyPolicy.Default);

    /// <summary>A key is changed after so many packets (RFC 3711 §9.2: at most 2^48 of SRTP and 2^31 of SRTCP).</summary>
    public ulong MaxPackets { get; init; } = 1UL << 30;

    /// <summary>Who makes the group keys.</summary>
    public KeySource Source { get; init; }

    /// <summary>When the KMS gives none in half the distribution timeout, the focus makes one; else legs are under keys of their own from the deadline on.</summary>
    public bool FallsBackToFocus { get; init; }

    /// <summary>Media is forwarded unopened: everybody has a ticket and the group key both ways.</summary>
    public bool IsSwitching { get; init; }

    /// <summary>There is a group key.</summary>
    public bool IsShared => IsGroup || IsSwitching;

    public NonMkiLegs NonMkiLegs { get; init; }

    public UplinkKeying Uplink { get; init; }

    public SdesSignalling SdesSignalling { get; init; }

    /// <summary>Exceptions by the beginning of the User-Agent; the first that fits counts.</summary>
    public ImmutableArray<(string UserAgent, NonMkiLegs Then)> ByUserAgent { get; init; } = [];

    /// <returns>Null: such a leg is refused.</returns>
    public LegKeying? KeyingOf(LegAbility ability)
    {
        ArgumentNullException.ThrowIfNull(ability);
        if (IsSwitching) return ability.SharesUplink ? LegKeying.Switched : null;
        if (!IsGroup) return LegKeying.Own;
        if (!ability.IsProtected && SdesSignalling != SdesSignalling.Any) return SdesSignalling == SdesSignalling.Tls ? null : LegKeying.Own;
        if (ability.TakesMki) return Uplink == UplinkKeying.Group && ability.SharesUplink ? LegKeying.GroupBothWays : LegKeying.GroupByMki;
        var exception = ByUserAgent.FirstOrDefault(e => ability.UserAgent.StartsWith(e.UserAgent, StringComparison.OrdinalIgnoreCase));
        return (exception.UserAgent is null ? NonMkiLegs : exception.Then) switch
        {
            NonMkiLegs.Group => LegKeying.GroupPlain,
            NonMkiLegs.Refuse => null,
            _ => LegKeying.Own,
        };
    }
}
