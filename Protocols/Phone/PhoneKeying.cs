using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Phone;

/// <summary>
/// The envelope of a phone's keys: as its SDP is, or with a MIKEY message in place of a=crypto (RFC 4567), as the side that has the ticket or as the one
/// that is called with it, or under a pre-shared key. Between them everything else is the same.
/// </summary>
internal sealed class PhoneKeying(PhoneSettings settings, SecretWriter random) : IDisposable
{
    private const int MaxReplays = 64;

    private readonly PhoneTicket? _ticket = settings.Ticket;
    private readonly PhoneTicketUser? _user = settings.TicketUser;
    private readonly PhonePreShared? _preShared = settings.PreShared;
    private readonly ReplayCache _replays = new(MaxReplays, PhoneTicket.ClockSkew);
    private MikeyOffer? _first;
    private MikeyArrival? _arrival;
    private VerifiedTransfer? _verified;
    private PreSharedCall? _call;
    private PreSharedOffer? _called;
    private PreSharedOpening? _opening;
    private KeyedLeg? _leg;
    private bool _begins;
    private byte[] _written = [];

    /// <summary>Of the phone's own stream, which its messages name.</summary>
    public uint OwnSsrc { get; set; }

    public bool IsKeyed => _ticket is not null || _user is not null || _preShared is not null;

    /// <summary>The key of the group that we are told to send under (RFC 6043 §6.1.1); null: our own.</summary>
    public Mki? Shared => _leg is MikeyLeg { Sends: var mki } && GroupKey.IsOfAnEpoch(mki) ? mki : null;

    /// <summary>Streams of others that run already, as the newest message tells.</summary>
    public ImmutableArray<UplinkIndex> Streams => _leg is MikeyLeg leg ? [.. leg.Others.Where(p => p.Highest is not null).Select(IndexOf)] : [];

    private static UplinkIndex IndexOf(SrtpPosition position)
    {
        var (roc, sequence) = position.Highest!.Value;
        return new UplinkIndex(new Ssrc(position.Ssrc), new PacketIndex(roc, sequence).Value);
    }

    /// <summary>A later offer may have a ticket, too.</summary>
    public bool MayRenew => settings.ResolvesTickets && _leg is MikeyLeg;

    /// <summary>An offer is being answered that begins a new bundle.</summary>
    public bool IsRenewing => _begins || _leg is not null && _verified is not null;

    /// <summary>That offer lets us go on under the key of the group that we have: its SPI for our session is an epoch's (RFC 6043 §6.1.1).</summary>
    public bool GoesOn => _leg is MikeyLeg && IsRenewing && Shared is not null && _arrival!.Under is { } under && GroupKey.IsOfAnEpoch(under);

    /// <summary>A first offer needs its ticket resolved before it can be answered.</summary>
    public bool IsCalledWithTickets => _user is not null;

    private ExchangeContext Context => new((_ticket?.Clock ?? _preShared?.Clock ?? _user!.Clock)(), random, PhoneTicket.ClockSkew);

    /// <summary>What goes out for an offer or an answer of ours, which is borrowed.</summary>
    public byte[] Write(SessionDescription said)
    {
        if (!IsKeyed) return SdpWriter.ToBytes(said);
        SessionDescription wire;
        if (_leg is { } former && IsRenewing)
        {
            (_leg, wire) = _begins ? _called!.Answer(_opening!, said, OwnSsrc) : Begun(said);
            former.Secret.Dispose();
            _begins = false;
        }
        else if (_leg is { } leg) (_leg, wire) = leg.Write(said, Shared ?? said.Media[leg.Stream].Crypto[0].Keys[0].Mki, Context);
        else if (_verified is not null) (_leg, wire) = Begun(said);
        else if (_call is { } call) wire = call.Written(said);
        else if (_opening is { } opening) (_leg, wire) = _called!.Answer(opening, said, OwnSsrc);
        else (_first, wire) = MikeyOffer.Begin(said, _ticket!.Granted, _ticket.Self, _ticket.Responder, OwnSsrc, Context);
        _written = SdpWriter.ToBytes(wire);
        return Repeated;
    }

    /// <summary>What the phone sends with first, where the bundle says that (RFC 3830 §4.1.3); null: the phone makes its own. The caller owns it.</summary>
    /// <param name="name">Of our own making, if it is.</param>
    public MasterKey? FirstKey(SrtpProfile suite, Mki name)
    {
        if (_preShared is null || _leg is not null && !_begins) return null;
        if (_opening is { } opening) return opening.Ours.Copy();
        _call?.Dispose();
        _call = PreSharedCall.Begin(_preShared.Psk, _preShared.Self, _preShared.Other!.Value, suite, name, stream: 0, OwnSsrc, Context);
        return _call.Ours.Copy();
    }

    /// <summary>RFC 3264 §8: nothing changed, so what was said last is said again. A copy: whoever sends it zeroes it.</summary>
    public byte[] Repeated => [.. _written];

