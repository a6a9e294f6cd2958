using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Media;

/// <summary>
/// Media sockets over epoll, recvfrom and sendto: one call each, no exception for what is not there. Every socket that is ready is read once, then
/// epoll is asked who has more: most have one datagram per tick, and a second recvfrom that finds nothing costs more than that question.
/// </summary>
internal sealed unsafe class LinuxMediaSockets(MediaSocketOptions options) : IMediaSockets
{
    private const int MaxEvents = 4096;
    private const int AddressLength = 28;

    /// <summary>struct epoll_event is packed on x86-64 only.</summary>
    private static readonly int EventLength = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private readonly int _epoll = Libc.EpollCreate(Libc.SocketCloseOnExec);
    private readonly byte[] _events = GC.AllocateArray<byte>(MaxEvents * EventLength, pinned: true);
    private readonly List<Entry> _entries = [];
    private readonly Stack<int> _free = new();
    private int _ready;
    private int _position;
    private int _pass;

    public BindOutcome TryBind(IPAddress address, int port, out int handle)
    {
        ArgumentNullException.ThrowIfNull(address);
        handle = -1;
        var to = MediaAddress.From(address, port);
        var family = to.IsIPv6 ? Libc.AddressFamilyInet6 : Libc.AddressFamilyInet;
        var descriptor = Libc.Socket(family, Libc.SocketDatagram | Libc.SocketNonBlocking | Libc.SocketCloseOnExec, 0);
        if (descriptor < 0) return BindOutcome.Failed;
        SetUp(descriptor, to.IsIPv6);
        var raw = stackalloc byte[AddressLength];
        if (Libc.Bind(descriptor, raw, Write(to, raw)) < 0)
        {
            var taken = Marshal.GetLastPInvokeError() == Libc.AddressInUse;
            _ = Libc.Close(descriptor);
            return taken ? BindOutcome.PortTaken : BindOutcome.Failed;
        }

        if (!_free.TryPop(out handle))
        {
            handle = _entries.Count;
            _entries.Add(default);
        }

        _entries[handle] = new Entry(descriptor, to.IsIPv6);
        Watch(descriptor, handle);
        return BindOutcome.Bound;
    }

    /// <summary>Closing takes a socket out of the epoll set too.</summary>
    public void Close(int handle)
    {
        _ = Libc.Close(_entries[handle].Descriptor);
        _entries[handle] = new Entry(-1, false);
        _free.Push(handle);
    }

    public void Poll()
    {
        _pass = 0;
        Look();
    }

    public ReceiveOutcome Receive(Span<byte> buffer, out int handle, out int length, out MediaAddress from)
    {
        var raw = stackalloc byte[AddressLength];
        while (_position < _ready || HasMore())
        {
            handle = BitConverter.ToInt32(_events, _position++ * EventLength + EventLength - 8);
            var socket = _entries[handle].Descriptor;
            if (socket < 0) continue;
            var addressLength = AddressLength;
            fixed (byte* into = buffer)
                length = (int)Libc.ReceiveFrom(socket, into, buffer.Length, Libc.MessageDontWait | Libc.MessageTruncate, raw, &addressLength);
            if (length < 0) continue;
            from = Read(raw);
            return length > buffer.Length ? ReceiveOutcome.Cut : ReceiveOutcome.Datagram;
        }

        (handle, length, from) = (-1, 0, default);
        return ReceiveOutcome.None;
    }

    public bool Send(int handle, ReadOnlySpan<byte> packet, in MediaAddress to)
    {
        var (socket, isIPv6) = _entries[handle];
        if (to.IsIPv6 != isIPv6 || !to.IsPresent) return false;
        var raw = stackalloc byte[AddressLength];
        var length = Write(to, raw);
        fixed (byte* bytes = packet)
            return Libc.SendTo(socket, bytes, packet.Length, Libc.MessageDontWait, raw, length) == packet.Length;
    }

    public void Dispose()
    {
        foreach (var entry in _entries)
            if (entry.Descriptor >= 0)
                _ = Libc.Close(entry.Descriptor);
        _entries.Clear();
        _ = Libc.Close(_epoll);
    }

    private bool HasMore()
    {
        if (_ready == 0 || ++_pass >= MediaSockets.BurstLimit) return false;
        Look();
        return _ready > 0;
    }

    private void Look()
    {
        _position = 0;
        fixed (byte* events = _events) _ready = Math.Max(0, Libc.EpollWait(_epoll, events, MaxEvents, 0));
    }

    /// <summary>What the system refuses of this is done without: the media flows all the same.</summary>
    private void SetUp(int descriptor, bool isIPv6)
    {
        if (options.ReceiveBuffer > 0) _ = Libc.SetSocketOption(descriptor, Libc.SocketLevel, Libc.ReceiveBuffer, options.ReceiveBuffer, sizeof(int));
        if (options.SendBuffer > 0) _ = Libc.SetSocketOption(descriptor, Libc.SocketLevel, Libc.SendBuffer, options.SendBuffer, sizeof(int));
        // Whole or not at all: what may be fragmented needs an identification of its own (RFC 6864 §4), a fifteenth of what sending costs.
        if (!isIPv6) _ = Libc.SetSocketOption(descriptor, Libc.Ipv4Level, Libc.MtuDiscover, Libc.MtuProbe, sizeof(int));
        // The same port of IPv4 is a socket of its own.
        if (isIPv6) _ = Libc.SetSocketOption(descriptor, Libc.Ipv6Level, Libc.Ipv6Only, 1, sizeof(int));
        // RFC 2474 §3: the code point is the upper six bits of the octet.
        if (options.Dscp == 0) return;
        _ = isIPv6
            ? Libc.SetSocketOption(descriptor, Libc.Ipv6Level, Libc.TrafficClass, options.Dscp << 2, sizeof(int))
            : Libc.SetSocketOption(descriptor, Libc.Ipv4Level, Libc.TypeOfService, options.Dscp << 2, sizeof(int));
    }

    private void Watch(int descriptor, int handle)
    {
        var raw = stackalloc byte[16];
        new Span<byte>(raw, 16).Clear();
        *(int*)raw = Libc.EpollIn;
        *(int*)(raw + EventLength - 8) = handle;
        if (Libc.EpollControl(_epoll, Libc.EpollAdd, descriptor, raw) < 0) throw new InvalidOperationException("epoll refuses a socket");
    }

    // struct sockaddr_in and sockaddr_in6: family (host order), port, then the address at 4 or, behind the flow label, at 8.
    private static int Write(in MediaAddress address, byte* raw)
    {
        var bytes = new Span<byte>(raw, AddressLength);
        bytes.Clear();
        *(ushort*)raw = (ushort)(address.IsIPv6 ? Libc.AddressFamilyInet6 : Libc.AddressFamilyInet);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], address.Port);
        if (!address.IsIPv6)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], (uint)address.Low);
            return 16;
        }

        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], address.High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], address.Low);
        return AddressLength;
    }

    private static MediaAddress Read(byte* raw)
    {
        var bytes = new ReadOnlySpan<byte>(raw, AddressLength);
        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return *(ushort*)raw == Libc.AddressFamilyInet6
            ? new MediaAddress(BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]), port, true)
            : new MediaAddress(0, BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), port, false);
    }

    private readonly record struct Entry(int Descriptor, bool IsIPv6);
}
