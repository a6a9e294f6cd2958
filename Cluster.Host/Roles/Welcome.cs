using System.Net;
using System.Net.Sockets;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;

namespace ConfCluster.Host.Roles;

/// <summary>The lines a person reads after the start: what to dial, where things are, how to stop.</summary>
internal static class Welcome
{
    public static IReadOnlyList<string> Lines(ConfClusterSettings settings, SipListening? listening, MediaRoom? room, DataDirectory data)
    {
        List<string> lines =
        [
            .. listening is null ? [] : Dial(settings, listening), .. room is null ? [] : Media(settings, room),
            $"Look      http://{settings.Http.Listen}/api/v1/conferences, /metrics, /readyz",
            $"Data      {data.Path}",
        ];
        if (settings.Kms.IsEnabled && settings.Cluster.Has(NodeRole.Kms)) lines.Insert(lines.Count - 1, $"KMS       {Kms(settings)}");
        if (!settings.Cluster.IsAlone)
            lines.Insert(0, $"Node      {settings.Cluster.Address}:{settings.Cluster.Port}, {string.Join(", ", settings.Cluster.Roles.Select(ClusterSettings.NameOf))}");
        else if (data.LastRunWasCutOff) lines.Add("Note      the last run was cut off; its calls are ended, and the log says which");
        lines.Add("Stop      Ctrl-C");
        return lines;
    }

    private static string Kms(ConfClusterSettings settings)
    {
        var plain = $"http://{settings.Http.Listen}/mikey";
        if (settings.Kms.Https is not { } https) return plain;
        var certificate = https.Certificates.IsEmpty ? " (self-made certificate: kms/tls/certificate.pem in the data directory)" : "";
        return $"https://{https.Listen}/mikey{certificate}, {plain}";
    }

    private static IEnumerable<string> Media(ConfClusterSettings settings, MediaRoom room) =>
    [
        $"Media     UDP {settings.Media.PortMin}-{settings.Media.PortMax} at {string.Join(" and ", room.Homes)}, {room}", CodecChoice.Line(settings),
    ];

    private static IEnumerable<string> Dial(ConfClusterSettings settings, SipListening listening)
    {
        string?[] transports = [listening.Udp is null ? null : "UDP", listening.Tcp is null ? null : "TCP"];
        const string Hint = "any name is a conference; phones need SRTP with SDES keys";
        if ((listening.Udp ?? listening.Tcp) is { } sip)
            yield return $"Dial      sip:100@{Host(settings, sip, 5060)} ({string.Join(" and ", transports.Where(t => t is not null))}; {Hint})";
        if (listening.Tls is { } tls)
        {
            var certificate = settings.Sip.Tls!.Certificates.IsEmpty ? "self-made certificate: tls/certificate.pem in the data directory" : Hint;
            yield return $"Dial      sip:100@{Host(settings, tls, 5061)};transport=tls ({certificate})";
        }

        if (listening.Second is { } second && (second.Udp ?? second.Tcp ?? second.Tls) is { } beside)
            yield return $"Dial      sip:100@{Host(settings, beside, second.Udp is null && second.Tcp is null ? 5061 : 5060)} (IPv6)";
    }

    private static string Host(ConfClusterSettings settings, IPEndPoint listen, int usual) =>
        (settings.Sip.AdvertisedFor(listen.AddressFamily) ?? Written(listen.Address)) + (listen.Port == usual ? "" : $":{listen.Port}");

    private static string Written(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
}
