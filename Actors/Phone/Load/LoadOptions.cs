using System.Net;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Phone.Load;

/// <summary>What a load is: so many phones of one process in one conference, or spread over several.</summary>
/// <param name="Server">The node's SIP.</param>
/// <param name="Talkers">So many of the phones in each conference say a tone, each another one; the others send silence.</param>
/// <param name="Canaries">Phones, talkers among them first, that check the tones they hear.</param>
/// <param name="JoinRate">Calls begun per second.</param>
/// <param name="LeaveRate">Listeners that hang up per second, the oldest first and none that checks tones; another one calls in place of each.</param>
/// <param name="Duration">From when everybody has joined, or has failed to.</param>
public sealed record LoadOptions(
    string Conference, IPEndPoint Server, int Phones, int Talkers, int Canaries, double JoinRate, double LeaveRate, TimeSpan Duration, bool UseMki)
{
    /// <summary>Phones that hang up per second when it is over.</summary>
    public double EndRate { get; init; } = 100;

    /// <summary>From 1: phones take turns with them. Where there are several, each bears a number behind its name.</summary>
    public int Conferences { get; init; } = 1;

    /// <summary>Over UDP, or over TCP with a connection for each phone.</summary>
    public SipTransport Transport { get; init; } = SipTransport.Udp;

    /// <summary>Keys travel in MIKEY messages, each call under a ticket of its own from here; null: in a=crypto.</summary>
    public PhoneKmsOptions? Kms { get; init; }

    /// <summary>Those who leave are replaced.</summary>
    public int MostCalls => Phones + (int)Math.Ceiling(LeaveRate * Duration.TotalSeconds);

    /// <param name="number">Of the conference, from 0.</param>
    public SipUri Target(int number)
    {
        var host = Server.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{Server.Address}]" : $"{Server.Address}";
        return SipUri.Sip(Conferences == 1 ? Conference : $"{Conference}-{number}", host) with { Port = Server.Port };
    }

    public const int MostTalkers = ToneCheck.Most;
}
