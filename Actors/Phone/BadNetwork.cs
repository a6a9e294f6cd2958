using System.Security.Cryptography;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Phone;

/// <summary>Makes a good network bad for the media of a softphone: loses packets by chance, and holds those that are sent.</summary>
internal sealed class BadNetwork(IMediaSink behind, double drop, TimeSpan delay, Func<TimeSpan> now) : IMediaSink
{
    private const int Parts = 1_000_000;

    private readonly Queue<(TimeSpan Due, int Slot, bool Rtcp, byte[] Packet, MediaAddress To)> _held = new();

    /// <summary>Whether this packet is lost.</summary>
    public bool Loses() => drop > 0 && RandomNumberGenerator.GetInt32(Parts) < drop * Parts;

    public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
    {
        if (Loses()) return;
        if (delay == TimeSpan.Zero) behind.Send(slot, rtcp, packet, to);
        else _held.Enqueue((now() + delay, slot, rtcp, packet.ToArray(), to));
    }

    /// <summary>Lets go what was held long enough.</summary>
    /// <returns>When the next is due; null: nothing is held.</returns>
    public TimeSpan? Release()
    {
        while (_held.TryPeek(out var next))
        {
            if (next.Due > now()) return next.Due;
            _held.Dequeue();
            behind.Send(next.Slot, next.Rtcp, next.Packet, next.To);
        }

        return null;
    }
}
