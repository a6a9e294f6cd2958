using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Media;

/// <summary>
/// A batch of datagrams of a lane. The system's part of receiving and ours take turns only once per batch: each throws the other's code out of the processor's
/// first cache. Used by the lane's thread only.
/// </summary>
internal sealed class Arrivals(IMediaSockets sockets, LaneCounters counters)
{
    /// <summary>The longest datagram we take; one octet more tells that it was cut.</summary>
    public const int MaxDatagram = 2048;

    private const int Most = 64;

    private readonly byte[] _octets = new byte[Most * (MaxDatagram + 1)];
    private readonly Arrival[] _arrivals = new Arrival[Most];

    public int Count { get; private set; }

    /// <summary>Takes the next datagrams of the sockets that were polled, in place of those here.</summary>
    /// <returns>False: there are no more than these.</returns>
    public bool Fill()
    {
        Count = 0;
        while (Count < Most)
        {
            switch (sockets.Receive(_octets.AsSpan(Count * (MaxDatagram + 1), MaxDatagram + 1), out var handle, out var length, out var from))
            {
                case ReceiveOutcome.None: return false;
                case ReceiveOutcome.Datagram when length <= MaxDatagram:
                    _arrivals[Count++] = new Arrival(handle, length, from);
                    counters.Received();
                    break;
                default: counters.WasCut(); break;
            }
        }

        return true;
    }

    public void Deliver(LaneLegs legs, TimeSpan now)
    {
        for (var i = 0; i < Count; i++)
        {
            ref readonly var arrival = ref _arrivals[i];
            legs.Receive(arrival.Handle, _octets.AsSpan(i * (MaxDatagram + 1), arrival.Length), arrival.From, now);
        }
    }

    private readonly record struct Arrival(int Handle, int Length, MediaAddress From);
}
