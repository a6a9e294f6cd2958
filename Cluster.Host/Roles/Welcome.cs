using ConfCluster.Actors.Settings;

namespace ConfCluster.Host.Roles;

/// <summary>The lines a person reads after the start: what to dial, where things are, how to stop.</summary>
internal static class Welcome
{
    public static IReadOnlyList<string> Lines(ConfClusterSettings settings, DataDirectory data)
    {
        var sip = settings.Sip.Udp ?? settings.Sip.Tcp!;
        var host = settings.Sip.Advertised ?? sip.Address.ToString();
        var port = sip.Port == 5060 ? "" : $":{sip.Port}";
        var transports = string.Join(" and ", new[] { settings.Sip.Udp is null ? null : "UDP", settings.Sip.Tcp is null ? null : "TCP" }.Where(t => t is not null));
        List<string> lines =
        [
            $"Dial      sip:100@{host}{port} ({transports}; any name is a conference; phones need SRTP with SDES keys)",
            $"Look      http://{settings.Http.Listen}/api/v1/conferences, /metrics, /readyz",
            $"Data      {data.Path}",
        ];
        if (data.LastRunWasCutOff) lines.Add("Note      the last run was cut off; its calls are ended, and the log says which");
        lines.Add("Stop      Ctrl-C");
        return lines;
    }
}
