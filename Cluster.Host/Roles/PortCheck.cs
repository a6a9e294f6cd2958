using System.Net;
using System.Net.Sockets;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Host.Roles;

/// <summary>Binds every listening address once before anything starts, so that a taken port is one sentence and not a failure half way.</summary>
internal static class PortCheck
{
    /// <summary>A sentence, or null when all can be bound.</summary>
    public static string? Refusal(ConfClusterSettings settings)
    {
        List<(IPEndPoint? EndPoint, SocketType Type, string Key)> wanted = [(settings.Http.Listen, SocketType.Stream, "confcluster.http")];
        if (settings.Cluster.Has(NodeRole.Sip))
        {
            wanted.AddRange(
            [
                (settings.Sip.Udp, SocketType.Dgram, "confcluster.sip.udp"), (settings.Sip.Tcp, SocketType.Stream, "confcluster.sip.tcp"),
                (settings.Sip.Tls?.Listen, SocketType.Stream, "confcluster.sip.tls"),
                (settings.Sip.Second(settings.Sip.Udp), SocketType.Dgram, "confcluster.sip.ipv6"),
                (settings.Sip.Second(settings.Sip.Tcp), SocketType.Stream, "confcluster.sip.ipv6"),
                (settings.Sip.Second(settings.Sip.Tls?.Listen), SocketType.Stream, "confcluster.sip.ipv6"),
            ]);
        }

        if (settings.Cluster.Has(NodeRole.Media))
        {
            wanted.Add((new IPEndPoint(settings.Media.Address, 0), SocketType.Dgram, "confcluster.media"));
            wanted.Add((settings.Media.Second is { } second ? new IPEndPoint(second.Address, 0) : null, SocketType.Dgram, "confcluster.media.ipv6"));
        }

        if (settings.Cluster.Has(NodeRole.Kms) && settings.Kms is { IsEnabled: true, Https: { } kms })
            wanted.Add((kms.Listen, SocketType.Stream, "confcluster.kms.https"));
        wanted.Add((new IPEndPoint(settings.Cluster.Address, settings.Cluster.Port), SocketType.Stream, "confcluster.cluster"));
        return wanted.Select(w => w.EndPoint is null ? null : Try(w.EndPoint, w.Type, w.Key)).FirstOrDefault(s => s is not null);
    }

    private static string? Try(IPEndPoint endPoint, SocketType type, string key)
    {
        var protocol = type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp;
        try
        {
            using var socket = new Socket(endPoint.AddressFamily, type, protocol);
            if (type == SocketType.Stream) socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(endPoint);
            if (type == SocketType.Stream) socket.Listen(1);
            return null;
        }
        catch (SocketException e)
        {
            var settings = key.EndsWith(".ipv6", StringComparison.Ordinal) ? key : $"{key}.port or {key}";
            return $"{protocol.ToString().ToUpperInvariant()} {endPoint} cannot be bound ({Reason(e)}); set {settings}.address.";
        }
    }

    private static string Reason(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "another program listens there",
        SocketError.AddressNotAvailable => "this machine has no such address",
        SocketError.AccessDenied => "not permitted for this user",
        _ => e.Message,
    };
}
