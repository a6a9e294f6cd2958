using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ConfCluster.Support;

/// <summary>
/// A name server on UDP loopback that answers A, AAAA, SRV and NAPTR questions from a table (RFC 1035 §4, RFC 2782, RFC 2915 §8); what is
/// not in it does not exist. It counts what it is asked.
/// </summary>
public sealed class SmallDnsServer : IDisposable
{
    private const int HeaderLength = 12;
    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly Dictionary<(ushort Type, string Name), List<byte[]>> _records = [];
    private readonly uint _timeToLive;
    private int _questions;

    public SmallDnsServer(uint timeToLive = 60)
    {
        _timeToLive = timeToLive;
        _ = ServeAsync();
    }

    public IPEndPoint Address => (IPEndPoint)_socket.Client.LocalEndPoint!;

    public int Questions => Volatile.Read(ref _questions);

    /// <summary>It hears and says nothing.</summary>
    public bool IsSilent { get; set; }

    public SmallDnsServer Host(string name, string address)
    {
        var ip = IPAddress.Parse(address);
        return Add((ushort)(ip.AddressFamily == AddressFamily.InterNetworkV6 ? 28 : 1), name, ip.GetAddressBytes());
    }

    public SmallDnsServer Srv(string name, ushort priority, ushort weight, ushort port, string target) =>
        Add(33, name, [.. Number(priority), .. Number(weight), .. Number(port), .. Name(target)]);

    public SmallDnsServer Naptr(string name, ushort order, ushort preference, string service, string replacement) =>
        Add(35, name, [.. Number(order), .. Number(preference), .. Text("s"), .. Text(service), .. Text(""), .. Name(replacement)]);

    public void Dispose() => _socket.Dispose();

    private SmallDnsServer Add(ushort type, string name, byte[] data)
    {
        if (!_records.TryGetValue((type, name), out var records)) _records[(type, name)] = records = [];
        records.Add(data);
        return this;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveAsync();
                Interlocked.Increment(ref _questions);
                if (!IsSilent) await _socket.SendAsync(Answer(received.Buffer), received.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private byte[] Answer(byte[] question)
    {
        var (name, end) = Read(question);
        var type = BinaryPrimitives.ReadUInt16BigEndian(question.AsSpan(end));
        var found = _records.GetValueOrDefault((type, name)) ?? [];
        var header = question[..HeaderLength];
        // A response with recursion available; NXDOMAIN where there is nothing. One question, no additional records.
        (header[2], header[3]) = (0x85, (byte)(found.Count == 0 ? 0x83 : 0x80));
        new byte[] { 0, 1, 0, (byte)found.Count, 0, 0, 0, 0 }.CopyTo(header, 4);
        var answers = found.SelectMany(data => (byte[])
            [0xC0, HeaderLength, .. Number(type), 0, 1, .. Number((ushort)(_timeToLive >> 16)), .. Number((ushort)_timeToLive), .. Number((ushort)data.Length), .. data]);
        return [.. header, .. question[HeaderLength..(end + 4)], .. answers];
    }

    private static (string Name, int End) Read(byte[] question)
    {
        var labels = new List<string>();
        var at = HeaderLength;
        for (; question[at] != 0; at += question[at] + 1) labels.Add(Encoding.ASCII.GetString(question, at + 1, question[at]));
        return (string.Join('.', labels).ToLowerInvariant(), at + 1);
    }

    private static byte[] Name(string name) =>
        [.. name.TrimEnd('.').Split('.', StringSplitOptions.RemoveEmptyEntries).SelectMany(Text), 0];

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static byte[] Number(ushort number) => [(byte)(number >> 8), (byte)number];
}
