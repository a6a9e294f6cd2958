namespace ConfCluster.Protocols.Mixing;

/// <summary>The mixer's unit of time: 20 ms of 8 kHz audio (RFC 3551 §4.2 recommends 20 ms packets).</summary>
public static class AudioFrame
{
    public const int Samples = 160;

    public static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(20);
}
