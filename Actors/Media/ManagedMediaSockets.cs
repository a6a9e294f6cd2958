using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Media;

/// <summary>Media sockets over System.Net.Sockets, for systems without epoll. Costs a call per socket and poll.</summary>
internal sealed class ManagedMediaSockets(MediaSocketOptions options) : IMediaSockets
{
    private readonly List<Socket?> _sockets = [];
    private readonly SocketAddress _inet = new(AddressFamily.InterNetwork);
    private readonly SocketAddress _inet6 = new(AddressFamily.InterNetworkV6);
    private int _position;
    private int _burst;

    public BindOutcome TryBind(IPAddress address, int port, out int handle)
    {
        ArgumentNullException.ThrowIfNull(address);
        handle = -1;
        var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        SetUp(socket);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
        }
        catch (SocketException e)
        {
            socket.Dispose();
            return e.SocketErrorCode == SocketError.AddressAlreadyInUse ? BindOutcome.PortTaken : BindOutcome.Failed;
        }

        handle = _sockets.IndexOf(null);
        if (handle < 0)
        {
            handle = _sockets.Count;
            _sockets.Add(null);
        }

        _sockets[handle] = socket;
        return BindOutcome.Bound;
    }

    public void Close(int handle)
    {
        _sockets[handle]?.Dispose();
        _sockets[handle] = null;
    }

    public void Poll() => (_position, _burst) = (0, 0);

    public ReceiveOutcome Receive(Span<byte> buffer, out int handle, out int length, out MediaAddress from)
    {
        for (; _position < _sockets.Count; _position++, _burst = 0)
        {
            handle = _position;
            if (_sockets[handle] is not { } socket || _burst++ >= MediaSockets.BurstLimit || socket.Available == 0) continue;
            var address = socket.AddressFamily == AddressFamily.InterNetwork ? _inet : _inet6;
            try
            {
                length = socket.ReceiveFrom(buffer, SocketFlags.None, address);
            }
            catch (SocketException e)
            {
                // Windows says here that a datagram was too long, or that an earlier one met a closed port.
                (length, from) = (0, default);
                if (e.SocketErrorCode == SocketError.MessageSize) return ReceiveOutcome.Cut;
                continue;
            }

            from = Read(address);
            // Elsewhere a datagram that fills the buffer may have been longer: the buffer is one octet longer than what we take.
            return length == buffer.Length ? ReceiveOutcome.Cut : ReceiveOutcome.Datagram;
        }

        (handle, length, from) = (-1, 0, default);
        return ReceiveOutcome.None;
    }

    public bool Send(int handle, ReadOnlySpan<byte> packet, in MediaAddress to)
    {
        if (_sockets[handle] is not { } socket || socket.AddressFamily != to.Family || !to.IsPresent) return false;
        try
        {
            return socket.SendTo(packet, SocketFlags.None, Write(to)) == packet.Length;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        foreach (var socket in _sockets) socket?.Dispose();
        _sockets.Clear();
    }

    /// <summary>Windows marks packets by policy only and takes no mark from a program; .NET knows the option of IPv4 only, so that of IPv6 is Linux's.</summary>
    private void SetUp(Socket socket)
    {
        if (options.ReceiveBuffer > 0) socket.ReceiveBufferSize = options.ReceiveBuffer;
        if (options.SendBuffer > 0) socket.SendBufferSize = options.SendBuffer;
        if (options.Dscp == 0 || OperatingSystem.IsWindows()) return;
        if (socket.AddressFamily == AddressFamily.InterNetwork)
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, options.Dscp << 2);
        else if (OperatingSystem.IsLinux())
            socket.SetRawSocketOption(Libc.Ipv6Level, Libc.TrafficClass, BitConverter.GetBytes(options.Dscp << 2));
    }

    private SocketAddress Write(in MediaAddress address)
    {
        var target = address.IsIPv6 ? _inet6 : _inet;
        var bytes = target.Buffer.Span;
        bytes[2..].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], address.Port);
        if (address.IsIPv6)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], address.High);
            BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], address.Low);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], (uint)address.Low);
        }

        return target;
    }

    private static MediaAddress Read(SocketAddress address)
    {
        var bytes = address.Buffer.Span;
        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return address.Family == AddressFamily.InterNetworkV6
            ? new MediaAddress(BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]), port, true)
            : new MediaAddress(0, BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), port, false);
    }
}
