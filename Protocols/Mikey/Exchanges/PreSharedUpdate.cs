using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>A bundle that <see cref="PreSharedExchange"/> began, as one side has it.</summary>
/// <param name="Init">The I_MESSAGE that began it: its CSB ID and RAND hold for all that follows.</param>
/// <param name="Keys">For every message in either direction (RFC 3830 §4.1.4); whoever holds the last of these disposes them.</param>
/// <param name="Initiator">Who began it, named in the message or by the signalling.</param>
/// <param name="Newest">The newest T that was sent or taken; every I_MESSAGE must be newer, since all are under one key.</param>
/// <param name="Pending">Our own update that waits for its answer; null: none.</param>
public sealed record PreSharedBundle(
    MikeyMessage Init, MessageKeys Keys, Identity Initiator, Identity Responder, BundleRole Role, MikeyTime Newest, MikeyMessage? Pending = null) : IDisposable
{
    /// <summary>After the first exchange, whose I_MESSAGE names both.</summary>
    public static PreSharedBundle Of(MikeyMessage init, SecretBytes psk, BundleRole role)
    {
        ArgumentNullException.ThrowIfNull(init);
        var names = init.All<NamedIdentity>().Select(i => i.Identity).ToList();
        return Of(init, psk, role, names[0], names[1]);
    }

    /// <param name="psk">Borrowed: what is kept are the keys of messages.</param>
    public static PreSharedBundle Of(MikeyMessage init, SecretBytes psk, BundleRole role, Identity initiator, Identity responder)
    {
        ArgumentNullException.ThrowIfNull(init);
        var keys = MessageKeys.Derive(MikeySuite.Of(init.Header.Prf)!, psk, KeyLabel.Message3830(init.CsbId, init.First<RandomValue>()!.Value));
        return new PreSharedBundle(init, keys, initiator, responder, role, init.First<Timestamp>()!.Time);
    }

    /// <summary>Who is at the other end.</summary>
    public Identity Peer => Role == BundleRole.Initiator ? Responder : Initiator;

    /// <summary>
    /// SRTP master key and salt of a session from a key of the bundle or of an update (RFC 3830 §4.1.3): the RAND is the first one's. The caller owns it.
    /// </summary>
    public TrafficKey? TrafficKey(byte csId, TransportedKey key, SrtpPolicy policy) => PreSharedExchange.TrafficKey(Init, csId, key, policy);

    /// <summary>R_MESSAGE to the message that began the bundle; null when none was asked for.</summary>
    /// <param name="sessions">Those of the I_MESSAGE with our SSRCs where it left them to us.</param>
    public Octets? Verify(ListOf<SrtpSession> sessions) => Init.Header.V ? PreSharedUpdate.Answer(this, Init, sessions, Initiator, Responder) : null;

    public void Dispose() => Keys.Dispose();

    public override string ToString() => $"bundle {Init.CsbId:x8} under a pre-shared key";

    internal MikeySuite Suite => Keys.Suite;

    /// <summary>Of an update: who starts it is its Initiator, whoever began the bundle.</summary>
    internal (Identity Initiator, Identity Responder) Names(bool isOurs) => isOurs == (Role == BundleRole.Initiator) ? (Initiator, Responder) : (Responder, Initiator);
}

/// <summary>
/// Updates of such a bundle (RFC 3830 §4.5): I_MESSAGE and R_MESSAGE again, from either side, with the same CSB ID, a new T and no RAND. Keys are optional.
/// A T is newer than all that this side sent or took, so nothing comes back, not even to whoever sent it; and even at the bundle's Initiator and odd at
/// its Responder, so that two updates that cross are never under one key stream.
/// </summary>
public static class PreSharedUpdate
{
    /// <summary>An answer is always asked for. A new update replaces one that was never answered.</summary>
    /// <param name="keys">Borrowed; none: what there is goes on.</param>
    public static (PreSharedBundle Next, Octets Sent) Begin(
        PreSharedBundle bundle, ListOf<SrtpSession> sessions, ListOf<SecurityPolicy> policies, ImmutableArray<TransportedKey> keys,
        ListOf<GeneralExtension> extensions, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentNullException.ThrowIfNull(context);
        var time = BundleClock.Next(bundle.Newest, context.Now, bundle.Role);
        var (initiator, responder) = bundle.Names(isOurs: true);
        var header = bundle.Init.Header with { V = true, Map = new CsIdMap.Srtp(sessions) };
        var init = MikeyMac.SealKemac(
            new MikeyMessage(header, new ListOf<MikeyPayload>(
            [
                new Timestamp(time), new NamedIdentity(initiator), new NamedIdentity(responder), .. policies, .. extensions,
                KeyTransport.Seal(bundle.Keys, header.CsbId, time, keys.AsSpan()),
            ])),
            bundle.Keys);
        return (bundle with { Newest = time, Pending = init }, MikeyWriter.Write(init));
    }

