using System.Globalization;

namespace ConfCluster.Protocols.Conference;

/// <summary>Durations as settings write them: a whole number and ms, s, m, h or d.</summary>
public static class DurationText
{
    public static bool TryRead(string text, out TimeSpan value)
    {
        ArgumentNullException.ThrowIfNull(text);
        var digits = text.TakeWhile(char.IsAsciiDigit).Count();
        value = TimeSpan.Zero;
        if (!int.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        TimeSpan? unit = text[digits..].Trim() switch
        {
            "ms" => TimeSpan.FromMilliseconds(1),
            "s" => TimeSpan.FromSeconds(1),
            "m" => TimeSpan.FromMinutes(1),
            "h" => TimeSpan.FromHours(1),
            "d" => TimeSpan.FromDays(1),
            _ => null,
        };
        value = number * (unit ?? TimeSpan.Zero);
        return unit is not null;
    }

    /// <summary>In the largest unit that loses nothing.</summary>
    public static string Write(TimeSpan value)
    {
        var (number, unit) = value.Ticks switch
        {
            0 => (0, "s"),
            var t when t % TimeSpan.TicksPerDay == 0 => (t / TimeSpan.TicksPerDay, "d"),
            var t when t % TimeSpan.TicksPerHour == 0 => (t / TimeSpan.TicksPerHour, "h"),
            var t when t % TimeSpan.TicksPerMinute == 0 => (t / TimeSpan.TicksPerMinute, "m"),
            var t when t % TimeSpan.TicksPerSecond == 0 => (t / TimeSpan.TicksPerSecond, "s"),
            var t => (t / TimeSpan.TicksPerMillisecond, "ms"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{number}{unit}");
    }
}
