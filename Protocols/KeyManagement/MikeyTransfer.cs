using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>A first offer of ours with a Ticket Transfer in it (RFC 6043 §4.2.2, RFC 4567 §4.1.1). The granted keys stay the caller's.</summary>
public sealed record MikeyOffer(TransferState State, SrtpProfile Profile, int Stream, uint Ssrc) : IKeyedOffer
{
    /// <param name="session">Our offer with one a=crypto line, whose keys go into KEMAC; borrowed.</param>
    /// <param name="theirs">The SSRC that the peer must send under (RFC 6043 §6.1.1); 0: it may choose.</param>
    /// <param name="under">A key of the group that it has, and is to go on sending with; null: it may choose.</param>
    public static (MikeyOffer Offer, SessionDescription Wire) Begin(
        SessionDescription session, GrantedKeys granted, Identity self, Identity responder, uint ssrc, ExchangeContext context, uint theirs = 0,
        Mki? under = null)
    {
        ArgumentNullException.ThrowIfNull(session);
        var stream = KeyedSdp.StreamOf(session);
        var keys = MikeyLeg.TeksOf(session, stream);
        var first = session.Media[stream].Crypto[0].Keys[0];
        var (own, other) = (MikeyLeg.CsIdOf(stream, BundleRole.Initiator), MikeyLeg.CsIdOf(stream, BundleRole.Responder));
        SrtpPosition? position = theirs == 0 ? null : new SrtpPosition(theirs);
        var ours = GenericSession.ForSrtp(other, Octets.CopyOf([0]), position, under is { } mki ? MikeyKeys.Spi(mki) : Octets.Empty);
        var terms = new SessionTerms(
            new([MikeyLeg.SessionOf(own, ssrc, first.Mki), ours]),
            new([MikeyKeys.PolicyOf(first.Profile)!.ToPayload(0)]), keys, new([GeneralExtension.SdpIds(KeyManagementLine.Mikey)]));
        var step = TicketTransfer.Begin(granted, self, responder, terms, context);
        foreach (var key in keys) key.Dispose();
        var message = step.Effects.OfType<TransferEffect.Send>().Single().Message;
        return (new MikeyOffer(step.State, first.Profile, stream, ssrc), KeyedSdp.Written(session, stream, message, atSession: false));
    }

    public void Dispose() => (State as TransferState.Waiting)?.Dispose();

    public ExchangeError Read(SessionDescription wire, ExchangeContext context, out KeyedLeg? leg, out SessionDescription? readable)
    {
        ArgumentNullException.ThrowIfNull(wire);
        (leg, readable) = (null, null);
        if (KeyedSdp.MessageOf(wire, Stream) is not var (message, atSession)) return ExchangeError.MissingPayload;
        var own = State is TransferState.Waiting waiting ? waiting.Keys.Select(k => k.Spi).ToHashSet() : [];
        var step = TicketTransfer.Next(State, message, context);
        if (step.State is TransferState.Failed failed) return failed.Error;
        if (step.Effects is [TransferEffect.Ignored ignored]) return ignored.Error;
        var agreed = step.Effects.OfType<TransferEffect.Agreed>().Single().Keys;
        var state = ((TransferState.Done)step.State).Bundle;
        var keys = MikeyKeys.MasterKeys([.. agreed.Where(k => !own.Contains(k.Spi))], Profile);
        foreach (var key in agreed) key.Dispose();
        if (keys.IsEmpty)
        {
            state.Bundle.Dispose();
            return ExchangeError.BadKeys;
        }

        leg = new MikeyLeg(new UpdateState(state), Profile, Stream, atSession, Ssrc);
        readable = KeyedSdp.Read(wire, Stream, keys);
        foreach (var key in keys) key.Dispose();
        return ExchangeError.None;
    }
}

/// <summary>A peer's first offer with a Ticket Transfer in it: unproven until the ticket is resolved.</summary>
public sealed record MikeyArrival(TransferArrival Transfer, SrtpProfile Profile, int Stream, bool AtSession)
{
    /// <summary>Whether there is a message of MIKEY for the stream that would be taken.</summary>
    public static bool IsIn(SessionDescription session) => KeyedSdp.MessageOf(session, KeyedSdp.StreamOf(session)) is not null;