    /// <summary>
    /// A Ticket Transfer (RFC 6043 §4.2.2) or an I_MESSAGE (RFC 3830 §3.1) that begins a new bundle in the place of ours; else it is an update of ours, or nothing.
    /// </summary>
    public bool Renews(SessionDescription came) => KeyedSdp.MessageOf(came, KeyedSdp.StreamOf(came)) is var (octets, _)
        && MikeyReader.TryRead(octets.Span, out var message, out _) && _leg switch
        {
            MikeyLeg leg => message!.First<Ticket>() is not null && message.CsbId != leg.Bundle.CsbId,
            PreSharedLeg leg => message!.Header.Type == MessageType.PreShared && message.CsbId != leg.Bundle.Init.CsbId,
            _ => false,
        };

    /// <summary>An offer with a ticket is not answered after all: everything stays as it was.</summary>
    public void Withdraw()
    {
        if (_leg is null) return;
        _verified?.Dispose();
        _verified = null;
        if (_begins) _opening!.Bundle.Dispose();
        _begins = false;
    }

    /// <summary>The bundle begins with our answer; the key that we send under may be of the one before still.</summary>
    private (KeyedLeg Leg, SessionDescription Wire) Begun(SessionDescription said)
    {
        var first = GoesOn ? Shared!.Value : said.Media[_arrival!.Stream].Crypto[0].Keys[0].Mki;
        var begun = _arrival!.Answer(_verified!, said, first, OwnSsrc, Context);
        _verified!.Dispose();
        _verified = null;
        return begun;
    }

    /// <summary>
    /// The ticket of an offer, unproven (RFC 6043 §4.2.2.2); null when there is something wrong with it. A later one is from whom the bundle so far is with, so
    /// that nobody else's ticket takes its place.
    /// </summary>
    public Ticket? Arrive(SessionDescription came, IReadOnlyCollection<SrtpProfile> suites, out string problem)
    {
        var error = MikeyArrival.TryRead(came, suites, Context, out _arrival);
        if (error == ExchangeError.None && _arrival!.Transfer.Responder != (_leg?.Self ?? _user!.Self)) error = ExchangeError.WrongParty;
        if (error == ExchangeError.None && _leg is { } before && _arrival!.Transfer.Initiator != before.Peer) error = ExchangeError.WrongParty;
        problem = error == ExchangeError.None ? "" : Text(error);
        return error == ExchangeError.None ? _arrival!.Transfer.Ticket : null;
    }

    /// <summary>Null, or what is wrong with the message that brought the ticket.</summary>
    /// <param name="granted">Borrowed.</param>
    public string? Verify(GrantedKeys granted)
    {
        var error = _arrival!.Transfer.Verify(granted, _replays, Context, out _verified);
        return error == ExchangeError.None ? null : Text(error);
    }

    /// <summary>
    /// What came in, with its keys in a=crypto. Null when there is something wrong, which <paramref name="problem"/> says; else the caller owns it.
    /// </summary>
    /// <param name="theirs">The keys that the peer has so far; borrowed.</param>
    public SessionDescription? Read(SessionDescription came, ImmutableArray<MasterKey> theirs, out string problem)
    {
        problem = "";
        if (!IsKeyed) return came;
        SessionDescription? readable = null;
        var error = ExchangeError.MissingPayload;
        if (_leg is PreSharedLeg && Renews(came)) _begins = (error = Called(came, _preShared!, out readable)) == ExchangeError.None;
        else if (_leg is { } leg && !IsRenewing) error = leg.Read(came, theirs, Context, out _leg, out readable);
        else if (_leg is null && _first is { } first) error = first.Read(came, Context, out _leg, out readable);
        else if (_leg is null && _call is { } call) error = call.Read(came, Context, out _leg, out readable);
        else if (_leg is null && _preShared is { } shared) error = Called(came, shared, out readable);
        else if (_verified is { } verified)
        {
            readable = _arrival!.Readable(came, verified);
            error = readable is null ? ExchangeError.BadKeys : ExchangeError.None;
            if (readable is null) Withdraw();
        }

        if (error != ExchangeError.None) problem = Text(error);
        return readable;
    }

    /// <summary>A first offer under the key of whom it names; the phone knows one.</summary>
    private ExchangeError Called(SessionDescription came, PhonePreShared shared, out SessionDescription? readable)
    {
        readable = null;
        var error = PreSharedOffer.TryRead(came, settings.Suites, _leg?.Peer ?? shared.Self, shared.Self, out var called);
        if (error == ExchangeError.None && (called!.Responder != shared.Self || _leg is not null && called.Initiator != _leg.Peer)) error = ExchangeError.WrongParty;
        PreSharedOpening? opening = null;
        if (error == ExchangeError.None) error = called!.Verify(shared.Psk, _replays, Context, out opening);
        if (error != ExchangeError.None) return error;
        _opening?.Ours.Dispose();
        _opening?.Theirs.Dispose();
        (_called, _opening) = (called, opening);
        readable = called!.Readable(came, opening!);
        return error;
    }

    public void Dispose()
    {
        Withdraw();
        // A leg has the bundle of what it was called with, and a copy of what it called with.
        if (_leg is null) _opening?.Bundle.Dispose();
        _opening?.Ours.Dispose();
        _opening?.Theirs.Dispose();
        _call?.Dispose();
        _leg?.Secret.Dispose();
        _first?.Dispose();
        _verified?.Dispose();
    }

    private static string Text(ExchangeError error) => $"a=key-mgmt: {error}";
}
