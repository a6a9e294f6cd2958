namespace ConfCluster.Protocols.Srtp;

/// <summary>i = 2^16 · ROC + SEQ (RFC 3711 §3.3.1), 48 bits.</summary>
public readonly record struct PacketIndex(ulong Value) : IComparable<PacketIndex>
{
    public PacketIndex(uint roc, ushort sequence) : this((ulong)roc << 16 | sequence)
    {
    }

    /// <summary>The first value that is none: behind it the keystream would begin anew (RFC 3711 §9.2).</summary>
    public const ulong Limit = 1UL << 48;

    public uint Roc => (uint)(Value >> 16);

    public ushort Sequence => (ushort)Value;

    /// <summary>
    /// The index of a packet with this SEQ that is nearest to <paramref name="highest"/> (RFC 3711 §3.3.1, Appendix A): v is ROC-1, ROC or
    /// ROC+1, modulo 2^32. With ROC 0 and v = ROC-1 the packet lies before the stream's start and the result is beyond any real index;
    /// <see cref="IsBeforeStart"/> tells it.
    /// </summary>
    public static PacketIndex Estimate(PacketIndex highest, ushort sequence)
    {
        var (roc, s) = (highest.Roc, highest.Sequence);
        var v = s < 0x8000
            ? sequence - s > 0x8000 ? roc - 1 : roc
            : s - 0x8000 > sequence ? roc + 1 : roc;
        return new PacketIndex(unchecked((uint)v), sequence);
    }

    /// <summary>The estimate wrapped below zero: no sender ever sent it.</summary>
    public bool IsBeforeStart(PacketIndex highest) => highest.Roc == 0 && Roc == uint.MaxValue;

    public int CompareTo(PacketIndex other) => Value.CompareTo(other.Value);

    public override string ToString() => $"{Roc}:{Sequence}";

    public static bool operator <(PacketIndex left, PacketIndex right) => left.Value < right.Value;

    public static bool operator >(PacketIndex left, PacketIndex right) => left.Value > right.Value;

    public static bool operator <=(PacketIndex left, PacketIndex right) => left.Value <= right.Value;

    public static bool operator >=(PacketIndex left, PacketIndex right) => left.Value >= right.Value;
}
