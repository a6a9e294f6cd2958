using System.Collections.Immutable;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Phone;

/// <summary>
/// The envelope of a phone's keys: as its SDP is, or with a MIKEY message in place of a=crypto (RFC 4567), as the side that has the ticket or as the one
/// that is called with it. Between the two everything else is the same.
/// </summary>
internal sealed class PhoneKeying(PhoneTicket? ticket, PhoneTicketUser? user, SecretWriter random) : IDisposable
{
    private const int MaxReplays = 64;

    private readonly ReplayCache _replays = new(MaxReplays, PhoneTicket.ClockSkew);
    private MikeyOffer? _first;
    private MikeyArrival? _arrival;
    private VerifiedTransfer? _verified;
    private MikeyLeg? _leg;
    private byte[] _written = [];

    /// <summary>Of the phone's own stream, which its messages name.</summary>
    public uint Ssrc { get; set; }

    public bool IsTicket => ticket is not null || user is not null;

    /// <summary>A first offer needs its ticket resolved before it can be answered.</summary>
    public bool IsCalledWithTickets => user is not null;

    private ExchangeContext Context => new((ticket?.Clock ?? user!.Clock)(), random, PhoneTicket.ClockSkew);

    /// <summary>What goes out for an offer or an answer of ours, which is borrowed.</summary>
    public byte[] Write(SessionDescription said)
    {
        if (!IsTicket) return SdpWriter.ToBytes(said);
        SessionDescription wire;
        if (_leg is { } leg) (_leg, wire) = leg.Write(said, said.Media[leg.Stream].Crypto[0].Keys[0].Mki, Context);
        else if (_verified is { } verified) (_leg, wire) = _arrival!.Answer(verified, said, said.Media[_arrival.Stream].Crypto[0].Keys[0].Mki, Ssrc, Context);
        else (_first, wire) = MikeyOffer.Begin(said, ticket!.Granted, ticket.Self, ticket.Responder, Ssrc, Context);
        _written = SdpWriter.ToBytes(wire);
        return Repeated;
    }

    /// <summary>RFC 3264 §8: nothing changed, so what was said last is said again. A copy: whoever sends it zeroes it.</summary>
    public byte[] Repeated => [.. _written];

    /// <summary>The ticket of a first offer, unproven (RFC 6043 §4.2.2.2); null when there is something wrong with it.</summary>
    public Ticket? Arrive(SessionDescription came, IReadOnlyCollection<SrtpProfile> suites, out string problem)
    {
        var error = MikeyArrival.TryRead(came, suites, Context, out _arrival);
        if (error == ExchangeError.None && _arrival!.Transfer.Responder != user!.Self) error = ExchangeError.WrongParty;
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
        if (!IsTicket) return came;
        SessionDescription? readable = null;
        var error = ExchangeError.MissingPayload;
        if (_leg is { } leg) error = leg.Read(came, theirs, Context, out _leg, out readable);
        else if (_first is { } first) error = first.Read(came, Context, out _leg, out readable);
        else if (_verified is { } verified)
        {
            readable = _arrival!.Readable(came, verified);
            error = readable is null ? ExchangeError.BadKeys : ExchangeError.None;
        }

        if (error != ExchangeError.None) problem = Text(error);
        return readable;
    }

    public void Dispose()
    {
        _leg?.Bundle.Dispose();
        _first?.Dispose();
        _verified?.Dispose();
    }

    private static string Text(ExchangeError error) => $"a=key-mgmt: {error}";
}
