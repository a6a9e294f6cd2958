namespace ConfCluster.Protocols.Rtp.Rtcp;

/// <summary>NTP timestamp (RFC 3550 §4): seconds since 1900 and a 32-bit fraction.</summary>
public readonly record struct NtpTime(uint Seconds, uint Fraction)
{
    private static readonly DateTimeOffset Epoch = new(1900, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The middle 32 bits, as LSR carries them.</summary>
    public uint Middle => Seconds << 16 | Fraction >> 16;

    public static NtpTime From(DateTimeOffset time)
    {
        var ticks = (time - Epoch).Ticks;
        var fraction = ((ulong)(ticks % TimeSpan.TicksPerSecond) << 32) / TimeSpan.TicksPerSecond;
        return new NtpTime((uint)(ticks / TimeSpan.TicksPerSecond), (uint)fraction);
    }
}
