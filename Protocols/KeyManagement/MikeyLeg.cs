using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>
/// A leg whose keys travel in MIKEY-TICKET messages (RFC 6043, RFC 4567): its bundle, and how its SDP is written and read. CS ID 2i+1 is what the
/// bundle's Initiator sends in stream i, 2i+2 what its Responder sends. Immutable; whoever holds the last one disposes the bundle.
/// </summary>
/// <param name="Unanswered">An update of the peer that our next SDP answers.</param>
public sealed record MikeyLeg(UpdateState State, SrtpProfile Profile, int Stream, bool AtSession, uint Ssrc, UpdateEffect.Updated? Unanswered = null)
    : KeyedLeg(Profile, Stream, AtSession, Ssrc)
{
    /// <summary>Of <see cref="Others"/>: more are found by trying.</summary>
    public const int MaxOthers = 32;

    /// <summary>What the peer is to send with, as our next message says; null: what it said.</summary>
    public Mki? Theirs { get; init; }

    /// <summary>
    /// Streams of others that run under the group's keys, for our next message: each is a session of its own with SSRC, ROC and SEQ behind the two of the
    /// stream (RFC 6043 §6.1.1).
    /// </summary>
    public ListOf<SrtpPosition> Running { get; init; }

    /// <summary>As the newest message tells.</summary>
    public ImmutableArray<SrtpPosition> Others => [.. Said.Where(s => !IsOfStream(s)).Select(s => s.Position).OfType<SrtpPosition>()];

    public CryptoBundle Bundle => State.Bundle.Bundle;

    public override Identity Self => Bundle.Role == BundleRole.Initiator ? Bundle.Initiator : Bundle.Responder;

    public override Identity Peer => Bundle.Peer;

    public override IDisposable Secret => Bundle;

    public override bool IsWaiting => State.Pending is not null;

    public override bool AnswersWithoutKeys => false;

    /// <summary>Our offer, or the answer to the peer's: the keys of its one a=crypto line go into a CSB update (RFC 6043 §5.2), the newest first.</summary>
    /// <param name="session">Borrowed.</param>
    /// <param name="first">What we send with first: its MKI is the SPI of our session.</param>
    public override (KeyedLeg Leg, SessionDescription Wire) Write(SessionDescription session, Mki first, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(session);
        var keys = TeksOf(session, Stream);
        var terms = new SessionTerms(Sessions(first, Theirs), Unanswered is null ? new([MikeyKeys.PolicyOf(Profile)!.ToPayload(0)]) : default, keys, IsOffer);
        var step = Unanswered is { } update ? CsbUpdate.Answer(State, update, terms, context) : CsbUpdate.Begin(State, terms, Ahead(context));
        foreach (var key in keys) key.Dispose();
        var message = step.Effects.OfType<UpdateEffect.Send>().Single().Message;
        return (this with { State = step.State, Unanswered = null, IsRevived = false }, KeyedSdp.Written(session, Stream, message, AtSession));
    }

    public override ExchangeError Read(
        SessionDescription wire, ImmutableArray<MasterKey> theirs, ExchangeContext context, out KeyedLeg next, out SessionDescription? readable)
    {
        ArgumentNullException.ThrowIfNull(wire);
        (next, readable) = (this, null);
        if (KeyedSdp.MessageOf(wire, Stream) is not var (message, atSession)) return ExchangeError.MissingPayload;
        var step = CsbUpdate.Next(State, message, context);
        var (error, brought, update) = step.Effects[0] switch
        {
            UpdateEffect.Updated e => ((this with { State = step.State }).Check(e, wire, atSession), e.Keys, e),
            UpdateEffect.Confirmed e => (ExchangeError.None, e.Keys, (UpdateEffect.Updated?)null),
            UpdateEffect.Unacceptable e => (e.Error, [], null),
            UpdateEffect.Refused => (ExchangeError.RefusedByPeer, [], null),
            UpdateEffect.Ignored e => (e.Error, [], null),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        var keys = brought.IsEmpty ? [.. theirs.Select(k => k.Copy())] : MikeyKeys.MasterKeys(brought, Profile);
        foreach (var key in brought) key.Dispose();
        next = this with { State = step.State, Unanswered = error == ExchangeError.None ? update : null };
        if (error == ExchangeError.None && keys.IsEmpty) error = ExchangeError.BadKeys;
        if (error == ExchangeError.None) readable = KeyedSdp.Read(wire, Stream, keys);
        foreach (var key in keys) key.Dispose();
        return error;
    }

    public override KeyedLeg Settled() => this with { State = State with { Pending = null } };

    private ListOf<GeneralExtension> IsOffer => Unanswered is null ? new([GeneralExtension.SdpIds(KeyManagementLine.Mikey)]) : default;

    /// <summary>The same two sessions under the same suite, and all that the peer has to say of its own.</summary>
    private ExchangeError Check(UpdateEffect.Updated update, SessionDescription wire, bool atSession)
    {
        if (!KeyedSdp.NamesProtocols(update.Init, wire, Stream, atSession)) return ExchangeError.WrongProtocols;
        var said = ((CsIdMap.Generic)update.Init.Header.Map).Sessions;
        var own = CsIdOf(Stream, Bundle.Role);
        var theirs = CsIdOf(Stream, Bundle.Role == BundleRole.Initiator ? BundleRole.Responder : BundleRole.Initiator);
        if (said.Count > 2 + MaxOthers || said.Any(s => !IsOfStream(s) && s.Position is null)) return ExchangeError.BadSessions;
        if (said.All(s => s.CsId != own) || said.FirstOrDefault(s => s.CsId == theirs) is not { Session.IsEmpty: false, Spi.IsEmpty: false })
            return ExchangeError.BadSessions;
        var policy = MikeyKeys.PolicyOf(Profile);
        return said.All(s => State.Bundle.PolicyOf(s) == policy) ? ExchangeError.None : ExchangeError.BadPolicies;
    }

    /// <summary>Ours as we have it now; the peer's as it said, but for the key where that is ours to choose.</summary>
    private ListOf<GenericSession> Sessions(Mki first, Mki? theirs)
    {
        var own = CsIdOf(Stream, Bundle.Role);
        var sessions = Said.Where(s => Unanswered is not null || IsOfStream(s))
            .Select(s => s.CsId == own ? SessionOf(own, Ssrc, first) : IsOfStream(s) ? SendingUnder(s, theirs) : s).ToList();
        if (Unanswered is null)
        {
            var next = CsIdOf(Stream, BundleRole.Responder);
            sessions.AddRange(Running.Take(MaxOthers).Select(p => GenericSession.ForSrtp(checked(++next), Octets.CopyOf([0]), p, MikeyKeys.Spi(first))));
        }

        return new([.. sessions]);
    }

    private bool IsOfStream(GenericSession session) =>
        session.CsId == CsIdOf(Stream, BundleRole.Initiator) || session.CsId == CsIdOf(Stream, BundleRole.Responder);

    /// <summary>The map of the newest message.</summary>
    private ListOf<GenericSession> Said => Unanswered is null ? State.Bundle.Sessions : ((CsIdMap.Generic)Unanswered.Init.Header.Map).Sessions;

    /// <summary>What the newest message says that we send with (RFC 6043 §6.1.1); none: nothing, or no MKI that a packet can have.</summary>
    public Mki Sends => Said.FirstOrDefault(s => s.CsId == CsIdOf(Stream, Bundle.Role)) is { } own && Mki.TryRead(own.Spi.Span, out var mki) ? mki : Mki.None;

    /// <summary>What the newest message says that the peer sends with, and under which SSRC; 0: it does not say.</summary>
    public (Mki Mki, uint Ssrc) Receives => SourceOf(Said, CsIdOf(Stream, Bundle.Role == BundleRole.Initiator ? BundleRole.Responder : BundleRole.Initiator));

    internal static (Mki Mki, uint Ssrc) SourceOf(ListOf<GenericSession> sessions, byte csId) =>
        sessions.FirstOrDefault(s => s.CsId == csId) is { } found && Mki.TryRead(found.Spi.Span, out var mki) ? (mki, found.Position?.Ssrc ?? 0) : default;

    internal static GenericSession SendingUnder(GenericSession session, Mki? key) => key is { } mki ? session with { Spi = MikeyKeys.Spi(mki) } : session;

    internal static byte CsIdOf(int stream, BundleRole sender) => checked((byte)(2 * stream + (sender == BundleRole.Initiator ? 1 : 2)));

    internal static GenericSession SessionOf(byte csId, uint ssrc, Mki first) =>
        GenericSession.ForSrtp(csId, Octets.CopyOf([0]), new SrtpPosition(ssrc), MikeyKeys.Spi(first));

    /// <summary>Copies, which the caller owns.</summary>
    internal static ImmutableArray<TransportedKey> TeksOf(SessionDescription session, int stream) =>
        session.Media[stream].Crypto is [var line] ? [.. line.Keys.Select(MikeyKeys.ToTek)] : throw new InvalidOperationException("one suite, and its keys");
}
