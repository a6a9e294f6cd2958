using System.Numerics;

namespace ConfCluster.Protocols.Rtp;

/// <summary>How loud a packet is, in -dBov: 0 the loudest, 127 digital silence (RFC 6464 §3).</summary>
/// <param name="Voice">Its sender believes that somebody speaks; only where offer and answer say that it knows.</param>
public readonly record struct AudioLevel(byte Level, bool Voice)
{
    public const string Uri = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

    public const byte Silence = 127;

    /// <summary>RFC 6464 §3: one octet, the V bit first. An element of another length is none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> data, out AudioLevel level)
    {
        level = data.Length == 1 ? new AudioLevel((byte)(data[0] & 0x7F), (data[0] & 0x80) != 0) : default;
        return data.Length == 1;
    }

    public byte Octet => (byte)(Voice ? Level | 0x80 : Level);

    /// <summary>The level of samples: their root mean square against the loudest there can be (RFC 6464 §3, RFC 6465 §A).</summary>
    public static byte Of(ReadOnlySpan<short> samples)
    {
        if (samples.IsEmpty) return Silence;
        var energy = Energy(samples) / samples.Length;
        if (energy == 0) return Silence;
        var level = -10 * Math.Log10(energy / ((double)short.MaxValue * short.MaxValue));
        return (byte)Math.Clamp(Math.Round(level), 0, Silence);
    }

    private static double Energy(ReadOnlySpan<short> samples)
    {
        var sum = Vector<long>.Zero;
        var i = 0;
        for (; i <= samples.Length - Vector<short>.Count; i += Vector<short>.Count)
        {
            Vector.Widen(new Vector<short>(samples[i..]), out var low, out var high);
            Add(ref sum, low * low);
            Add(ref sum, high * high);
        }

        var energy = Vector.Sum(sum);
        for (; i < samples.Length; i++) energy += samples[i] * samples[i];
        return energy;
    }

    /// <summary>A square is at most 2^30, so it is one number in 32 bits, and a frame of them is not.</summary>
    private static void Add(ref Vector<long> sum, Vector<int> squares)
    {
        Vector.Widen(squares, out var low, out var high);
        sum += low + high;
    }
}
