using System.Buffers;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>
/// The datagram side (RFC 3261 §18): one socket, one receive loop. Requests that are too large come here only when the peer has no TCP
/// (<see cref="LargeRequests"/>); responses go as their requests came, whatever their size (RFC 3261 §18.2.2).
/// </summary>
internal sealed class UdpListener : IDisposable
{
    private const int MaxDatagram = 65_535;

    private readonly Socket _socket;
    private readonly SipIntake _intake;
    private readonly CancellationTokenSource _stop = new();

    /// <exception cref="SocketException">The address is taken or not ours.</exception>
    public UdpListener(IPEndPoint endPoint, SipIntake intake)
    {
        _intake = intake;
        _socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 << 20, SendBufferSize = 1 << 20 };
        try
        {
            _socket.Bind(endPoint);
        }
        catch (SocketException)
        {
            _socket.Dispose();
            throw;
        }

        Local = (IPEndPoint)_socket.LocalEndPoint!;
    }

    public IPEndPoint Local { get; }

    public void Start() => _ = _intake.WatchAsync("UDP", () => ReceiveAsync(_stop.Token));

    /// <summary>A full socket buffer loses the datagram, as the network may; retransmission is the transaction's.</summary>
    public void Send(SipMessage message, IPEndPoint to, TransactionKey? key)
    {
        var buffer = new ArrayBufferWriter<byte>(1500);
        SipWriter.Write(message, buffer);
        try
        {
            _socket.SendTo(buffer.WrittenSpan, SocketFlags.None, to);
        }
        catch (SocketException)
        {
            _intake.Unsent(key);
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task ReceiveAsync(CancellationToken stop)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(MaxDatagram, pinned: true);
        var any = new IPEndPoint(Local.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var received = await _socket.ReceiveFromAsync(buffer.AsMemory(), SocketFlags.None, any, stop);
                var bytes = buffer.AsMemory(0, received.ReceivedBytes);
                // RFC 5626 §3.5.1 is for connections; some phones send CRLF datagrams to keep a NAT open.
                if (bytes.Span.Trim("\r\n\0 "u8).IsEmpty) continue;
                _intake.Receive(bytes.Span, new SipFlow(SipTransport.Udp, Local, (IPEndPoint)received.RemoteEndPoint));
                bytes.Span.Clear();
            }
            catch (SocketException) when (!stop.IsCancellationRequested)
            {
                // An ICMP error of an earlier send comes back here and concerns no datagram of now.
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }
}
