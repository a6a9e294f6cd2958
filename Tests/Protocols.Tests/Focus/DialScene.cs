using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A participant that the focus dials, and the phones that answer; secrets are destroyed as the shell would.</summary>
internal sealed class DialScene
{
    public static readonly ParticipantId Id = new("0123456789abcdef0123456789abcdef");
    public static readonly ConferenceId Room = new("room");
    public static readonly MixerId Mixer = new(Room, 0, 1);
    public static readonly MediaAddress Ports = MediaAddress.From(IPAddress.Loopback, 40000);
    private static readonly IPEndPoint Here = new(IPAddress.Loopback, 5060);

    private uint _draws;

    /// <param name="now">With <paramref name="tickets"/>.</param>
    public DialScene(OutboundPolicy? policy = null, TicketOffers tickets = TicketOffers.Never, DateTimeOffset now = default)
    {
        var outbound = policy ?? new OutboundPolicy { Allow = [new CalleePattern("*", "*")], FollowsRedirects = true };
        Context = new ParticipantContext(
            Id, new FocusSettings(SipTimings.Default, null, "test", MediaCapabilities.Default) { Outbound = outbound, Tickets = tickets }, Draw)
        {
            Now = now,
        };
        Do(new ParticipantInput.Recovered([]));
    }

    public ParticipantContext Context { get; }

    public ParticipantState State { get; private set; } = ParticipantState.Initial;

    /// <summary>Effects of the last input.</summary>
    public ImmutableArray<ParticipantEffect> Effects { get; private set; } = [];

    public List<ParticipantEffect> All { get; } = [];

    /// <summary>The newest INVITE.</summary>
    public SipRequest Invite => All.OfType<ParticipantEffect.SendRequest>().Last(s => s.Request.Method == SipMethod.Invite).Request;

    public IEnumerable<string> Sent => All.SelectMany(Text);

    public IEnumerable<string> SentNow => Effects.SelectMany(Text);

    public ParticipantEffect.ReportDial Report => All.OfType<ParticipantEffect.ReportDial>().Last();

    public void Do(ParticipantInput input)
    {
        var step = ParticipantMachine.Next(State, input, Context);
        (State, Effects) = (step.State, step.Effects);
        foreach (var sent in Effects.OfType<ParticipantEffect.SendRequest>().Where(s => !s.Request.Body.IsEmpty))
            Offers.Add(ParticipantScene.Description(sent.Request.Body.Copy()));
        All.AddRange(Effects);
        foreach (var destroy in Effects.OfType<ParticipantEffect.Destroy>()) destroy.Secrets.Dispose();
    }

    public List<SessionDescription> Offers { get; } = [];

    public void Fire(ParticipantTimer timer) => Do(new ParticipantInput.Fired(timer));

    public void Dial(string uri = "sip:bob@192.0.2.5") => Do(new ParticipantInput.DialRequested(Room, "call-1", Uri(uri)));

    /// <param name="media">Of a conference whose media is forwarded unopened.</param>
    public void Grant(string media = "") => Do(new ParticipantInput.DialGranted(Room, Mixer) { Media = media });

    public void Open() => Do(new ParticipantInput.LegOpened(Mixer, Ports, Ports.WithPort(40001)));

    public void Locate(params string[] addresses) => Do(new ParticipantInput.Located(
        [.. addresses.Select(a => new SipFlow(SipTransport.Udp, Here, IPEndPoint.Parse(a)))], addresses.Length == 0 ? "nowhere" : ""));

    public void Accept() => Do(new ParticipantInput.JoinAccepted(Room, Mixer, new Ssrc(7)));

    public void Fail(TransactionFailure reason) =>
        Do(new ParticipantInput.TransactionFailed(new TransactionKey(false, "z9hG4bKours", "127.0.0.1:5060", SipMethod.Invite), reason));

    /// <summary>A response to the newest INVITE.</summary>
    public void Respond(int status, string tag = "bob", string sdp = "", string extra = "", string? contact = null, uint? cseq = null) =>
        Do(new ParticipantInput.ResponseArrived(Response(status, tag, sdp, extra, contact, "INVITE", cseq ?? Invite.Headers.CSeq.Number)));

