using System.Diagnostics;

namespace ConfCluster.Protocols.Mixing;

/// <summary>The mixer's unit of time: 20 ms of audio (RFC 3551 §4.2 recommends 20 ms packets), at the rates that codecs have.</summary>
public static class AudioFrame
{
    /// <summary>At 8 kHz, which is also the unit of the mixer's clock.</summary>
    public const int Samples = 160;

    /// <summary>At the highest rate.</summary>
    public const int MostSamples = 960;

    public static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(20);

    /// <summary>The rates at which there may be a mix.</summary>
    public static readonly int[] Rates = [8000, 16_000, 48_000];

    public static int PlaceOf(int rate) => rate switch
    {
        8000 => 0,
        16_000 => 1,
        48_000 => 2,
        _ => throw new UnreachableException($"no mix at {rate}"),
    };

    public static int SamplesAt(int rate) => rate / 50;
}
