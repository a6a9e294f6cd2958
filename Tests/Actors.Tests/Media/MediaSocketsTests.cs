using System.Net;
using System.Net.Sockets;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Actors.Tests.Media;

/// <summary>Both kinds of sockets must do the same.</summary>
public sealed class MediaSocketsTests : IDisposable
{
    private static readonly MediaSocketOptions Marked = new(65536, 65536, 46);
    private readonly List<IDisposable> _open = [];
    private readonly byte[] _buffer = new byte[2049];

    [Theory]
    [InlineData(true, "127.0.0.1")]
    [InlineData(true, "::1")]
    [InlineData(false, "127.0.0.1")]
    [InlineData(false, "::1")]
    public void What_one_socket_sends_another_receives_with_its_address(bool linux, string host)
    {
        var (sockets, address) = (Open(linux), IPAddress.Parse(host));
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && !Socket.OSSupportsIPv6) return;
        var (a, portA) = Bind(sockets, address);
        var (b, portB) = Bind(sockets, address);
        Assert.True(sockets.Send(a, [1, 2, 3], MediaAddress.From(address, portB)));
        Assert.Equal(ReceiveOutcome.Datagram, Next(sockets, out var handle, out var length, out var from));
        Assert.Equal((b, 3, MediaAddress.From(address, portA)), (handle, length, from));
        Assert.Equal([1, 2, 3], _buffer[..3]);
        Assert.Equal(ReceiveOutcome.None, sockets.Receive(_buffer, out _, out _, out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_taken_port_is_told_and_a_closed_one_is_free_again(bool linux)
    {
        var sockets = Open(linux);
        var (a, port) = Bind(sockets, IPAddress.Loopback);
        Assert.Equal(BindOutcome.PortTaken, sockets.TryBind(IPAddress.Loopback, port, out _));
        sockets.Close(a);
        Assert.Equal(BindOutcome.Bound, sockets.TryBind(IPAddress.Loopback, port, out var again));
        Assert.Equal(a, again);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_datagram_longer_than_the_buffer_is_cut_and_the_next_one_is_whole(bool linux)
    {
        var sockets = Open(linux);
        var (a, _) = Bind(sockets, IPAddress.Loopback);
        var (_, port) = Bind(sockets, IPAddress.Loopback);
        var to = MediaAddress.From(IPAddress.Loopback, port);
        sockets.Send(a, new byte[3000], to);
        sockets.Send(a, new byte[100], to);
        Assert.Equal(ReceiveOutcome.Cut, Next(sockets, out _, out _, out _));
        Assert.Equal(ReceiveOutcome.Datagram, sockets.Receive(_buffer, out _, out var length, out _));
        Assert.Equal(100, length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_flood_on_one_socket_leaves_the_others_their_turn(bool linux)
    {
        var sockets = Open(linux);
        var (a, _) = Bind(sockets, IPAddress.Loopback);
        var (flooded, port) = Bind(sockets, IPAddress.Loopback);
        var (quiet, other) = Bind(sockets, IPAddress.Loopback);
        for (var i = 0; i < 100; i++) sockets.Send(a, [1], MediaAddress.From(IPAddress.Loopback, port));
        sockets.Send(a, [2], MediaAddress.From(IPAddress.Loopback, other));
        var counts = new Dictionary<int, int> { [flooded] = 0, [quiet] = 0 };
        sockets.Poll();
        while (sockets.Receive(_buffer, out var handle, out _, out _) == ReceiveOutcome.Datagram) counts[handle]++;
        Assert.Equal((32, 1), (counts[flooded], counts[quiet]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Sending_nowhere_or_to_the_other_family_fails_without_an_exception(bool linux)
    {
        var sockets = Open(linux);
        var (a, _) = Bind(sockets, IPAddress.Loopback);
        Assert.False(sockets.Send(a, [1], MediaAddress.None));
        Assert.False(sockets.Send(a, [1], MediaAddress.From(IPAddress.IPv6Loopback, 4000)));
        Assert.True(sockets.Send(a, [1], MediaAddress.From(IPAddress.Loopback, 9)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Receiving_and_sending_allocate_nothing(bool linux)
    {
        var sockets = Open(linux);
        var (a, _) = Bind(sockets, IPAddress.Loopback);
        var (_, port) = Bind(sockets, IPAddress.Loopback);
        var to = MediaAddress.From(IPAddress.Loopback, port);
        Exchange(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Exchange(1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Exchange(int times)
        {
            for (var i = 0; i < times; i++)
            {
                sockets.Send(a, _buffer.AsSpan(0, 182), to);
                sockets.Poll();
                while (sockets.Receive(_buffer, out _, out _, out _) != ReceiveOutcome.None)
                {
                }
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("RFC", "2474 §3")]
    public void What_is_sent_carries_its_mark(bool linux)
    {
        if (!OperatingSystem.IsLinux()) return;
        var sockets = Open(linux);
        var (_, port) = Bind(sockets, IPAddress.Loopback);
        Assert.Equal(46 << 2, TypeOfServiceOf(port));
    }

    /// <summary>Of the socket of this process that is bound to the port.</summary>
    private static int TypeOfServiceOf(int port)
    {
        foreach (var file in Directory.EnumerateFiles("/proc/self/fd"))
        {
            using var handle = new SafeSocketHandle(int.Parse(Path.GetFileName(file), System.Globalization.CultureInfo.InvariantCulture), ownsHandle: false);
            try
            {
                using var socket = new Socket(handle);
                if (socket.LocalEndPoint is IPEndPoint at && at.Port == port && socket.ProtocolType == ProtocolType.Udp)
                    return (int)socket.GetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService)!;
            }
            catch (SocketException)
            {
                // Not a socket.
            }
        }

        return -1;
    }

    public void Dispose() => _open.ForEach(o => o.Dispose());

    private IMediaSockets Open(bool linux)
    {
        // Elsewhere the one kind there is is tested twice.
        IMediaSockets sockets = linux && OperatingSystem.IsLinux() ? new LinuxMediaSockets(Marked) : new ManagedMediaSockets(Marked);
        _open.Add(sockets);
        return sockets;
    }

    private static (int Handle, int Port) Bind(IMediaSockets sockets, IPAddress address)
    {
        for (var port = 30000; port < 40000; port++)
            if (sockets.TryBind(address, port, out var handle) == BindOutcome.Bound)
                return (handle, port);
        throw new InvalidOperationException("no free port");
    }

    private ReceiveOutcome Next(IMediaSockets sockets, out int handle, out int length, out MediaAddress from)
    {
        ReceiveOutcome outcome;
        var tries = 0;
        do
        {
            sockets.Poll();
            outcome = sockets.Receive(_buffer, out handle, out length, out from);
        }
        while (outcome == ReceiveOutcome.None && tries++ < 1000);
        return outcome;
    }
}
