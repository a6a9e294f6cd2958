namespace ConfCluster.Protocols.Mikey;

/// <summary>RFC 3830 §6.6 and RFC 6043 §6.3.</summary>
public enum TimestampType : byte
{
    NtpUtc = 0,
    Ntp = 1,
    Counter = 2,
    NtpUtc32 = 3,
}

/// <summary>A timestamp as it travels. <paramref name="Value"/> is the field's number, 32 or 64 bits of it.</summary>
public readonly record struct MikeyTime(TimestampType Type, ulong Value)
{
    private static readonly DateTimeOffset Epoch1900 = new(1900, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>7 February 2036, when the seconds since 1900 no longer fit 32 bits.</summary>
    private static readonly DateTimeOffset Epoch2036 = Epoch1900.AddSeconds(1L << 32);

    public int Length => Type is TimestampType.Counter or TimestampType.NtpUtc32 ? 4 : 8;

    /// <summary>
    /// What goes into an IV or behind a MAC: 64 bits. RFC 6043 §6.3: NTP-UTC-32 gets a zero fraction; a counter has its zeros in front.
    /// </summary>
    public ulong Padded => Type == TimestampType.NtpUtc32 ? Value << 32 : Value;

    public static MikeyTime At(DateTimeOffset time) => new(TimestampType.NtpUtc, Ntp(time));

    public static MikeyTime SecondsAt(DateTimeOffset time) => new(TimestampType.NtpUtc32, Ntp(time) >> 32);

    /// <summary>Null for a counter, which tells no time.</summary>
    public DateTimeOffset? ToTime()
    {
        if (Type == TimestampType.Counter) return null;
        var (seconds, fraction) = (Padded >> 32, Padded & uint.MaxValue);

        // RFC 6043 §6.3: by RFC 4330 §3 a clear top bit means the era that begins in 2036.
        var epoch = seconds >= 1UL << 31 ? Epoch1900 : Epoch2036;
        return epoch.AddTicks((long)seconds * TimeSpan.TicksPerSecond + (long)((fraction * (ulong)TimeSpan.TicksPerSecond) >> 32));
    }

    private static ulong Ntp(DateTimeOffset time)
    {
        var ticks = (time - Epoch1900).Ticks;
        var seconds = (ulong)(ticks / TimeSpan.TicksPerSecond) & uint.MaxValue;
        var fraction = ((ulong)(ticks % TimeSpan.TicksPerSecond) << 32) / TimeSpan.TicksPerSecond;
        return seconds << 32 | fraction;
    }
}
