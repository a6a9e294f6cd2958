using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A caller made of plain text over UDP that shares no code with the node: INVITE with one SDES key, ACK, and it answers a BYE.</summary>
internal sealed class TextCaller : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(25);
    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private IPEndPoint _node;
    private readonly string _conference;
    private readonly string _callId = Guid.NewGuid().ToString("N");
    private int _sequence;

    public TextCaller(int nodePort, string conference)
        : this(new IPEndPoint(IPAddress.Loopback, nodePort), conference)
    {
    }

    public TextCaller(IPEndPoint node, string conference) => (_node, _conference) = (node, conference);

    /// <summary>What it offers.</summary>
    public string Key { get; init; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(30));

    /// <summary>The final answer to its INVITE or OPTIONS.</summary>
    public string Answer { get; private set; } = "";

    private string Self => $"127.0.0.1:{((IPEndPoint)_socket.Client.LocalEndPoint!).Port}";

    /// <summary>The status line of the final answer; a 2xx is acknowledged. A second time: a re-INVITE.</summary>
    /// <param name="direction">sendonly is hold (RFC 3264 §8.4).</param>
    /// <param name="beforeAck">What is waited for with the ACK.</param>
    public async Task<string> InviteAsync(string direction = "sendrecv", Func<Task>? beforeAck = null)
    {
        var to = _sequence == 0 ? $"<sip:{_conference}@{_node}>" : Field(Answer, "To");
        var sequence = ++_sequence;
        var sdp = $"v=0\r\no=text 1 {sequence} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 39990 RTP/SAVP 0\r\n" +
            $"a=rtpmap:0 PCMU/8000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{Key}\r\na={direction}\r\n";
        await SendAsync("INVITE", to, sdp);
        Answer = await ReceiveAsync(IsAnswer);
        if (beforeAck is not null) await beforeAck();
        if (Answer.StartsWith("SIP/2.0 2", StringComparison.Ordinal)) await SendAsync("ACK", Field(Answer, "To"), "");
        return Answer.Split("\r\n")[0];

        // A repeated answer to the one before is not it.
        bool IsAnswer(string text) => text.StartsWith("SIP/2.0 ", StringComparison.Ordinal) && !text.StartsWith("SIP/2.0 1", StringComparison.Ordinal)
            && Field(text, "CSeq") == $"{sequence} INVITE";
    }

    /// <summary>Asks the node whether it is there, outside of any dialog; the status line of the answer.</summary>
    public async Task<string> OptionsAsync()
    {
        var sequence = ++_sequence;
        await SendAsync("OPTIONS", $"<sip:{_conference}@{_node}>", "");
        Answer = await ReceiveAsync(text => text.StartsWith("SIP/2.0 ", StringComparison.Ordinal) && Field(text, "CSeq") == $"{sequence} OPTIONS");
        return Answer.Split("\r\n")[0];
    }

    /// <summary>From now on it sends to another node.</summary>
    public void GoOver(IPEndPoint node) => _node = node;

    /// <summary>Hangs up; the status line of the answer.</summary>
    public async Task<string> ByeAsync()
    {
        var sequence = ++_sequence;
        await SendAsync("BYE", Field(Answer, "To"), "");
        var answer = await ReceiveAsync(text => text.StartsWith("SIP/2.0 ", StringComparison.Ordinal) && Field(text, "CSeq") == $"{sequence} BYE");
        return answer.Split("\r\n")[0];
    }

    /// <summary>Waits until the node hangs up, and answers.</summary>
    public async Task<string> UntilByeAsync()
    {
        var bye = await ReceiveAsync(text => text.StartsWith("BYE ", StringComparison.Ordinal));
        var copied = new[] { "Via", "From", "To", "Call-ID", "CSeq" }.Select(name => $"{name}: {Field(bye, name)}\r\n");
        await _socket.SendAsync(Encoding.UTF8.GetBytes($"SIP/2.0 200 OK\r\n{string.Concat(copied)}Content-Length: 0\r\n\r\n"), _node);
        return bye;
    }

    public void Dispose() => _socket.Dispose();

    private async Task<string> ReceiveAsync(Func<string, bool> wanted)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            var text = Encoding.UTF8.GetString((await _socket.ReceiveAsync(limit.Token)).Buffer);
            if (wanted(text)) return text;
        }
    }

    private async Task SendAsync(string method, string to, string body)
    {
        var text = $"{method} sip:{_conference}@{_node} SIP/2.0\r\nVia: SIP/2.0/UDP {Self};branch=z9hG4bK{Guid.NewGuid():N};rport\r\n" +
            $"From: <sip:text@{Self}>;tag=1\r\nTo: {to}\r\nCall-ID: {_callId}\r\nCSeq: {_sequence} {method}\r\nMax-Forwards: 70\r\n" +
            $"Contact: <sip:text@{Self}>\r\n{(body.Length == 0 ? "" : "Content-Type: application/sdp\r\n")}" +
            $"Content-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n{body}";
        await _socket.SendAsync(Encoding.UTF8.GetBytes(text), _node);
    }

    private static string Field(string message, string name) =>
        message.Split("\r\n").First(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))[(name.Length + 1)..].Trim();
}
