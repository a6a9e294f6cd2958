using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>What two parties with a pre-shared key agree on (RFC 3830 §3.1). The key and the transported keys are borrowed.</summary>
/// <param name="Sessions">The i-th one has CS ID i, from 1 on.</param>
/// <param name="Keys">TGKs or TEKs.</param>
/// <param name="Extensions">For SDP the list of protocols (RFC 4567 §4.1.4).</param>
public sealed record PreSharedTerms(
    MikeySuite Suite, SecretBytes Psk, Identity Initiator, Identity Responder, ListOf<SrtpSession> Sessions, ListOf<SecurityPolicy> Policies,
    ImmutableArray<TransportedKey> Keys, ListOf<GeneralExtension> Extensions = default);

/// <summary>Where the Initiator of a pre-shared key message stands.</summary>
public abstract record PreSharedState
{
    private PreSharedState()
    {
    }

    public sealed record Waiting(MikeyMessage Init, PreSharedTerms Terms) : PreSharedState;

    /// <summary>Verified, or nothing was asked for.</summary>
    /// <param name="Sessions">With the SSRCs that the Responder filled in (RFC 3830 §6.1.1).</param>
    public sealed record Done(ListOf<SrtpSession> Sessions) : PreSharedState;

    public sealed record Failed(ExchangeError Error, ImmutableArray<ErrorNumber> Said) : PreSharedState;
}

/// <summary>What came of an I_MESSAGE at the Responder.</summary>
/// <param name="Init">Null: refused.</param>
/// <param name="Keys">The receiver owns them.</param>
public sealed record PreSharedArrival(ExchangeError Error, MikeyMessage? Init, ImmutableArray<TransportedKey> Keys)
{
    /// <summary>The bundle that a first message begins, which the receiver owns; null: refused, or an update.</summary>
    public PreSharedBundle? Bundle { get; init; }
}

/// <summary>
/// The pre-shared key mode of RFC 3830 §3.1, both sides: I_MESSAGE and, if it is asked for, the verification message. What follows
/// in the bundle is <see cref="PreSharedUpdate"/>.
/// </summary>
public static class PreSharedExchange
{
    private const int RandLength = 16;

    public static (PreSharedState State, Octets Sent) Begin(PreSharedTerms terms, bool wantsAnswer, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(terms);
        ArgumentNullException.ThrowIfNull(context);
        var (time, rand) = (MikeyTime.At(context.Now), context.Rand(Math.Max(RandLength, terms.Psk.Length)));
        var header = new MikeyHeader(MessageType.PreShared, wantsAnswer, terms.Suite.Prf, context.CsbId(), new CsIdMap.Srtp(terms.Sessions));
        using var keys = MessageKeys.Derive(terms.Suite, terms.Psk, KeyLabel.Message3830(header.CsbId, rand));
        var init = MikeyMac.SealKemac(
            new MikeyMessage(header, new ListOf<MikeyPayload>(
            [
                new Timestamp(time), new RandomValue(rand), new NamedIdentity(terms.Initiator), new NamedIdentity(terms.Responder),
                .. terms.Policies, .. terms.Extensions, KeyTransport.Seal(keys, header.CsbId, time, terms.Keys.AsSpan()),
            ])),
            keys);
        return (wantsAnswer ? new PreSharedState.Waiting(init, terms) : new PreSharedState.Done(terms.Sessions), MikeyWriter.Write(init));
    }

