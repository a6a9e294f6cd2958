using System.Numerics;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// The sum of all talkers in 32 bits, and mixes of it minus one talker, saturated to 16 bits at the very end: what a leg hears is exact as
/// long as the sum of the others fits.
/// </summary>
public static class PcmMix
{
    public static void Add(Span<int> sum, ReadOnlySpan<short> frame)
    {
        var i = 0;
        for (; i <= frame.Length - Vector<short>.Count; i += Vector<short>.Count)
        {
            Vector.Widen(new Vector<short>(frame[i..]), out var low, out var high);
            var at = sum[i..];
            var next = at[Vector<int>.Count..];
            (new Vector<int>(at) + low).CopyTo(at);
            (new Vector<int>(next) + high).CopyTo(next);
        }

        for (; i < frame.Length; i++) sum[i] += frame[i];
    }

    /// <summary>The whole mix, for who is silent.</summary>
    public static void Saturate(ReadOnlySpan<int> sum, Span<short> mix)
    {
        var i = 0;
        for (; i <= mix.Length - Vector<short>.Count; i += Vector<short>.Count)
            Narrow(new Vector<int>(sum[i..]), new Vector<int>(sum[(i + Vector<int>.Count)..])).CopyTo(mix[i..]);
        for (; i < mix.Length; i++) mix[i] = (short)Math.Clamp(sum[i], short.MinValue, short.MaxValue);
    }

    /// <summary>The mix without <paramref name="own"/>: nobody hears himself (N-1).</summary>
    public static void Without(ReadOnlySpan<int> sum, ReadOnlySpan<short> own, Span<short> mix)
    {
        var i = 0;
        for (; i <= mix.Length - Vector<short>.Count; i += Vector<short>.Count)
        {
            Vector.Widen(new Vector<short>(own[i..]), out var low, out var high);
            Narrow(new Vector<int>(sum[i..]) - low, new Vector<int>(sum[(i + Vector<int>.Count)..]) - high).CopyTo(mix[i..]);
        }

        for (; i < mix.Length; i++) mix[i] = (short)Math.Clamp(sum[i] - own[i], short.MinValue, short.MaxValue);
    }

    /// <summary>The mix without two of those that are in it.</summary>
    public static void Without(ReadOnlySpan<int> sum, ReadOnlySpan<short> own, ReadOnlySpan<short> other, Span<short> mix)
    {
        for (var i = 0; i < mix.Length; i++) mix[i] = (short)Math.Clamp(sum[i] - own[i] - other[i], short.MinValue, short.MaxValue);
    }

    private static Vector<short> Narrow(Vector<int> low, Vector<int> high)
    {
        var (least, most) = (new Vector<int>(short.MinValue), new Vector<int>(short.MaxValue));
        return Vector.Narrow(Vector.Min(Vector.Max(low, least), most), Vector.Min(Vector.Max(high, least), most));
    }
}
