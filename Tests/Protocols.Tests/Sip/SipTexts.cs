using System.Net;
using System.Text;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip;

/// <summary>Messages as they come from the wire, for tests of what is done with them.</summary>
internal static class SipTexts
{
    public static readonly SipFlow Udp = new(SipTransport.Udp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.Parse("192.0.2.7"), 6000));
    public static readonly SipFlow Tcp = Udp with { Transport = SipTransport.Tcp, Connection = 3 };

    public static SipRequest Request(
        string method, string branch = "z9hG4bKa", string toTag = "", string uri = "sip:room@127.0.0.1", uint cseq = 1, string callId = "call-1",
        string via = "192.0.2.7:6000", string extra = "Contact: <sip:alice@192.0.2.7:6000>\r\n", string fromTag = "alice1") =>
        (SipRequest)Read($"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {via}{(branch.Length > 0 ? $";branch={branch}" : "")}\r\nMax-Forwards: 70\r\n" +
            $"From: <sip:alice@example.com>;tag={fromTag}\r\nTo: <sip:room@127.0.0.1>{(toTag.Length > 0 ? $";tag={toTag}" : "")}\r\n" +
            $"Call-ID: {callId}\r\nCSeq: {cseq} {method}\r\n{extra}Content-Length: 0\r\n\r\n");

    public static SipResponse Answer(SipRequest request, int status, string toTag = "room1") => request.CreateResponse(status, "Test", toTag);

    public static SipMessage Read(string text)
    {
        Assert.True(SipReader.TryRead(Encoding.UTF8.GetBytes(text), out var message, out var error), error.Detail);
        return message!;
    }
}
