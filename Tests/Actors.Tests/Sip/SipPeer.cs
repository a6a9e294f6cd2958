using System.Net;
using System.Net.Sockets;
using System.Text;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>A SIP peer on a real loopback socket that says what a test writes and gives out what it hears.</summary>
internal abstract class SipPeer : IDisposable
{
    protected const int Patience = 5000;

    public abstract IPEndPoint Local { get; }

    public abstract string Transport { get; }

    public abstract void Send(ReadOnlySpan<byte> bytes);

    public abstract SipMessage Receive();

    public abstract void Dispose();

    public void Send(string text) => Send(Encoding.UTF8.GetBytes(text));

    public string Request(string method, string branch = "z9hG4bKa", string toTag = "", uint cseq = 1, string extra = "", string callId = "call-1") =>
        $"{method} sip:room@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{Transport} {Local};rport;branch={branch}\r\nMax-Forwards: 70\r\n" +
        $"From: <sip:alice@example.com>;tag=alice1\r\nTo: <sip:room@127.0.0.1>{(toTag.Length > 0 ? $";tag={toTag}" : "")}\r\n" +
        $"Call-ID: {callId}\r\nCSeq: {cseq} {method}\r\nContact: <sip:alice@{Local}>\r\n{extra}Content-Length: 0\r\n\r\n";

    public SipResponse Response() => (SipResponse)Receive();

    /// <summary>The next response but the 100 that every INVITE gets.</summary>
    public SipResponse Answer()
    {
        while (true)
            if (Response() is { StatusCode: not 100 } response)
                return response;
    }

    protected static SipMessage Read(ReadOnlySpan<byte> bytes) =>
        SipReader.TryRead(bytes, out var message, out var error) ? message! : throw new InvalidDataException(error.Detail);
}

internal sealed class UdpPeer : SipPeer
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = Patience };
    private readonly byte[] _buffer = new byte[65_535];

    public UdpPeer(IPEndPoint node)
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _socket.Connect(node);
    }

    public override IPEndPoint Local => (IPEndPoint)_socket.LocalEndPoint!;

    public override string Transport => "UDP";

    public override void Send(ReadOnlySpan<byte> bytes) => _socket.Send(bytes);

    public override SipMessage Receive() => Read(_buffer.AsSpan(0, _socket.Receive(_buffer)));

    public string ReceiveText() => Encoding.UTF8.GetString(_buffer.AsSpan(0, _socket.Receive(_buffer)));

    public override void Dispose() => _socket.Dispose();
}

internal sealed class TcpPeer : SipPeer
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = Patience, NoDelay = true };
    private readonly SipFramer _framer = new();
    private readonly byte[] _buffer = new byte[4096];

    public TcpPeer(IPEndPoint node) => _socket.Connect(node);

    public override IPEndPoint Local => (IPEndPoint)_socket.LocalEndPoint!;

    public override string Transport => "TCP";

    public override void Send(ReadOnlySpan<byte> bytes) => _socket.Send(bytes);

    public override SipMessage Receive()
    {
        while (true)
        {
            if (_framer.Next(out var frame, out _) == SipFrameOutcome.Done) return Read(frame);
            var read = _socket.Receive(_buffer);
            if (read == 0) throw new EndOfStreamException();
            _framer.Append(_buffer.AsSpan(0, read));
        }
    }

    /// <summary>Raw bytes; none when the node has closed.</summary>
    public byte[] ReceiveBytes()
    {
        try
        {
            return _buffer.AsSpan(0, _socket.Receive(_buffer)).ToArray();
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return [];
        }
    }

    public override void Dispose()
    {
        _socket.Dispose();
        _framer.Dispose();
    }
}