    public void RespondTo(string method, int status, string tag = "bob", uint cseq = 2) =>
        Do(new ParticipantInput.ResponseArrived(Response(status, tag, "", "", null, method, cseq)));

    public void Receive(string method, string tag = "bob", uint cseq = 1)
    {
        var request = (SipRequest)Read(
            $"{method} sip:room@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bK{method}{cseq};rport=5060;received=192.0.2.5\r\n" +
            $"Max-Forwards: 70\r\nFrom: <sip:bob@192.0.2.5>;tag={tag}\r\nTo: <sip:room@127.0.0.1:5060>;tag={Id.Value}\r\nCall-ID: call-1\r\n" +
            $"CSeq: {cseq} {method}\r\nContact: <sip:bob@192.0.2.5:5062>\r\nContent-Length: 0\r\n\r\n");
        var flow = new SipFlow(SipTransport.Udp, Here, new IPEndPoint(IPAddress.Parse("192.0.2.5"), 5060));
        Do(new ParticipantInput.RequestArrived(TransactionKey.OfReceived(request), request, flow));
    }

    public static DialScene Calling(OutboundPolicy? policy = null, string uri = "sip:bob@192.0.2.5")
    {
        var scene = new DialScene(policy);
        scene.Dial(uri);
        scene.Grant();
        scene.Open();
        scene.Locate("192.0.2.5:5060");
        return scene;
    }

    public static DialScene Joined()
    {
        var scene = Calling();
        scene.Respond(200, sdp: Answer());
        scene.Accept();
        return scene;
    }

    public static string Answer(byte key = 1, string tag = "1", string suite = "AES_CM_128_HMAC_SHA1_80") =>
        ParticipantScene.Offer(key: key, tag: tag, suite: suite);

    private static SipResponse Response(int status, string tag, string sdp, string extra, string? contact, string method, uint cseq)
    {
        var address = contact ?? (status is > 100 and < 300 ? $"Contact: <sip:{tag}@192.0.2.5:5062>\r\n" : "");
        var type = sdp.Length > 0 ? "Content-Type: application/sdp\r\n" : "";
        return (SipResponse)Read(
            $"SIP/2.0 {status} {StatusCode.Reason(status)}\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours;rport=5060;received=127.0.0.1\r\n" +
            $"From: <sip:room@127.0.0.1:5060>;tag={Id.Value}\r\nTo: <sip:bob@192.0.2.5>{(tag.Length > 0 ? $";tag={tag}" : "")}\r\n" +
            $"Call-ID: call-1\r\nCSeq: {cseq} {method}\r\n{address}{extra}{type}Content-Length: {Encoding.UTF8.GetByteCount(sdp)}\r\n\r\n{sdp}");
    }

    /// <summary>What went out, in one line each: method, CSeq, To tag, address.</summary>
    private static IEnumerable<string> Text(ParticipantEffect effect) => effect switch
    {
        ParticipantEffect.SendRequest e => [Line(e.Request, e.Flow)],
        ParticipantEffect.SendAck e => [Line(e.Request, e.Flow)],
        _ => [],
    };

    private static string Line(SipRequest request, SipFlow flow) => string.Create(
        CultureInfo.InvariantCulture, $"{request.Method} {request.Headers.CSeq.Number} {request.Headers.To.Tag ?? "-"} {flow.Remote}");

    private static SipMessage Read(string text)
    {
        Assert.True(SipReader.TryRead(Encoding.UTF8.GetBytes(text), out var message, out var error), error.Detail);
        return message!;
    }

    private static SipUri Uri(string text)
    {
        Assert.True(SipReader.TryReadUri(text, out var uri));
        return uri!;
    }

    private void Draw(Span<byte> destination)
    {
        Span<byte> count = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(count, ++_draws);
        SHA256.HashData(count).AsSpan(0, destination.Length).CopyTo(destination);
    }
}