    /// <summary>RFC 3830 §5.3: timestamp, identities, MAC, and only then the rest.</summary>
    /// <param name="pskOf">The key shared with an Initiator; null: a stranger. Borrowed.</param>
    /// <param name="from">Whom the signalling names as the Initiator, when the message itself names nobody (RFC 3830 §3.1); null: nobody.</param>
    public static PreSharedArrival Receive(
        Octets received, Identity self, Func<Identity, SecretBytes?> pskOf, ReplayCache replays, ExchangeContext context, Identity? from = null)
    {
        ArgumentNullException.ThrowIfNull(pskOf);
        ArgumentNullException.ThrowIfNull(replays);
        ArgumentNullException.ThrowIfNull(context);
        if (!MikeyReader.TryRead(received.Span, out var init, out _)) return Refused(ExchangeError.Malformed);
        if (init!.Header.Type != MessageType.PreShared || init.Header.Map is not CsIdMap.Srtp map) return Refused(ExchangeError.UnexpectedMessage);
        if (MikeySuite.Of(init.Header.Prf) is not { } suite) return Refused(ExchangeError.UnsupportedAlgorithm);
        if (init.First<Timestamp>() is not { } t || init.First<RandomValue>() is not { } rand || init.Last is not Kemac kemac
            || NamesOf(init, from, self) is not var (initiator, responder)) return Refused(ExchangeError.MissingPayload);
        if (replays.Accepts(t.Time, received, context.Now) is var stale and not ExchangeError.None) return Refused(stale);
        if (responder != self || initiator == self) return Refused(ExchangeError.WrongParty);
        if (pskOf(initiator) is not { } psk) return Refused(ExchangeError.MacMismatch);
        using var bundle = PreSharedBundle.Of(init, psk, BundleRole.Responder, initiator, responder);
        if (!MikeyMac.IsRight(init, bundle.Keys)) return Refused(ExchangeError.MacMismatch);
        replays.Commit(t.Time, received, context.Now);
        if (rand.Value.Length < RandLength) return Refused(ExchangeError.TooShort);
        var policies = init.All<SecurityPolicy>().Select(p => p.Policy).ToHashSet();
        if (map.Sessions.Any(s => !policies.Contains(s.Policy))) return Refused(ExchangeError.BadPolicies);
        if (!KeyTransport.TryOpen(kemac, bundle.Keys, init.CsbId, t.Time, out var opened)) return Refused(ExchangeError.BadKeys);
        if (opened.Length > 0 && opened.All(k => k.Type <= KeyType.TekWithSalt && k.Key.Length >= suite.KeyLength))
            return new PreSharedArrival(ExchangeError.None, init, opened) { Bundle = bundle with { Keys = bundle.Keys.Copy() } };
        foreach (var key in opened) key.Dispose();
        return Refused(ExchangeError.BadKeys);
    }

    /// <summary>
    /// R_MESSAGE: the T of the I_MESSAGE, and a MAC over itself, both identities and that T (RFC 3830 §5.2). Null when none was asked for.
    /// </summary>
    /// <param name="sessions">Those of the I_MESSAGE with our SSRCs where it left them to us.</param>
    public static Octets? Verify(MikeyMessage init, SecretBytes psk, ListOf<SrtpSession> sessions)
    {
        ArgumentNullException.ThrowIfNull(init);
        if (!init.Header.V) return null;
        var (initiator, responder, time) = Parts(init);
        using var keys = Keys(init, psk);
        var header = init.Header with { Type = MessageType.PreSharedVerification, V = false, Map = new CsIdMap.Srtp(sessions) };
        var open = new MikeyMessage(header, new Timestamp(time), new NamedIdentity(responder));
        return MikeyWriter.Write(MikeyMac.Seal(open, keys, initiator.Name, responder.Name, Written(time)));
    }

    /// <summary>An Error message under the key of the I_MESSAGE.</summary>
    public static Octets Refuse(MikeyMessage init, SecretBytes psk, ExchangeError error)
    {
        ArgumentNullException.ThrowIfNull(init);
        using var keys = Keys(init, psk);
        var header = init.Header with { Type = MessageType.Error, V = false, Map = new CsIdMap.Srtp(default) };
        return MikeyWriter.Write(MikeyMac.Seal(new MikeyMessage(header, new Timestamp(Parts(init).Time), new ErrorPayload(error.ToNumber())), keys));
    }

