using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>
/// A leg whose keys travel under a pre-shared key (RFC 3830 §3.1, RFC 4567). What began it brought a TGK, which gives each side a key of its own; an offer
/// later on is an update (RFC 3830 §4.5) with the TEKs that its sender protects with, and its answer, which can hold no key, a verification message
/// (DECISIONS 260).
/// </summary>
/// <param name="Sessions">As they were said last: the i-th is CS ID i.</param>
/// <param name="Unanswered">An update of the peer that our next SDP answers.</param>
public sealed record PreSharedLeg(
    PreSharedBundle Bundle, ListOf<SrtpSession> Sessions, SrtpProfile Profile, int Stream, bool AtSession, uint Ssrc, MikeyMessage? Unanswered = null)
    : KeyedLeg(Profile, Stream, AtSession, Ssrc)
{
    public override Identity Self => Bundle.Role == BundleRole.Initiator ? Bundle.Initiator : Bundle.Responder;

    public override Identity Peer => Bundle.Role == BundleRole.Initiator ? Bundle.Responder : Bundle.Initiator;

    public override IDisposable Secret => Bundle.Keys;

    public override bool IsWaiting => Bundle.Pending is not null;

    public override bool AnswersWithoutKeys => true;

    public override (KeyedLeg Leg, SessionDescription Wire) Write(SessionDescription session, Mki first, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (Unanswered is { } update)
        {
            var sessions = FilledIn(((CsIdMap.Srtp)update.Header.Map).Sessions);
            var answer = PreSharedUpdate.Answer(Bundle, update, sessions) ?? throw new InvalidOperationException("no answer is wanted");
            return (this with { Unanswered = null }, KeyedSdp.Written(session, Stream, answer, AtSession));
        }

        // The policies are known already, so they are left out (RFC 3830 §4.5).
        var keys = MikeyLeg.TeksOf(session, Stream);
        var (next, sent) = PreSharedUpdate.Begin(Bundle, FilledIn(Sessions), default, keys, new([GeneralExtension.SdpIds(KeyManagementLine.Mikey)]), Ahead(context));
        foreach (var key in keys) key.Dispose();
        return (this with { Bundle = next, IsRevived = false }, KeyedSdp.Written(session, Stream, sent, AtSession));
    }

    public override ExchangeError Read(
        SessionDescription wire, ImmutableArray<MasterKey> theirs, ExchangeContext context, out KeyedLeg next, out SessionDescription? readable)
    {
        ArgumentNullException.ThrowIfNull(wire);
        (next, readable) = (this, null);
        if (KeyedSdp.MessageOf(wire, Stream) is not var (octets, atSession)) return ExchangeError.MissingPayload;
        if (!MikeyReader.TryRead(octets.Span, out var message, out _)) return ExchangeError.Malformed;
        if (message!.Header.Type == MessageType.PreSharedVerification)
        {
            var (confirmed, wrong) = PreSharedUpdate.Confirm(Bundle, octets);
            next = this with { Bundle = confirmed };
            if (wrong == ExchangeError.None) readable = KeyedSdp.Read(wire, Stream, theirs);
            return wrong;
        }

        var (bundle, arrival) = PreSharedUpdate.Receive(Bundle, octets, context);
        next = this with { Bundle = bundle };
        var error = arrival.Init is { } update ? Check(update, arrival.Keys, wire, atSession) : arrival.Error;
        var keys = error != ExchangeError.None ? [] : arrival.Keys.IsEmpty ? [.. theirs.Select(k => k.Copy())] : MikeyKeys.MasterKeys(arrival.Keys, Profile);
        foreach (var key in arrival.Keys) key.Dispose();
        if (error == ExchangeError.None && keys.IsEmpty) error = ExchangeError.BadKeys;
        if (error == ExchangeError.None)
        {
            next = this with { Bundle = bundle, Unanswered = arrival.Init };
            readable = KeyedSdp.Read(wire, Stream, keys);
        }

        foreach (var key in keys) key.Dispose();
        return error;
    }

    public override KeyedLeg Settled() => this with { Bundle = Bundle with { Pending = null } };

    /// <summary>
    /// The same sessions under the same suite; TEKs alone, since a TGK would give us another key as well, and we cannot say when we use it; and it wants the
    /// answer that an SDP needs.
    /// </summary>
    private ExchangeError Check(MikeyMessage update, ImmutableArray<TransportedKey> keys, SessionDescription wire, bool atSession)
    {
        if (!KeyedSdp.NamesProtocols(update, wire, Stream, atSession)) return ExchangeError.WrongProtocols;
        if (!update.Header.V) return ExchangeError.UnexpectedMessage;
        var said = ((CsIdMap.Srtp)update.Header.Map).Sessions;
        if (said.Count != Sessions.Count) return ExchangeError.BadSessions;
        if (keys.Any(k => !k.Type.IsTek())) return ExchangeError.BadKeys;
        var policies = SessionRules.Merge(new([.. Bundle.Init.All<SecurityPolicy>()]), update);
        var suite = MikeyKeys.PolicyOf(Profile);
        var own = PreSharedOffer.SessionsOf(said, Stream, AtSession);
        return own is var (hers, his) && PreSharedOffer.PolicyOf(hers, policies) == suite && PreSharedOffer.PolicyOf(his, policies) == suite
            ? ExchangeError.None
            : ExchangeError.BadPolicies;
    }

    /// <summary>Our SSRC where it was left to us (RFC 3830 §6.1.1).</summary>
    internal ListOf<SrtpSession> FilledIn(ListOf<SrtpSession> asked)
    {
        var own = PreSharedOffer.CsIdOf(Stream, AtSession, Bundle.Role);
        return new([.. asked.Select((s, i) => i + 1 == own && s.Ssrc == 0 ? s with { Ssrc = Ssrc } : s)]);
    }
}
