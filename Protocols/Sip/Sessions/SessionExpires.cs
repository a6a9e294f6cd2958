using System.Globalization;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Sessions;

/// <summary>Who refreshes a session: the client or the server of the transaction that says so (RFC 4028 §4).</summary>
public enum Refresher : byte { Unsaid, Client, Server }

/// <summary>The Session-Expires header field (RFC 4028 §4), and Min-SE, which has its shape (RFC 4028 §5).</summary>
public readonly record struct SessionExpires(TimeSpan Interval, Refresher Refresher)
{
    /// <summary>RFC 4028 §5: what Min-SE means when it is absent.</summary>
    public static readonly TimeSpan DefaultMinimum = TimeSpan.FromSeconds(90);

    /// <summary>False when the field is there and cannot be read; <paramref name="value"/> is null when there is none.</summary>
    public static bool TryRead(SipHeaders headers, out SessionExpires? value)
    {
        ArgumentNullException.ThrowIfNull(headers);
        value = null;
        if (!TrySeconds(headers.First(HeaderNames.SessionExpires), out var interval, out var parameters)) return false;
        if (interval is not { } known) return true;

        var refresher = Refresher.Unsaid;
        foreach (var parameter in parameters.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = parameter.Split('=', 2, StringSplitOptions.TrimEntries);
            if (!parts[0].Equals("refresher", StringComparison.OrdinalIgnoreCase)) continue;
            if (parts.Length != 2 || refresher != Refresher.Unsaid) return false;
            if (parts[1].Equals("uac", StringComparison.OrdinalIgnoreCase)) refresher = Refresher.Client;
            else if (parts[1].Equals("uas", StringComparison.OrdinalIgnoreCase)) refresher = Refresher.Server;
            else return false;
        }

        value = new SessionExpires(known, refresher);
        return true;
    }

    /// <summary>False when Min-SE is there and cannot be read.</summary>
    public static bool TryReadMinimum(SipHeaders headers, out TimeSpan? minimum)
    {
        ArgumentNullException.ThrowIfNull(headers);
        return TrySeconds(headers.First(HeaderNames.MinSe), out minimum, out _);
    }

    public static string Seconds(TimeSpan interval) => ((long)Math.Ceiling(interval.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    public override string ToString() => Refresher switch
    {
        Refresher.Client => $"{Seconds(Interval)};refresher=uac",
        Refresher.Server => $"{Seconds(Interval)};refresher=uas",
        _ => Seconds(Interval),
    };

    /// <summary>delta-seconds (RFC 3261 §25.1), below 2^32.</summary>
    private static bool TrySeconds(string? text, out TimeSpan? seconds, out string parameters)
    {
        (seconds, parameters) = (null, "");
        if (text is null) return true;
        var parts = text.Split(';', 2, StringSplitOptions.TrimEntries);
        if (!uint.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        seconds = TimeSpan.FromSeconds(number);
        if (parts.Length == 2) parameters = parts[1];
        return true;
    }
}
