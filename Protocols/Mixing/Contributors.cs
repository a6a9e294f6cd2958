using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>Who is in the mix of a tick and how loud: the CSRC list and the levels of its packets (RFC 3550 §7.1, RFC 6465 §3).</summary>
internal sealed class Contributors
{
    /// <summary>The slot of somebody whose leg is at another mixer.</summary>
    public const int Elsewhere = -2;

    private readonly (int Slot, Ssrc Source, byte Level)[] _all = new (int, Ssrc, byte)[RtpHeader.MaxCsrcs];

    public int Count { get; private set; }

    public (int Slot, Ssrc Source, byte Level) this[int number] => _all[number];

    public void Clear() => Count = 0;

    /// <summary>RFC 3550 §5.1: of more than 15, only 15 are named.</summary>
    public void Add(int slot, Ssrc source, byte level)
    {
        if (Count < _all.Length) _all[Count++] = (slot, source, level);
    }
}
