using System.Net;
using System.Net.Sockets;
using ConfCluster.Actors.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Actors.Tests.Phone;

/// <summary>The softphone's shell against plain sockets; whole calls are in Cluster.Tests.</summary>
public class SoftPhoneTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_file_that_cannot_be_played_is_a_problem_and_nobody_is_called()
    {
        var report = await RunAsync(Options(9) with { Play = Path.Combine(AppContext.BaseDirectory, "no-such.wav") });
        Assert.Contains("no-such.wav", report.Problem, StringComparison.Ordinal);
        Assert.Equal((0, false, false), (report.Status, report.Answered, report.Succeeded));
    }

    [Fact]
    public async Task A_refused_connection_is_a_problem()
    {
        using var taken = Bound(SocketType.Stream);
        var report = await RunAsync(Options(((IPEndPoint)taken.LocalEndPoint!).Port) with { Transport = SipTransport.Tcp });
        Assert.NotNull(report.Problem);
    }

    [Fact]
    public async Task A_refusal_is_reported_with_its_warning()
    {
        using var server = Bound(SocketType.Dgram);
        var serving = AnswerAsync(server, invite =>
        {
            var busy = invite.CreateResponse(488, "Not Acceptable Here", "t");
            return busy with { Headers = busy.Headers.Append("Warning", "302 here \"no\"") };
        });
        var report = await RunAsync(Options(((IPEndPoint)server.LocalEndPoint!).Port));
        var invite = await serving;
        Assert.Equal((488, "refused", false, "302 here \"no\""), (report.Status, report.EndedBy, report.Succeeded, report.Warning));
        Assert.Equal("application/sdp", invite.Headers.ContentType);
        Assert.Equal("UDP", invite.Headers.TopVia!.Transport);
    }

    [Fact]
    public async Task A_2xx_without_keys_ends_the_call_at_once()
    {
        using var server = Bound(SocketType.Dgram);
        var serving = AnswerAsync(server, invite =>
        {
            var answer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/SAVP 0\r\n"u8.ToArray();
            var ok = invite.CreateResponse(200, "OK", "t");
            var headers = ok.Headers.Append("Contact", $"<sip:s@{server.LocalEndPoint}>").Append("Content-Type", "application/sdp");
            return ok with { Headers = headers, Body = new SipBody(answer) };
        }, andBye: true);
        var report = await RunAsync(Options(((IPEndPoint)server.LocalEndPoint!).Port));
        await serving;
        Assert.Equal(("badanswer", false, 0ul), (report.EndedBy, report.Succeeded, report.PacketsSent));
        Assert.Contains("exactly one a=crypto", report.Warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("RFC", "3261 §18.1.1")]
    public async Task An_INVITE_too_large_for_a_datagram_goes_over_TCP_where_somebody_takes_it(bool takes)
    {
        using var server = Bound(SocketType.Dgram);
        using var stream = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        stream.Bind(server.LocalEndPoint!);
        if (takes) stream.Listen(1);
        var options = Options(((IPEndPoint)server.LocalEndPoint!).Port) with { User = new string('a', 1300) };
        static SipResponse Busy(SipRequest invite) => invite.CreateResponse(486, "Busy Here", "t");
        var serving = takes ? AnswerStreamAsync(stream, Busy) : AnswerAsync(server, Busy);
        var report = await RunAsync(options);
        Assert.Equal((486, "refused"), (report.Status, report.EndedBy));
        Assert.Equal(takes ? "TCP" : "UDP", (await serving).Headers.TopVia!.Transport);
    }

    private static async Task<PhoneReport> RunAsync(SoftPhoneOptions options)
    {
        using var stop = new CancellationTokenSource(Patience);
        return await SoftPhone.RunAsync(options, TimeProvider.System, stop.Token);
    }

    private static SoftPhoneOptions Options(int port) =>
        new(SipUri.Sip("100", "127.0.0.1", port), SipTransport.Udp, SrtpProfile.All, UseMki: false) { Duration = TimeSpan.FromSeconds(1) };

    private static Socket Bound(SocketType type)
    {
        var socket = new Socket(AddressFamily.InterNetwork, type, type == SocketType.Dgram ? ProtocolType.Udp : ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static async Task<SipRequest> AnswerStreamAsync(Socket listener, Func<SipRequest, SipResponse> answer)
    {
        using var stop = new CancellationTokenSource(Patience);
        using var connection = await listener.AcceptAsync(stop.Token);
        using var framer = new SipFramer();
        var buffer = new byte[4096];
        while (true)
        {
            framer.Append(buffer.AsSpan(0, await connection.ReceiveAsync(buffer, stop.Token)));
            if (framer.Next(out var frame, out _) != SipFrameOutcome.Done) continue;
            Assert.True(SipReader.TryRead(frame, out var message, out _));
            await connection.SendAsync(SipWriter.ToBytes(answer((SipRequest)message!)), stop.Token);
            return (SipRequest)message!;
        }
    }

    /// <summary>Answers the first INVITE and, if asked, the BYE that follows.</summary>
    private static async Task<SipRequest> AnswerAsync(Socket server, Func<SipRequest, SipResponse> answer, bool andBye = false)
    {
        var buffer = new byte[16_384];
        SipRequest? invite = null;
        using var stop = new CancellationTokenSource(Patience);
        while (true)
        {
            var got = await server.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), stop.Token);
            Assert.True(SipReader.TryRead(buffer.AsSpan(0, got.ReceivedBytes), out var message, out _));
            var request = (SipRequest)message!;
            var response = request.Method == SipMethod.Invite ? answer(request) : request.Method == SipMethod.Bye ? request.CreateResponse(200, "OK") : null;
            if (request.Method == SipMethod.Invite) invite ??= request;
            if (response is not null) await server.SendToAsync(SipWriter.ToBytes(response), got.RemoteEndPoint, stop.Token);
            if (request.Method == (andBye ? SipMethod.Bye : SipMethod.Invite)) return invite!;
        }
    }
}
