using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Focus;

/// <summary>The ports that a mixer holds for a leg.</summary>
public sealed record LegPlace(MixerId Mixer, MediaAddress Rtp, MediaAddress Rtcp);

/// <summary>A peer's offer that can be accepted, with the keys in it, and its text without them.</summary>
public sealed record LegOffer(AcceptedMedia Media, string Text) : IDisposable
{
    /// <summary>Of a first offer that is keyed by MIKEY.</summary>
    public OfferedTicket? Ticket { get; init; }

    /// <summary>Of a first offer under a pre-shared key.</summary>
    public OfferedPreShared? PreShared { get; init; }

    /// <summary>Of a later one.</summary>
    public KeyedLeg? Mikey { get; init; }

    internal IEnumerable<IDisposable> Secrets =>
        [Media, .. Ticket is null ? Array.Empty<IDisposable>() : [Ticket.Verified], .. PreShared?.Opening.Secrets ?? []];

    public void Dispose()
    {
        foreach (var secret in Secrets) secret.Dispose();
    }
}

/// <summary>A TRANSFER_INIT that is proven and waits for our answer.</summary>
public sealed record OfferedTicket(MikeyArrival Arrival, VerifiedTransfer Verified);

/// <summary>An I_MESSAGE that is proven and waits for our answer.</summary>
public sealed record OfferedPreShared(PreSharedOffer Arrival, PreSharedOpening Opening);

/// <summary>What a first offer of ours is keyed with: a ticket, or a key that we share with whom it is for.</summary>
public sealed record OfferGrant(GrantedKeys? Ticket, PreSharedGrant? PreShared)
{
    internal IEnumerable<IDisposable> Secrets => new IDisposable?[] { Ticket, PreShared?.Psk }.OfType<IDisposable>();
}

/// <summary>A key that we share with somebody (RFC 3830 §3.1). Whoever has it owns the key.</summary>
/// <param name="Self">Whom we are known as.</param>
public sealed record PreSharedGrant(SecretBytes Psk, Identity Self, Identity Responder)
{
    public override string ToString() => $"key of {Self} and {Responder}";
}

/// <summary>What the conference says of a leg before its first offer or answer of ours.</summary>
/// <param name="Keying">What it is told to send under.</param>
/// <param name="Uplink">The SSRC that it is to send under with a group key; 0: it sends under a key of its own, or is not in yet.</param>
/// <param name="Media">The only format that the conference takes, and no keys but those of a ticket; null: any of ours.</param>
public sealed record LegTerms(LegKeying Keying, uint Uplink, MediaTerms? Media)
{
    /// <summary>Nothing is said.</summary>
    public static readonly LegTerms None = new(LegKeying.Own, 0, null);

    /// <summary>The offer is the first of a new bundle in a dialog that has had others; null: of the dialog.</summary>
    public LegRenewal? Renewal { get; init; }
}

/// <summary>What a new bundle in a dialog has from the one before.</summary>
/// <param name="Number">Of the offer; higher than any that was before.</param>
/// <param name="Under">A key of the group that the peer has, and is to go on sending with; null: with one of its own.</param>
public sealed record LegRenewal(SrtpProfile Suite, long Number, Mki? Under);

/// <summary>A MIKEY message that stands in our first offer.</summary>
/// <param name="Local">The offer with the one key that goes with it.</param>
/// <param name="Wire">The same as it would go out alone.</param>
/// <param name="IsAlone">False: a=crypto stood beside it.</param>
public sealed record TicketOffer(IKeyedOffer Offer, OfferGrant Granted, MasterKey Key, SessionDescription Local, SessionDescription Wire, bool IsAlone)
{
    /// <summary>What the answer must keep to.</summary>
    public LegTerms Terms { get; init; } = LegTerms.None;

    internal IEnumerable<IDisposable> Secrets => [Offer, .. Granted.Secrets, Key, Local];
}

/// <summary>A body with keys in it, whose holder zeroes it.</summary>
public sealed class SdpBody(SipBody body) : IDisposable
{
    /// <summary>Until there is one.</summary>
    public static readonly SdpBody Nothing = new(SipBody.Empty);

    public SipBody Body { get; } = body;

    public void Dispose() => Body.Clear();
}

/// <summary>What offer and answer have settled for a leg so far (RFC 3264 §8, RFC 4568 §7.1.4).</summary>
/// <param name="Keys">Its own, which nobody else has: the one in use; one per suite while our first offer is unanswered.</param>
/// <param name="Remote">The peer's side; null while our first offer is unanswered.</param>
/// <param name="RemoteText">The peer's SDP without keys.</param>
/// <param name="Local">Our newest SDP; <paramref name="LocalIsAnswer"/>: an answer, not an offer.</param>
/// <param name="Sent">Its octets, for repeating.</param>
/// <param name="Generation">Grows with each offer/answer.</param>
public sealed record Leg(
    LegPlace Place, ImmutableArray<MasterKey> Keys, AcceptedMedia? Remote, string RemoteText, SessionDescription Local, bool LocalIsAnswer,
    SdpBody Sent, long Generation)
{
    public MasterKey Key => Keys[0];

    /// <summary>The keys of the group that the peer was told, oldest first; the last one is the newest that it took.</summary>
    public ImmutableArray<GroupKey> Group { get; init; } = [];

    /// <summary>Null: its keys stand in a=crypto.</summary>
    public KeyedLeg? Mikey { get; init; }

    /// <summary>Whether it is told to send under a key of the group.</summary>
    public LegKeying Keying { get; init; }

    /// <summary>Where media is forwarded unopened: the epoch that it was told to send under; null: none yet, and what it sends is forwarded to nobody.</summary>
    public KeyEpoch? Sends { get; init; }

    /// <summary>The SSRC that it registered for that.</summary>
    public uint RegisteredSsrc { get; init; }

    /// <summary>Streams of others that run already, for the peer to begin with them; in the offer in hand alone.</summary>
    public ImmutableArray<UplinkIndex> Streams { get; init; } = [];

    /// <summary>The ticket in our first offer while that is unanswered.</summary>
    public TicketOffer? Ticket { get; init; }

    internal IEnumerable<IDisposable> Secrets =>
        [.. Keys, .. Group, .. new IDisposable?[] { Mikey?.Secret, Remote }.OfType<IDisposable>(), Local, Sent, .. Ticket?.Secrets ?? []];
}
