using System.Net;
using System.Net.Sockets;

namespace ConfCluster.Support;

/// <summary>
/// Ports for programs that a test starts, none twice in a process, with the next one free as well (some phones take it for TLS). They lie below those that
/// the system gives to whoever asks for any, which could be anybody's by the time the program binds them.
/// </summary>
public static class FreePorts
{
    private const int First = 20_000;
    private const int Count = 5_000;
    private static int _next = Environment.ProcessId % Count;

    public static int Next(string address = "127.0.0.1")
    {
        for (var tries = 0; tries < Count; tries++)
        {
            var port = First + 2 * ((int)((uint)Interlocked.Increment(ref _next) % Count));
            if (IsFree(address, port) && IsFree(address, port + 1)) return port;
        }

        throw new InvalidOperationException($"no free port at {address} from {First} to {First + 2 * Count}");
    }

    private static bool IsFree(string address, int port)
    {
        try
        {
            using var stream = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            using var datagram = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            stream.Bind(new IPEndPoint(IPAddress.Parse(address), port));
            datagram.Bind(new IPEndPoint(IPAddress.Parse(address), port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
