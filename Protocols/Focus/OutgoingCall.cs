using System.Collections.Immutable;
using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Focus;

/// <summary>A call that the focus makes, from the asking to the answer.</summary>
/// <param name="Asked">Whom the operator named; it stays in To whatever a redirect says (RFC 3261 §8.1.3.4).</param>
public sealed record OutgoingCall(ConferenceId Conference, string CallId, SipUri Asked)
{
    /// <summary>The Request-URI of the attempt in hand.</summary>
    public SipUri Target { get; init; } = Asked;

    /// <summary>Every URI that was tried: none is tried twice.</summary>
    public ImmutableArray<SipUri> Tried { get; init; } = [Asked];

    /// <summary>Contacts of a 3xx that are still to be tried, the best first.</summary>
    public ImmutableArray<SipUri> Alternatives { get; init; } = [];

    public MixerId? Mixer { get; init; }

    /// <summary>For a mixer with room.</summary>
    public RoomSearch Search { get; init; }

    /// <summary>Of the ports that the mixer was asked for.</summary>
    public AddressFamily Family { get; init; }

    /// <summary>The ticket for whom is called, or a key that we share; null: neither.</summary>
    public OfferGrant? Granted { get; init; }

    /// <summary>The only format that the conference takes; null: any of ours.</summary>
    public MediaTerms? Terms { get; init; }

    /// <summary>With our offer, unanswered.</summary>
    public Leg? Leg { get; init; }

    /// <summary>Where the attempt in hand may go; the first is in use (RFC 3263 §4.3).</summary>
    public ImmutableArray<SipFlow> Hops { get; init; } = [];

    public NameAddr? From { get; init; }

    /// <summary>CSeq of the attempt in hand.</summary>
    public uint Sequence { get; init; }

    /// <summary>What was asked of us so far; every request answers it all.</summary>
    public DigestClient Proofs { get; init; } = DigestClient.Of();

    /// <summary>How many challenges were answered.</summary>
    public int Answers { get; init; }

    /// <summary>RFC 4028 §7.3: what a 422 asked for.</summary>
    public uint? SessionInterval { get; init; }

    /// <summary>As it was sent, without its body.</summary>
    public SipRequest? Invite { get; init; }

    /// <summary>Our Via as the first provisional response shows it; null: none came, so there is nothing to cancel yet (RFC 3261 §9.1).</summary>
    public Via? Heard { get; init; }

    public bool IsRinging { get; init; }

    /// <summary>By the peer's tag.</summary>
    public ImmutableDictionary<string, EarlyDialog> Early { get; init; } = ImmutableDictionary<string, EarlyDialog>.Empty;

    /// <summary>Phones that answered after another one had (see <see cref="AnsweredCall"/>).</summary>
    public ImmutableHashSet<string> Declined { get; init; } = [];

    /// <summary>What to tell when there is nothing more to try.</summary>
    public CallFailure Failure { get; init; } = new(480, "Nobody could be reached");

    internal IEnumerable<IDisposable> Secrets =>
        [.. Granted?.Secrets ?? [], .. Leg?.Secrets ?? [], .. Early.Values.SelectMany(e => e.Answered?.Secrets ?? [])];
}

/// <summary>An early dialog (RFC 3261 §12): one per phone that rings.</summary>
/// <param name="Sequence">The newest RSeq that was acknowledged (RFC 3262 §4); null: none was reliable.</param>
/// <param name="Answered">The leg, once a reliable provisional response held the answer (RFC 3262 §5).</param>
public sealed record EarlyDialog(Dialog Dialog, uint? Sequence, Leg? Answered);

/// <summary>Why a call came to nothing, for whoever asked for it.</summary>
public sealed record CallFailure(int Status, string Reason);

/// <summary>What is kept of an answered call for as long as more answers may come.</summary>
/// <param name="KeptTag">Of the phone whose answer counts.</param>
/// <param name="Ack">To that answer.</param>
/// <param name="Declined">Tags of the other phones that answered: each was sent ACK and BYE.</param>
public sealed record AnsweredCall(SipRequest Invite, SipFlow Flow, string KeptTag, SipRequest Ack, ImmutableHashSet<string> Declined);
