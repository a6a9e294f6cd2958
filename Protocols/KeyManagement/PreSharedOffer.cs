using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>
/// A peer's first offer under a pre-shared key (RFC 3830 §3.1, RFC 4567 §4.1.2): unproven until its MAC was checked with the key of whom it names.
/// </summary>
/// <param name="Initiator">By the message, or else by the signalling.</param>
public sealed record PreSharedOffer(Octets Message, MikeyMessage Init, Identity Initiator, Identity Responder, SrtpProfile Profile, int Stream, bool AtSession)
{
    /// <summary>Whether the message for the stream is one of these.</summary>
    public static bool IsIn(SessionDescription session) =>
        KeyedSdp.MessageOf(session, KeyedSdp.StreamOf(session)) is var (octets, _) && MikeyReader.TryRead(octets.Span, out var message, out _)
        && message!.Header.Type == MessageType.PreShared;

    /// <summary>Everything that can be said before a key is looked for.</summary>
    /// <param name="from">Who calls, by the signalling.</param>
    /// <param name="to">Who is called, by the signalling.</param>
    public static ExchangeError TryRead(
        SessionDescription session, IReadOnlyCollection<SrtpProfile> suites, Identity from, Identity to, out PreSharedOffer? offer)
    {
        ArgumentNullException.ThrowIfNull(session);
        offer = null;
        var stream = KeyedSdp.StreamOf(session);
        if (KeyedSdp.MessageOf(session, stream) is not var (octets, atSession)) return ExchangeError.MissingPayload;
        if (!MikeyReader.TryRead(octets.Span, out var init, out _)) return ExchangeError.Malformed;

        // RFC 4567 §4.1.2: the answer has to hold a message, so one must be wanted.
        if (init!.Header is not { Type: MessageType.PreShared, V: true } || init.Header.Map is not CsIdMap.Srtp map) return ExchangeError.UnexpectedMessage;
        if (MikeySuite.Of(init.Header.Prf) is not { } strength) return ExchangeError.UnsupportedAlgorithm;
        if (!KeyedSdp.NamesProtocols(init, session, stream, atSession)) return ExchangeError.WrongProtocols;
        if (PreSharedExchange.NamesOf(init, from, to) is not var (initiator, responder)) return ExchangeError.MissingPayload;
        if (SessionsOf(map.Sessions, stream, atSession) is not var (theirs, ours)) return ExchangeError.BadSessions;
        ListOf<SecurityPolicy> policies = new([.. init.All<SecurityPolicy>()]);
        if (PolicyOf(theirs, policies) is not { } policy || policy != PolicyOf(ours, policies) || MikeyKeys.ProfileOf(policy) is not { } suite
            || !suites.Contains(suite) || suite.KeyLength > strength.KeyLength) return ExchangeError.BadPolicies;
        offer = new PreSharedOffer(octets, init, initiator, responder, suite, stream, atSession);
        return ExchangeError.None;
    }

    /// <summary>Whether it is authentic, and what comes of it.</summary>
    /// <param name="psk">Shared with <see cref="Initiator"/>; null: nobody is known by that name. Borrowed.</param>
    /// <param name="opening">The caller owns it.</param>
    public ExchangeError Verify(SecretBytes? psk, ReplayCache replays, ExchangeContext context, out PreSharedOpening? opening)
    {
        opening = null;
        var arrival = PreSharedExchange.Receive(Message, Responder, who => who == Initiator ? psk : null, replays, context, Initiator);
        if (arrival.Error != ExchangeError.None) return arrival.Error;
        var error = PreSharedOpening.Of(arrival.Bundle!, arrival.Keys, Profile, Stream, AtSession, out opening);
        foreach (var key in arrival.Keys) key.Dispose();
        if (error != ExchangeError.None) arrival.Bundle!.Dispose();
        return error;
    }

    /// <summary>Our answer to it, which holds no key.</summary>
    /// <param name="opening">Borrowed by the leg.</param>
    /// <param name="answer">With one a=crypto line; borrowed.</param>
    public (KeyedLeg Leg, SessionDescription Wire) Answer(PreSharedOpening opening, SessionDescription answer, uint ssrc)
    {
        ArgumentNullException.ThrowIfNull(opening);
        var leg = new PreSharedLeg(opening.Bundle, ((CsIdMap.Srtp)Init.Header.Map).Sessions, Profile, Stream, AtSession, ssrc);
        leg = leg with { Sessions = leg.FilledIn(leg.Sessions) };
        return (leg, KeyedSdp.Written(answer, Stream, opening.Bundle.Verify(leg.Sessions)!.Value, AtSession));
    }

