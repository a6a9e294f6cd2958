using System.Collections.Immutable;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Phone;

/// <summary>
/// The envelope of a phone's keys: as its SDP is, or with a MIKEY message in place of a=crypto (RFC 4567). Between the two everything else is the same.
/// </summary>
internal sealed class PhoneKeying(PhoneTicket? ticket, SecretWriter random) : IDisposable
{
    private MikeyOffer? _first;
    private MikeyLeg? _leg;
    private byte[] _written = [];

    /// <summary>Of the phone's own stream, which its messages name.</summary>
    public uint Ssrc { get; set; }

    public bool IsTicket => ticket is not null;

    private ExchangeContext Context => new(ticket!.Clock(), random, PhoneTicket.ClockSkew);

    /// <summary>What goes out for an offer or an answer of ours, which is borrowed.</summary>
    public byte[] Write(SessionDescription said)
    {
        if (ticket is null) return SdpWriter.ToBytes(said);
        SessionDescription wire;
        if (_leg is { } leg) (_leg, wire) = leg.Write(said, said.Media[leg.Stream].Crypto[0].Keys[0].Mki, Context);
        else (_first, wire) = MikeyOffer.Begin(said, ticket.Granted, ticket.Self, ticket.Responder, Ssrc, Context);
        _written = SdpWriter.ToBytes(wire);
        return Repeated;
    }

    /// <summary>RFC 3264 §8: nothing changed, so what was said last is said again. A copy: whoever sends it zeroes it.</summary>
    public byte[] Repeated => [.. _written];

    /// <summary>
    /// What came in, with its keys in a=crypto. Null when there is something wrong, which <paramref name="problem"/> says; else the caller owns it.
    /// </summary>
    /// <param name="theirs">The keys that the peer has so far; borrowed.</param>
    public SessionDescription? Read(SessionDescription came, ImmutableArray<MasterKey> theirs, out string problem)
    {
        problem = "";
        if (ticket is null) return came;
        SessionDescription? readable = null;
        var error = ExchangeError.MissingPayload;
        if (_leg is { } leg) error = leg.Read(came, theirs, Context, out _leg, out readable);
        else if (_first is { } first) error = first.Read(came, Context, out _leg, out readable);
        if (error != ExchangeError.None) problem = $"a=key-mgmt: {error}";
        return readable;
    }

    public void Dispose() => _leg?.Bundle.Dispose();
}
