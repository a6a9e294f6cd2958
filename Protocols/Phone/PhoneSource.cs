using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Protocols.Phone;

/// <summary>One of several sources that a phone hears at once, where nobody mixes them for it, and how evenly it comes.</summary>
internal sealed class PhoneSource(Uplink uplink) : IDisposable
{
    /// <summary>Whoever is silent for longer has paused.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private bool _heard;
    private int _silentTicks;

    public Uplink Uplink => uplink;

    /// <summary>The longest time between two received frames of it, but for pauses.</summary>
    public TimeSpan LongestGap { get; private set; }

    /// <summary>20 ms of it are added to <paramref name="mix"/>.</summary>
    /// <param name="received">A frame that came, and was not made up.</param>
    /// <returns>Whether it has sound.</returns>
    public bool Play(Span<short> mix, out bool received)
    {
        var concealed = uplink.Counts.Concealed;
        var sound = uplink.Decode();
        if (sound) Add(uplink.Frame.AtRate(50 * mix.Length), mix);
        received = sound && uplink.Counts.Concealed == concealed;
        if (!received)
        {
            _silentTicks++;
            return sound;
        }

        var gap = _silentTicks * AudioFrame.Duration;
        if (_heard && gap <= Pause && gap > LongestGap) LongestGap = gap;
        (_heard, _silentTicks) = (true, 0);
        return true;
    }

    /// <summary>A pause that was agreed on is no gap.</summary>
    public void Interrupt() => (_heard, _silentTicks) = (false, 0);

    public void Dispose() => uplink.Dispose();

    private static void Add(ReadOnlySpan<short> samples, Span<short> mix)
    {
        for (var i = 0; i < mix.Length; i++) mix[i] = (short)Math.Clamp(mix[i] + samples[i], short.MinValue, short.MaxValue);
    }
}
