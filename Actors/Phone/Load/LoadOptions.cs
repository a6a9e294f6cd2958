using System.Net;

namespace ConfCluster.Actors.Phone.Load;

/// <summary>What a load is: so many phones of one process in one conference.</summary>
/// <param name="Server">The node's SIP over UDP.</param>
/// <param name="Talkers">So many of the phones say a tone, each another one; the others send silence.</param>
/// <param name="Canaries">Phones, talkers among them first, that check the tones they hear.</param>
/// <param name="JoinRate">Calls begun per second.</param>
/// <param name="LeaveRate">Listeners that hang up per second, the oldest first and none that checks tones; another one calls in place of each.</param>
/// <param name="Duration">From when everybody has joined, or has failed to.</param>
public sealed record LoadOptions(
    string Conference, IPEndPoint Server, int Phones, int Talkers, int Canaries, double JoinRate, double LeaveRate, TimeSpan Duration, bool UseMki)
{
    /// <summary>Phones that hang up per second when it is over.</summary>
    public double EndRate { get; init; } = 100;

    public const int MostTalkers = ToneCheck.Most;
}
