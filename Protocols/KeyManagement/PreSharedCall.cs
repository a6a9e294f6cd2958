using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>
/// A first offer of ours under a pre-shared key (RFC 3830 §3.1, RFC 4567 §4.1.1): an I_MESSAGE with a TGK that we made, and what both sides send under.
/// Owns all of it.
/// </summary>
public sealed class PreSharedCall : IKeyedOffer
{
    private readonly SecretBytes _psk;
    private readonly PreSharedState _state;
    private readonly MikeyMessage _init;
    private readonly Octets _message;
    private readonly PreSharedOpening _opening;
    private readonly uint _ssrc;

    private PreSharedCall(SecretBytes psk, PreSharedState state, MikeyMessage init, Octets message, PreSharedOpening opening, int stream, uint ssrc) =>
        (_psk, _state, _init, _message, _opening, Stream, _ssrc) = (psk, state, init, message, opening, stream, ssrc);

    public int Stream { get; }

    /// <summary>What we send under; borrowed.</summary>
    public MasterKey Ours => _opening.Ours;

    /// <param name="psk">Borrowed.</param>
    /// <param name="mki">The name of the TGK and of what comes of it.</param>
    /// <param name="ssrc">Of our own stream; 0: not said.</param>
    public static PreSharedCall Begin(
        SecretBytes psk, Identity self, Identity responder, SrtpProfile suite, Mki mki, int stream, uint ssrc, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(psk);
        ArgumentNullException.ThrowIfNull(context);
        var (own, strength) = (psk.Copy(), MikeyKeys.SuiteFor(suite));
        KeyValidity validity = mki.IsPresent ? new KeyValidity.Named(MikeyKeys.Spi(mki)) : new KeyValidity.Always();
        using var tgk = new TransportedKey(KeyType.Tgk, SecretBytes.Create(strength.KeyLength, context.Random), null, validity);
        var policy = MikeyKeys.PolicyOf(suite) ?? throw new ArgumentException("MIKEY has no policy for it", nameof(suite));
        var terms = new PreSharedTerms(
            strength, own, self, responder, new([new SrtpSession(0, ssrc, 0), new SrtpSession(0, 0, 0)]), new([policy.ToPayload(0)]), [tgk],
            new([GeneralExtension.SdpIds(KeyManagementLine.Mikey)]));
        var (state, message) = PreSharedExchange.Begin(terms, wantsAnswer: true, context);
        var init = ((PreSharedState.Waiting)state).Init;
        var bundle = PreSharedBundle.Of(init, own, BundleRole.Initiator);
        PreSharedOpening.Of(bundle, [tgk], suite, 0, atSession: false, out var opening);
        return new PreSharedCall(own, state, init, message, opening ?? throw new ArgumentException("a name of an epoch", nameof(mki)), stream, ssrc);
    }

    /// <summary>Our offer as it goes out.</summary>
    /// <param name="session">With one a=crypto line, of <see cref="Ours"/>; borrowed.</param>
    public SessionDescription Written(SessionDescription session) => KeyedSdp.Written(session, Stream, _message, atSession: false);

    public ExchangeError Read(SessionDescription wire, ExchangeContext context, out KeyedLeg? leg, out SessionDescription? readable)
    {
        ArgumentNullException.ThrowIfNull(wire);
        (leg, readable) = (null, null);
        if (Stream >= wire.Media.Length || KeyedSdp.MessageOf(wire, Stream) is not var (octets, atSession)) return ExchangeError.MissingPayload;
        var (state, ignored) = PreSharedExchange.Next(_state, octets);
        if (state is PreSharedState.Failed failed) return failed.Error;
        if (state is not PreSharedState.Done done) return ignored;
        var bundle = _opening.Bundle with { Keys = _opening.Bundle.Keys.Copy() };
        leg = new PreSharedLeg(bundle, done.Sessions, Ours.Profile, Stream, AtSession: false, _ssrc);
        readable = KeyedSdp.Read(wire, Stream, [_opening.Theirs]);
        return atSession ? Dropped(ref leg, ref readable) : ExchangeError.None;
    }

    public void Dispose()
    {
        _opening.Dispose();
        _psk.Dispose();
    }

    public override string ToString() => $"call of {_init.CsbId:x8} under a pre-shared key";

    /// <summary>RFC 4567 §3.1: what was asked at media level is not answered for all of the session.</summary>
    private static ExchangeError Dropped(ref KeyedLeg? leg, ref SessionDescription? readable)
    {
        leg!.Secret.Dispose();
        readable!.Dispose();
        (leg, readable) = (null, null);
        return ExchangeError.BadSessions;
    }
}
