using System.Net;
using ConfCluster.Actors.Media;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Phone.Load;

/// <summary>Sockets for the phones of a load, those for datagrams on ports below the ones that the system and the node give out by themselves.</summary>
internal sealed class LoadPorts(IMediaSockets sockets, IPAddress address)
{
    private const int First = 10_000;
    private const int Last = 31_999;
    private int _next = First;

    /// <exception cref="IOException">No port or no descriptor is left.</exception>
    public (int Handle, MediaAddress Address) Take()
    {
        for (var tries = First; tries <= Last; tries++)
        {
            var port = _next;
            _next = port == Last ? First : port + 1;
            switch (sockets.TryBind(address, port, out var handle))
            {
                case BindOutcome.Bound: return (handle, MediaAddress.From(address, port));
                case BindOutcome.Failed: throw new IOException("no socket to be had: the limit on open files (ulimit -n), or no such address");
            }
        }

        throw new IOException($"no free UDP port between {First} and {Last}");
    }

    /// <exception cref="IOException">No port or no descriptor is left.</exception>
    public LoadConnection Connect(IPEndPoint server) => new(address, server);
}
