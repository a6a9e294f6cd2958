using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// The signalling of a phone that tells keys by MKI, made of plain text over UDP and sharing no line with the code under test: its INVITE has a key with an
/// MKI, it takes every UPDATE and re-INVITE with its own key unchanged, and says which keys of ours each of them listed.
/// </summary>
internal sealed partial class MkiCaller : IDisposable
{
    private const string Suite = "AES_CM_128_HMAC_SHA1_80";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly IPEndPoint _node;
    private readonly string _conference;
    private readonly string _name;
    private readonly bool _takesUpdate;
    private readonly int _rtpPort;
    private readonly string _callId = Guid.NewGuid().ToString("N");
    private readonly string _tag = Guid.NewGuid().ToString("N")[..8];
    private readonly ConcurrentDictionary<string, TaskCompletionSource<string>> _waiting = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _listening;
    private readonly Action<string> _keys;
    private string _to;
    private int _version = 1;

    /// <param name="keys">Told all our keys at each offer or answer: <c>MKI B64 MKI B64 …</c>.</param>
    public MkiCaller(int nodePort, string conference, string name, int rtpPort, bool takesUpdate, Action<string> keys)
    {
        (_node, _conference, _name, _rtpPort, _takesUpdate, _keys) = (new IPEndPoint(IPAddress.Loopback, nodePort), conference, name, rtpPort, takesUpdate, keys);
        _to = $"<sip:{conference}@127.0.0.1:{nodePort}>";
        _listening = Task.Run(ListenAsync);
    }

    public string SendKey { get; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(30));

    public int RemotePort { get; private set; }

    /// <summary>Methods of our offers, in their order.</summary>
    public ConcurrentQueue<string> Offers { get; } = new();

    /// <summary>Different MKIs that it was told.</summary>
    public ConcurrentDictionary<string, byte> Told { get; } = new();

    public bool WasHungUp { get; private set; }

    /// <summary>From now on it takes no offer.</summary>
    public bool Refuses { get; set; }

    public async Task InviteAsync()
    {
        var answer = await RequestAsync("INVITE", 1, Sdp());
        _to = ToHeader().Match(answer).Groups[1].Value;
        RemotePort = int.Parse(Audio().Match(answer).Groups[1].Value, CultureInfo.InvariantCulture);
        await SendAsync(Request("ACK", 1, null));
        Take(answer);
    }

    public async Task ByeAsync()
    {
        if (!WasHungUp) await RequestAsync("BYE", 2, null);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task ListenAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            string text;
            try
            {
                text = Encoding.UTF8.GetString((await _socket.ReceiveAsync(_stop.Token)).Buffer);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            if (text.StartsWith("SIP/2.0 1", StringComparison.Ordinal)) continue;
            if (text.StartsWith("SIP/2.0 ", StringComparison.Ordinal))
            {
                if (_waiting.TryRemove(Header(text, "CSeq"), out var waiting)) waiting.TrySetResult(text);
            }
            else await AnswerAsync(text);
        }
    }

    private async Task AnswerAsync(string request)
    {
        var method = request[..request.IndexOf(' ', StringComparison.Ordinal)];
        if (method == "ACK") return;
        var offers = request.Contains("a=crypto:", StringComparison.Ordinal);
        if (offers) Offers.Enqueue(method);
        var status = offers && Refuses ? "488 Not Acceptable Here" : "200 OK";
        offers &= !Refuses;
        if (offers)
        {
            Take(request);
            _version++;
        }

        WasHungUp |= method == "BYE";
        var vias = string.Join("", Vias().Matches(request).Select(v => $"{v.Value.TrimEnd('\r', '\n')}\r\n"));
        var body = offers ? Sdp() : "";
        await SendAsync(
            $"SIP/2.0 {status}\r\n{vias}From: {Header(request, "From")}\r\nTo: {Header(request, "To")}\r\nCall-ID: {Header(request, "Call-ID")}\r\n" +
            $"CSeq: {Header(request, "CSeq")}\r\nContact: <sip:{_name}@{Self}>\r\nAllow: {Allow}\r\n" +
            (offers ? "Content-Type: application/sdp\r\n" : "") + $"Content-Length: {body.Length}\r\n\r\n{body}");
    }

    private void Take(string message)
    {
        var keys = Inline().Matches(message).Select(m => (Key: m.Groups[1].Value, Mki: Hex(m.Groups[2].Value))).ToList();
        foreach (var (_, mki) in keys) Told.TryAdd(mki, 0);
        _keys(string.Join(' ', keys.Select(k => $"{k.Mki} {k.Key}")));
    }

    private static string Hex(string number) => uint.Parse(number, CultureInfo.InvariantCulture).ToString("x8", CultureInfo.InvariantCulture);

    private string Self => $"127.0.0.1:{((IPEndPoint)_socket.Client.LocalEndPoint!).Port}";

    private string Allow => _takesUpdate ? "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE" : "INVITE, ACK, BYE, CANCEL, OPTIONS";

    private string Sdp() =>
        $"v=0\r\no=- 1 {_version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {_rtpPort} RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\n" +
        $"a=crypto:1 {Suite} inline:{SendKey}|1:4\r\n";

    private string Request(string method, int cseq, string? body) =>
        $"{method} sip:{_conference}@{_node} SIP/2.0\r\nVia: SIP/2.0/UDP {Self};branch=z9hG4bK{Guid.NewGuid():N};rport\r\n" +
        $"From: <sip:{_name}@{Self}>;tag={_tag}\r\nTo: {_to}\r\nCall-ID: {_callId}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n" +
        $"Contact: <sip:{_name}@{Self}>\r\nAllow: {Allow}\r\nUser-Agent: {_name}\r\n" + (body is null ? "" : "Content-Type: application/sdp\r\n") +
        $"Content-Length: {body?.Length ?? 0}\r\n\r\n{body}";

    private async Task<string> RequestAsync(string method, int cseq, string? body)
    {
        var answer = _waiting.GetOrAdd($"{cseq} {method}", _ => new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously));
        await SendAsync(Request(method, cseq, body));
        var text = await answer.Task.WaitAsync(Patience);
        return text.StartsWith("SIP/2.0 200", StringComparison.Ordinal) ? text : throw new InvalidOperationException($"{method}: {text}");
    }

    private async Task SendAsync(string text) => await _socket.SendAsync(Encoding.UTF8.GetBytes(text), _node);

    private static string Header(string message, string name) =>
        Regex.Match(message, $@"^{name}: (.*?)\r?$", RegexOptions.Multiline).Groups[1].Value;

    [GeneratedRegex(@"^To: (.*?)\r?$", RegexOptions.Multiline)]
    private static partial Regex ToHeader();

    [GeneratedRegex(@"^Via: .*$", RegexOptions.Multiline)]
    private static partial Regex Vias();

    [GeneratedRegex(@"inline:([A-Za-z0-9+/]{40})\|(?:[0-9^]+\|)?([0-9]+):4")]
    private static partial Regex Inline();

    [GeneratedRegex("m=audio ([0-9]+) RTP/SAVP")]
    private static partial Regex Audio();
}
