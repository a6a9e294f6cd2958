using System.Collections.Immutable;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Phone;

/// <param name="Identity">Of From and Contact.</param>
/// <param name="Suites">Offered in this order (RFC 4568 §5.1.1); empty: RTP/AVP, which proves that a server refuses it.</param>
/// <param name="UseMki">Whether our keys have an MKI, where the peer may be sent one.</param>
/// <param name="AnswerAfter">How long it rings before it answers by itself.</param>
public sealed record PhoneSettings(SipUri Identity, ImmutableArray<SrtpProfile> Suites, bool UseMki, SipTimings Timings, TimeSpan AnswerAfter)
{
    public static readonly PhoneSettings Default = new(
        SipUri.Sip("phone", "phone.invalid"), SrtpProfile.Usual, UseMki: false, SipTimings.Default, TimeSpan.Zero);

    public ImmutableArray<OfferedCodec> Codecs { get; init; } = [OfferedCodec.Pcmu, OfferedCodec.Pcma];

    public string UserAgent { get; init; } = "ConfCluster-Phone";

    /// <summary>False: UPDATE is neither allowed nor taken, so that changes come by re-INVITE (RFC 3311 §5.1).</summary>
    public bool TakesUpdate { get; init; } = true;

    /// <summary>Whether it tells how loud it is (RFC 6464) and wants to know who speaks (RFC 6465), where the peer does too.</summary>
    public bool Levels { get; init; } = true;

    /// <summary>Requests too large for a datagram go over TCP (RFC 3261 §18.1.1), and as datagrams when nobody takes them there.</summary>
    public bool HasTcp { get; init; }

    /// <summary>What a challenge is answered with; null: nothing. Who made it owns its password.</summary>
    public DigestAccount? Account { get; init; }

    /// <summary>Null: its keys stand in a=crypto.</summary>
    public PhoneTicket? Ticket { get; init; }

    /// <summary>Whoever calls must have a ticket for this user of the KMS; null: keys of callers stand in a=crypto.</summary>
    public PhoneTicketUser? TicketUser { get; init; }

    /// <summary>An offer within the call may bring a ticket that takes the place of the one before (RFC 6043 §4.2.2): the shell has a way to the KMS.</summary>
    public bool ResolvesTickets { get; init; }

    /// <summary>Keys travel in MIKEY messages under a pre-shared key; null: not so.</summary>
    public PhonePreShared? PreShared { get; init; }

    /// <summary>So often the server is asked whether it is there, and a question without an answer by then means no; null: never.</summary>
    public TimeSpan? ProbeEvery { get; init; }

    public bool RequiresProtection => !Suites.IsEmpty;

    internal MediaCapabilities Capabilities => new(Suites, [.. Codecs.Select(c => c.Codec)], RequiresProtection)
    {
        Levels = Levels ? LevelSide.Client : LevelSide.None,
    };
}

/// <summary>Timers that a call has besides those of its transactions.</summary>
public enum CallTimer : byte
{
    None,

    /// <summary>RFC 3261 §13.3.1.4: the 2xx again, until its ACK comes.</summary>
    Repeat2xx,

    /// <summary>RFC 3261 §13.3.1.4: 64*T1 without an ACK.</summary>
    NoAck,

    /// <summary>It has rung long enough.</summary>
    Answer,

    /// <summary>RFC 3261 §14.1: the re-INVITE again after a 491.</summary>
    Glare,

    /// <summary>Another server does not answer.</summary>
    Way,

    /// <summary>Time to look whether the server is there.</summary>
    Probe,
}

/// <summary>A transaction's timer, or (with <see cref="Call"/>) one of the call's own.</summary>
public readonly record struct PhoneTimer(TransactionKey Transaction, SipTimer Timer, CallTimer Call)
{
    public PhoneTimer(CallTimer call) : this(default, default, call)
    {
    }
}

/// <summary>What a phone asks its shell to do, in order.</summary>
public abstract record PhoneEffect
{
    private PhoneEffect()
    {
    }

    /// <summary>If it cannot be sent, <see cref="PhoneCall.TransportFailed"/> is told the <paramref name="Transaction"/>, when there is one.</summary>
    public sealed record Send(SipMessage Message, SipFlow Flow, TransactionKey? Transaction) : PhoneEffect;

    public sealed record Start(PhoneTimer Timer, TimeSpan After) : PhoneEffect;

    public sealed record Cancel(PhoneTimer Timer) : PhoneEffect;

    /// <summary>For <see cref="PhoneMedia"/>; its keys are copies that the receiver owns.</summary>
    public sealed record UseMedia(LegMedia Media) : PhoneEffect
    {
        /// <summary>Streams of others that run already, where nobody mixes them.</summary>
        public ImmutableArray<UplinkIndex> Streams { get; init; } = [];
    }

    public sealed record Tell(PhoneEvent Event) : PhoneEffect;

    /// <summary>At the KMS; what comes of it goes to <see cref="PhoneCall.Resolved"/>.</summary>
    public sealed record Resolve(Ticket Ticket) : PhoneEffect;

    /// <summary>The server is gone: a way to another one, for <see cref="PhoneCall.Reconnected"/>. Nothing where there is none.</summary>
    public sealed record Reconnect : PhoneEffect;
}

/// <summary>Who or what ended a call.</summary>
public enum CallEnd : byte { Us, Peer, Refused, Cancelled, NoAnswer, TransportFailed, NoAck, BadAnswer }

/// <summary>What a phone's user sees of a call.</summary>
public abstract record PhoneEvent
{
    private PhoneEvent()
    {
    }

    public sealed record Progress(int Status, string Reason) : PhoneEvent;

    /// <summary>A 2xx was sent or came.</summary>
    public sealed record Answered(int Status, string Reason) : PhoneEvent;

    /// <summary>A re-INVITE or UPDATE of ours (true) or of the peer was accepted.</summary>
    public sealed record Renegotiated(bool Ours) : PhoneEvent;

    /// <summary>A re-INVITE of ours was refused: everything stays as it was (RFC 3261 §14.1).</summary>
    public sealed record ChangeRefused(int Status, string Reason) : PhoneEvent;

    /// <summary>The call goes on through another server.</summary>
    public sealed record Rerouted : PhoneEvent;

    /// <summary>The last event. <paramref name="Status"/>: of the final response, 408 or 503 in place of one (RFC 3261 §8.1.3.1).</summary>
    public sealed record Ended(CallEnd How, int Status, string Reason, string? Detail) : PhoneEvent;
}
