using System.Net;
using System.Net.Sockets;
using Akka.Actor;

namespace ConfCluster.Actors.Nodes.Losses;

/// <summary>What happens when a connection to a node's inner interface is tried.</summary>
public enum Door : byte
{
    /// <summary>Nothing comes back, or that there is no way: its machine may be gone, or the network.</summary>
    Silent,

    /// <summary>Somebody listens, also when it has been stopped.</summary>
    Open,

    /// <summary>Its machine says that nobody listens there (RFC 9293 §3.5.2: a reset in answer to a SYN).</summary>
    Refuses,
}

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
