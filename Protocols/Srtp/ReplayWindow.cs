namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// The authenticated indices of one source (RFC 3711 §3.3.2): the highest and the 127 below it. Ask <see cref="Accepts"/> before the tag is
/// checked and <see cref="Commit"/> after. A mutable struct: private state of its owner.
/// </summary>
public struct ReplayWindow
{
    /// <summary>RFC 3711 §3.3.2 asks for at least 64.</summary>
    public const int Size = 128;

    private UInt128 _seen;

    /// <summary>The highest committed index; meaningless before the first commit.</summary>
    public ulong Highest { readonly get; private set; }

    public readonly bool IsEmpty => _seen == 0;

    public readonly bool Accepts(ulong index)
    {
        if (IsEmpty || index > Highest) return true;
        var behind = Highest - index;
        return behind < Size && (_seen >> (int)behind & 1) == 0;
    }

    public readonly bool IsTooOld(ulong index) => !IsEmpty && index <= Highest && Highest - index >= Size;

    public void Commit(ulong index)
    {
        if (IsEmpty || index > Highest)
        {
            var ahead = IsEmpty ? Size : index - Highest;
            _seen = (ahead >= Size ? 0 : _seen << (int)ahead) | 1;
            Highest = index;
        }
        else
        {
            _seen |= UInt128.One << (int)(Highest - index);
        }
    }

    /// <summary>A window that goes on where another node's ended: everything up to <paramref name="highest"/> counts as seen.</summary>
    public static ReplayWindow ResumedAt(ulong highest) => new() { Highest = highest, _seen = UInt128.MaxValue };
}
