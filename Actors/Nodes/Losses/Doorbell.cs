using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using ConfCluster.Protocols.Nodes;

namespace ConfCluster.Actors.Nodes.Losses;

/// <summary>Tries a connection and closes it again; nothing is sent.</summary>
public static class Doorbell
{
    public static async Task<Door> RingAsync(Address node, TimeSpan patience)
    {
        ArgumentNullException.ThrowIfNull(node);
        using var limit = new CancellationTokenSource(patience);
        try
        {
            var address = IPAddress.TryParse(node.Host, out var literal) ? literal : (await Dns.GetHostAddressesAsync(node.Host, limit.Token))[0];
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(new IPEndPoint(address, node.Port!.Value), limit.Token);
            return Door.Open;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused ? Door.Refuses : Door.Silent;
        }
        catch (OperationCanceledException)
        {
            return Door.Silent;
        }
    }
}
