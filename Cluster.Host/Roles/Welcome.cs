using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;

namespace ConfCluster.Host.Roles;

/// <summary>The lines a person reads after the start: what to dial, where things are, how to stop.</summary>
internal static class Welcome
{
    public static IReadOnlyList<string> Lines(ConfClusterSettings settings, SipListening listening, DataDirectory data)
    {
        var sip = listening.Udp ?? listening.Tcp!;
        var host = settings.Sip.Advertised ?? sip.Address.ToString();
        var port = sip.Port == 5060 ? "" : $":{sip.Port}";
        var transports = string.Join(" and ", new[] { listening.Udp is null ? null : "UDP", listening.Tcp is null ? null : "TCP" }.Where(t => t is not null));
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