    /// <summary>The other side's update; what is not authentic changes nothing.</summary>
    public static (PreSharedBundle Next, PreSharedArrival Arrival) Receive(PreSharedBundle bundle, Octets received, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentNullException.ThrowIfNull(context);
        if (!MikeyReader.TryRead(received.Span, out var init, out _)) return Refused(bundle, ExchangeError.Malformed);
        if (init!.Header.Type != MessageType.PreShared || init.CsbId != bundle.Init.CsbId || init.Header.Prf != bundle.Init.Header.Prf
            || init.Header.Map is not CsIdMap.Srtp map || init.First<RandomValue>() is not null) return Refused(bundle, ExchangeError.UnexpectedMessage);
        if (init.First<Timestamp>() is not { } t || init.Last is not Kemac kemac) return Refused(bundle, ExchangeError.MissingPayload);
        if (!context.IsFresh(t.Time)) return Refused(bundle, ExchangeError.BadTimestamp);
        if (!BundleClock.IsNewer(t.Time, bundle.Newest)) return Refused(bundle, ExchangeError.Replayed);

        // RFC 3830 §4.5: what is known already may be left out.
        var (initiator, responder) = bundle.Names(isOurs: false);
        var said = init.All<NamedIdentity>().Select(i => i.Identity).ToList();
        if (said.Count > 0 && said[0] != initiator || said.Count > 1 && said[1] != responder || said.Count > 2) return Refused(bundle, ExchangeError.WrongParty);
        if (!MikeyMac.IsRight(init, bundle.Keys)) return Refused(bundle, ExchangeError.MacMismatch);

        // From here on it is from the other side, so its T counts whatever comes of it.
        var next = bundle with { Newest = t.Time };
        var policies = bundle.Init.All<SecurityPolicy>().Concat(init.All<SecurityPolicy>()).Select(p => p.Policy).ToHashSet();
        if (map.Sessions.Any(s => !policies.Contains(s.Policy))) return Refused(next, ExchangeError.BadPolicies);
        if (!KeyTransport.TryOpen(kemac, bundle.Keys, init.CsbId, t.Time, out var opened)) return Refused(next, ExchangeError.BadKeys);
        if (opened.All(k => k.Type <= KeyType.TekWithSalt && k.Key.Length >= bundle.Suite.KeyLength))
            return (next, new PreSharedArrival(ExchangeError.None, init, opened));
        foreach (var key in opened) key.Dispose();
        return Refused(next, ExchangeError.BadKeys);
    }

    /// <summary>R_MESSAGE to an update that was taken; null when none was asked for.</summary>
    public static Octets? Answer(PreSharedBundle bundle, MikeyMessage update, ListOf<SrtpSession> sessions)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentNullException.ThrowIfNull(update);
        var (initiator, responder) = bundle.Names(isOurs: false);
        return update.Header.V ? Answer(bundle, update, sessions, initiator, responder) : null;
    }

    internal static Octets Answer(PreSharedBundle bundle, MikeyMessage init, ListOf<SrtpSession> sessions, Identity initiator, Identity responder)
    {
        var time = init.First<Timestamp>()!.Time;
        var header = init.Header with { Type = MessageType.PreSharedVerification, V = false, Map = new CsIdMap.Srtp(sessions) };
        var open = new MikeyMessage(header, new Timestamp(time), new NamedIdentity(responder));
        return MikeyWriter.Write(MikeyMac.Seal(open, bundle.Keys, initiator.Name, responder.Name, PreSharedExchange.Written(time)));
    }

    /// <summary>Not None: it is no answer to our update, and nothing has changed.</summary>
    public static (PreSharedBundle Next, ExchangeError Error) Confirm(PreSharedBundle bundle, Octets received)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        if (bundle.Pending is not { } pending) return (bundle, ExchangeError.UnexpectedMessage);
        if (!MikeyReader.TryRead(received.Span, out var answer, out _)) return (bundle, ExchangeError.Malformed);
        if (answer!.Header.Type != MessageType.PreSharedVerification || answer.CsbId != bundle.Init.CsbId || answer.Header.V
            || answer.Header.Prf != bundle.Init.Header.Prf || answer.Header.Map is not CsIdMap.Srtp said) return (bundle, ExchangeError.UnexpectedMessage);
        var time = pending.First<Timestamp>()!.Time;
        if (answer.First<Timestamp>() is not { } t || answer.Last is not Verification) return (bundle, ExchangeError.MissingPayload);
        if (t.Time != time) return (bundle, ExchangeError.BadTimestamp);
        var (initiator, responder) = bundle.Names(isOurs: true);
        if (!MikeyMac.IsRight(answer, bundle.Keys, initiator.Name, responder.Name, PreSharedExchange.Written(time))) return (bundle, ExchangeError.MacMismatch);
        if (answer.First<NamedIdentity>() is { } who && who.Identity != responder) return (bundle, ExchangeError.WrongParty);
        var asked = ((CsIdMap.Srtp)pending.Header.Map).Sessions;
        return PreSharedExchange.IsFilledIn(asked, said.Sessions) ? (bundle with { Pending = null }, ExchangeError.None) : (bundle, ExchangeError.BadSessions);
    }

    private static (PreSharedBundle, PreSharedArrival) Refused(PreSharedBundle bundle, ExchangeError error) => (bundle, new PreSharedArrival(error, null, []));
}
