using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>A first offer of ours with a MIKEY message in it that waits for its answer. Owns what the message holds.</summary>
public interface IKeyedOffer : IDisposable
{
    /// <summary>Of the SDP.</summary>
    int Stream { get; }

    /// <summary>
    /// Reads an answer; to an offer that was forked there may be several. The caller owns the leg's secret and <paramref name="readable"/>, which has the
    /// peer's keys.
    /// </summary>
    ExchangeError Read(SessionDescription wire, ExchangeContext context, out KeyedLeg? leg, out SessionDescription? readable);
}

/// <summary>
/// A leg whose keys travel in MIKEY messages (RFC 4567), under a ticket (<see cref="MikeyLeg"/>) or under a pre-shared key (<see cref="PreSharedLeg"/>): how
/// its SDP is written and read once the first exchange is done. Immutable; whoever holds the last one disposes <see cref="Secret"/>.
/// </summary>
/// <param name="AtSession">The message stands at session level, where the peer put it.</param>
/// <param name="Ssrc">What we said of our own stream.</param>
public abstract record KeyedLeg(SrtpProfile Profile, int Stream, bool AtSession, uint Ssrc)
{
    /// <summary>How far the first T of a next life is ahead of the clock: what the former one said last may be newer than what it left behind.</summary>
    private static readonly TimeSpan Leap = TimeSpan.FromSeconds(2);

    /// <summary>A next life has it and has said nothing yet, so nothing that was said before is said again as our own offer.</summary>
    public bool IsRevived { get; init; }

    /// <summary>Whom the peer knows us as.</summary>
    public abstract Identity Self { get; }

    public abstract Identity Peer { get; }

    /// <summary>What protects the messages of the bundle.</summary>
    public abstract IDisposable Secret { get; }

    /// <summary>An update of ours is unanswered.</summary>
    public abstract bool IsWaiting { get; }

    /// <summary>Only the other side's keys may be told in an answer of ours: what is new of our own needs an offer.</summary>
    public abstract bool AnswersWithoutKeys { get; }

    /// <summary>Our offer, or the answer to the peer's, with the keys of its one a=crypto line in place of that.</summary>
    /// <param name="session">Borrowed.</param>
    /// <param name="first">What we send with first.</param>
    public abstract (KeyedLeg Leg, SessionDescription Wire) Write(SessionDescription session, Mki first, ExchangeContext context);

    /// <summary>
    /// The peer's offer or answer: an update of its own, or the answer to ours. What it brings of keys takes the place of
    /// <paramref name="theirs"/>, which are borrowed; without any they stay.
    /// </summary>
    /// <param name="readable">With the keys in place of the message; the caller owns it.</param>
    public abstract ExchangeError Read(
        SessionDescription wire, ImmutableArray<MasterKey> theirs, ExchangeContext context, out KeyedLeg next, out SessionDescription? readable);

    /// <summary>Our last word is said again and expects no answer.</summary>
    public abstract KeyedLeg Settled();

    /// <summary>For what is said next: of a former life no T comes again, also when another node's clock is behind.</summary>
    protected ExchangeContext Ahead(ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return IsRevived ? context with { Now = context.Now + Leap } : context;
    }
}
