using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// A caller made of plain text over UDP, which shares no line with the code under test: INVITE with one SDES key, ACK, BYE. Its media
/// are somebody else's: it only tells the keys and the port that the answer named.
/// </summary>
internal sealed partial class RawCaller : IDisposable
{
    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly IPEndPoint _node;
    private readonly string _conference;
    private readonly string _callId = Guid.NewGuid().ToString("N");
    private readonly string _tag = Guid.NewGuid().ToString("N")[..8];
    private string _to;

    public RawCaller(int nodePort, string conference)
    {
        _node = new IPEndPoint(IPAddress.Loopback, nodePort);
        _conference = conference;
        _to = $"<sip:{conference}@127.0.0.1:{nodePort}>";
    }

    public string SendKey { get; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(30));

    public string ReceiveKey { get; private set; } = "";

    public int RemotePort { get; private set; }

    /// <param name="rtcpPort">Given: RTCP goes there (RFC 3605); else to the port after that of RTP.</param>
    public async Task InviteAsync(int rtpPort, int? rtcpPort = null)
    {
        var sdp = $"v=0\r\no=raw 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {rtpPort} RTP/SAVP 0\r\n" +
            $"a=rtpmap:0 PCMU/8000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SendKey}\r\n" +
            (rtcpPort is { } rtcp ? $"a=rtcp:{rtcp}\r\n" : "");
        var answer = await RequestAsync("INVITE", 1, sdp);
        _to = Header().Match(answer).Groups[1].Value;
        ReceiveKey = Crypto().Match(answer).Groups[1].Value;
        RemotePort = int.Parse(Audio().Match(answer).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        await SendAsync("ACK", 1, null);
    }

    public Task ByeAsync() => RequestAsync("BYE", 2, null);

    public void Dispose() => _socket.Dispose();

    private async Task<string> RequestAsync(string method, int cseq, string? body)
    {
        await SendAsync(method, cseq, body);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        while (true)
        {
            var text = Encoding.UTF8.GetString((await _socket.ReceiveAsync(limit.Token)).Buffer);
            if (!text.Contains($"CSeq: {cseq} {method}", StringComparison.Ordinal) || text.StartsWith("SIP/2.0 1", StringComparison.Ordinal)) continue;
            return text.StartsWith("SIP/2.0 200", StringComparison.Ordinal) ? text : throw new InvalidOperationException($"{method}: {text}");
        }
    }

    private async Task SendAsync(string method, int cseq, string? body)
    {
        var self = $"127.0.0.1:{((IPEndPoint)_socket.Client.LocalEndPoint!).Port}";
        var text = $"{method} sip:{_conference}@{_node} SIP/2.0\r\nVia: SIP/2.0/UDP {self};branch=z9hG4bK{Guid.NewGuid():N};rport\r\n" +
            $"From: <sip:raw@{self}>;tag={_tag}\r\nTo: {_to}\r\nCall-ID: {_callId}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n" +
            $"Contact: <sip:raw@{self}>\r\n" + (body is null ? "" : "Content-Type: application/sdp\r\n") +
            $"Content-Length: {body?.Length ?? 0}\r\n\r\n{body}";
        await _socket.SendAsync(Encoding.UTF8.GetBytes(text), _node);
    }

    [GeneratedRegex(@"^To: (.*?)\r?$", RegexOptions.Multiline)]
    private static partial Regex Header();

    [GeneratedRegex("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:([A-Za-z0-9+/]{40})")]
    private static partial Regex Crypto();

    [GeneratedRegex("m=audio ([0-9]+) RTP/SAVP")]
    private static partial Regex Audio();
}