    /// <summary>Everything that can be said before anybody is asked (RFC 6043 §4.2.2.2).</summary>
    public static ExchangeError TryRead(SessionDescription session, IReadOnlyCollection<SrtpProfile> suites, ExchangeContext context, out MikeyArrival? arrival)
    {
        ArgumentNullException.ThrowIfNull(session);
        arrival = null;
        var stream = KeyedSdp.StreamOf(session);
        if (KeyedSdp.MessageOf(session, stream) is not var (message, atSession)) return ExchangeError.MissingPayload;
        if (TransferArrival.TryRead(message, null, context, out var transfer) is var error and not ExchangeError.None) return error;
        if (!KeyedSdp.NamesProtocols(transfer!.Init, session, stream, atSession)) return ExchangeError.WrongProtocols;

        // RFC 6043 §6.10: we send keys, so we must be let, and be heard.
        if (!transfer.Ticket.Policy.Has(TicketFlags.ResponderKeys | TicketFlags.Answered)) return ExchangeError.BadTicketPolicy;
        var (theirs, ours) = (MikeyLeg.CsIdOf(stream, BundleRole.Initiator), MikeyLeg.CsIdOf(stream, BundleRole.Responder));
        if (transfer.Sessions.Count != 2 || transfer.Sessions.FirstOrDefault(s => s.CsId == theirs) is not { } uplink
            || transfer.Sessions.All(s => s.CsId != ours) || uplink.Session.IsEmpty || uplink.Spi.IsEmpty) return ExchangeError.BadSessions;
        var known = new BundleState(null!, default, transfer.Sessions, new([.. transfer.Init.All<SecurityPolicy>()]));
        if (transfer.Sessions.Any(s => known.PolicyOf(s) is not { } p || MikeyKeys.ProfileOf(p) is not { } suite || !suites.Contains(suite)))
            return ExchangeError.BadPolicies;
        arrival = new MikeyArrival(transfer, MikeyKeys.ProfileOf(known.PolicyOf(uplink)!)!, stream, atSession);
        return ExchangeError.None;
    }

    /// <summary>The offer with the peer's keys in place; the caller owns it. Null: no TEK came for its stream.</summary>
    public SessionDescription? Readable(SessionDescription session, VerifiedTransfer verified)
    {
        ArgumentNullException.ThrowIfNull(verified);
        var spi = Transfer.Sessions.First(s => s.CsId == MikeyLeg.CsIdOf(Stream, BundleRole.Initiator)).Spi;
        var keys = MikeyKeys.MasterKeys(verified.Keys, Profile);
        var readable = keys.Any(k => MikeyKeys.Spi(k.Mki) == spi) ? KeyedSdp.Read(session, Stream, keys) : null;
        foreach (var key in keys) key.Dispose();
        return readable;
    }

    /// <summary>What the peer sends under, as it says (RFC 6043 §6.1.1).</summary>
    public uint PeerSsrc => MikeyLeg.SourceOf(Transfer.Sessions, MikeyLeg.CsIdOf(Stream, BundleRole.Initiator)).Ssrc;

    /// <summary>What it says that we send under; null: nothing.</summary>
    public Mki? Under =>
        Transfer.Sessions.FirstOrDefault(s => s.CsId == MikeyLeg.CsIdOf(Stream, BundleRole.Responder)) is { } ours && Mki.TryRead(ours.Spi.Span, out var mki)
            ? mki
            : null;

    /// <summary>Our answer: its keys go into TRANSFER_RESP. The caller owns the leg's bundle.</summary>
    /// <param name="answer">With one a=crypto line; borrowed.</param>
    /// <param name="ssrc">Of our stream.</param>
    /// <param name="theirs">What the peer is to send with; null: what it said.</param>
    public (MikeyLeg Leg, SessionDescription Wire) Answer(
        VerifiedTransfer verified, SessionDescription answer, Mki first, uint ssrc, ExchangeContext context, Mki? theirs = null)
    {
        ArgumentNullException.ThrowIfNull(verified);
        ArgumentNullException.ThrowIfNull(answer);
        var own = MikeyLeg.CsIdOf(Stream, BundleRole.Responder);
        var keys = MikeyLeg.TeksOf(answer, Stream);
        var sessions = Transfer.Sessions.Select(s => s.CsId == own ? MikeyLeg.SessionOf(own, ssrc, first) : MikeyLeg.SendingUnder(s, theirs));
        var terms = new SessionTerms(new([.. sessions]), default, keys);
        var (state, response) = verified.Answer(Transfer.Responder, terms, context);
        foreach (var key in keys) key.Dispose();
        return (new MikeyLeg(new UpdateState(state), Profile, Stream, AtSession, ssrc), KeyedSdp.Written(answer, Stream, response, AtSession));
    }
}