    /// <summary>What is not authentic changes nothing.</summary>
    public static (PreSharedState State, ExchangeError Ignored) Next(PreSharedState state, Octets received)
    {
        if (state is not PreSharedState.Waiting waiting) return (state, ExchangeError.UnexpectedMessage);
        if (!MikeyReader.TryRead(received.Span, out var message, out _)) return (state, ExchangeError.Malformed);
        if (message!.CsbId != waiting.Init.CsbId || message.Header.Prf != waiting.Init.Header.Prf || message.Header.V) return (state, ExchangeError.UnexpectedMessage);
        var (initiator, responder, time) = Parts(waiting.Init);
        if (message.First<Timestamp>() is not { } t || message.Last is not Verification) return (state, ExchangeError.MissingPayload);
        if (t.Time != time) return (state, ExchangeError.BadTimestamp);
        using var keys = Keys(waiting.Init, waiting.Terms.Psk);
        switch (message.Header.Type)
        {
            case MessageType.Error when MikeyMac.IsRight(message, keys):
                return (new PreSharedState.Failed(ExchangeError.RefusedByPeer, [.. message.All<ErrorPayload>().Select(e => e.Error)]), ExchangeError.None);
            case MessageType.PreSharedVerification when MikeyMac.IsRight(message, keys, initiator.Name, responder.Name, Written(time)):
                break;
            case MessageType.Error or MessageType.PreSharedVerification:
                return (state, ExchangeError.MacMismatch);
            default:
                return (state, ExchangeError.UnexpectedMessage);
        }

        var isRight = message.Header.Map is CsIdMap.Srtp { Sessions: var said } && IsFilledIn(waiting.Terms.Sessions, said)
            && (message.First<NamedIdentity>() is not { } who || who.Identity == responder);
        return isRight
            ? (new PreSharedState.Done(((CsIdMap.Srtp)message.Header.Map).Sessions), ExchangeError.None)
            : (new PreSharedState.Failed(ExchangeError.BadSessions, []), ExchangeError.None);
    }

    /// <summary>SRTP master key and salt of a session (RFC 3830 §4.1.3). Null: a TEK of another length, or without a salt. The caller owns it.</summary>
    public static TrafficKey? TrafficKey(MikeyMessage init, byte csId, TransportedKey key, SrtpPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(init);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(policy);
        if (key.Type.IsTek())
            return key.Key.Length == policy.KeyLength && key.Salt is { } salt ? new TrafficKey(key.Key.Copy(), salt.Copy(), key.Spi) : null;
        var label = KeyLabel.Session3830(csId, init.CsbId, init.First<RandomValue>()!.Value);
        return new TrafficKey(
            MessageKeys.Derive(init.Header.Prf, key.Key, KeyPurpose.Tek, label, policy.KeyLength),
            key.Salt?.Copy() ?? MessageKeys.Derive(init.Header.Prf, key.Key, KeyPurpose.SessionSalt, label, policy.SaltLength),
            key.Spi);
    }

    /// <summary>RFC 3830 §6.1.1: only an SSRC that was left open may be filled in.</summary>
    internal static bool IsFilledIn(ListOf<SrtpSession> asked, ListOf<SrtpSession> said) => said.Count == asked.Count
        && asked.Zip(said).All(p => p.First with { Ssrc = 0 } == p.Second with { Ssrc = 0 } && (p.First.Ssrc == 0 || p.First.Ssrc == p.Second.Ssrc));

    private static MessageKeys Keys(MikeyMessage init, SecretBytes psk) =>
        MessageKeys.Derive(MikeySuite.Of(init.Header.Prf)!, psk, KeyLabel.Message3830(init.CsbId, init.First<RandomValue>()!.Value));

    /// <summary>IDi and IDr (RFC 3830 §3.1: either may be left out when the other side knows it otherwise); null: somebody is not named at all.</summary>
    public static (Identity Initiator, Identity Responder)? NamesOf(MikeyMessage init, Identity? from, Identity to) =>
        init.All<NamedIdentity>().Select(i => i.Identity).ToList() switch
        {
            [] when from is { } known => (known, to),
            [var initiator] => (initiator, to),
            [var initiator, var responder] => (initiator, responder),
            _ => null,
        };

    private static (Identity Initiator, Identity Responder, MikeyTime Time) Parts(MikeyMessage init)
    {
        var names = init.All<NamedIdentity>().Select(i => i.Identity).ToList();
        return (names[0], names[1], init.First<Timestamp>()!.Time);
    }

    /// <summary>The eight octets of a T as they stand in its payload.</summary>
    internal static Octets Written(MikeyTime time)
    {
        var writer = new OctetWriter();
        if (time.Length == 8) writer.Hyper(time.Value);
        else writer.Long((uint)time.Value);
        return writer.ToOctets();
    }

    private static PreSharedArrival Refused(ExchangeError error) => new(error, null, []);
}