    /// <summary>The offer with the peer's key in place; the caller owns it.</summary>
    public SessionDescription Readable(SessionDescription session, PreSharedOpening opening)
    {
        ArgumentNullException.ThrowIfNull(opening);
        return KeyedSdp.Read(session, Stream, [opening.Theirs]);
    }

    /// <summary>RFC 4567 §7.1: two consecutive numbers for each stream that the message is for, one for each direction; the Initiator's is the first.</summary>
    internal static byte CsIdOf(int stream, bool atSession, BundleRole sender) => MikeyLeg.CsIdOf(atSession ? stream : 0, sender);

    /// <summary>The sessions of the stream by who sends; null: the map does not have both, or has more than the SDP has streams.</summary>
    internal static (SrtpSession Initiators, SrtpSession Responders)? SessionsOf(ListOf<SrtpSession> sessions, int stream, bool atSession)
    {
        var second = CsIdOf(stream, atSession, BundleRole.Responder);
        if (sessions.Count < second || !atSession && sessions.Count > second) return null;
        var all = sessions.ToList();
        return (all[second - 2], all[second - 1]);
    }

    internal static SrtpPolicy? PolicyOf(SrtpSession session, ListOf<SecurityPolicy> policies) =>
        policies.FirstOrDefault(p => p.Policy == session.Policy) is { } policy ? SrtpPolicy.Of(policy) : null;
}

/// <summary>A bundle that has just begun, and the keys that its TGK gives each side (RFC 3830 §4.1.3). Owns all of them.</summary>
/// <param name="Ours">What we send under; the MKI of both is the TGK's SPI.</param>
public sealed record PreSharedOpening(PreSharedBundle Bundle, MasterKey Ours, MasterKey Theirs) : IDisposable
{
    /// <summary>One by one, since a leg goes on with some of them.</summary>
    public IEnumerable<IDisposable> Secrets => [Bundle.Keys, Ours, Theirs];

    public void Dispose()
    {
        foreach (var secret in Secrets) secret.Dispose();
    }

    public override string ToString() => Bundle.ToString();

    /// <summary>
    /// Exactly one TGK: a TEK would be one key for both directions (RFC 3830 §6.13), and of several nobody could tell which is meant. Its SPI is an MKI that
    /// no epoch has, or none.
    /// </summary>
    /// <param name="bundle">Taken over, if there is an opening.</param>
    internal static ExchangeError Of(
        PreSharedBundle bundle, ImmutableArray<TransportedKey> keys, SrtpProfile profile, int stream, bool atSession, out PreSharedOpening? opening)
    {
        opening = null;
        if (keys is not [{ Type: KeyType.Tgk or KeyType.TgkWithSalt } tgk] || tgk.Validity is KeyValidity.Between) return ExchangeError.BadKeys;
        if (tgk.Salt is { } salt && salt.Length != profile.SaltLength) return ExchangeError.BadKeys;
        if (!tgk.Spi.IsEmpty && (!Mki.TryRead(tgk.Spi.Span, out var mki) || mki.Length != GroupKey.MkiLength)) return ExchangeError.BadKeys;
        if (!tgk.Spi.IsEmpty && Mki.TryRead(tgk.Spi.Span, out mki) && GroupKey.IsOfAnEpoch(mki)) return ExchangeError.TakenSpi;
        var other = bundle.Role == BundleRole.Initiator ? BundleRole.Responder : BundleRole.Initiator;
        opening = new PreSharedOpening(bundle, Derived(bundle.Role), Derived(other));
        return ExchangeError.None;

        MasterKey Derived(BundleRole sender)
        {
            using var traffic = bundle.TrafficKey(PreSharedOffer.CsIdOf(stream, atSession, sender), tgk, MikeyKeys.PolicyOf(profile)!)!;
            var both = SecretBytes.Create(profile.MasterLength, span =>
            {
                traffic.Key.Reveal().CopyTo(span);
                traffic.Salt.Reveal().CopyTo(span[profile.KeyLength..]);
            });
            return new MasterKey(profile, both, Mki.TryRead(tgk.Spi.Span, out var name) ? name : Mki.None);
        }
    }
}
