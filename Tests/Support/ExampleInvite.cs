using System.Text;

namespace ConfCluster.Support;

/// <summary>An INVITE of about 1 kB as it comes through one proxy, with an SDP offer of three codecs and a key: what sizes and times are measured with.</summary>
public static class ExampleInvite
{
    private static readonly byte[] Message = Encoding.UTF8.GetBytes(
        "INVITE sip:conference@focus.example.org SIP/2.0\r\n" +
        "Via: SIP/2.0/UDP proxy1.example.org:5060;branch=z9hG4bK87a2f1c9d0;rport\r\n" +
        "Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bKnashds8;received=192.0.2.17\r\n" +
        "Record-Route: <sip:proxy1.example.org;lr>\r\nMax-Forwards: 69\r\n" +
        "From: \"Alice Example\" <sip:alice@example.org>;tag=1928301774\r\nTo: <sip:conference@focus.example.org>\r\n" +
        "Call-ID: a84b4c76e66710@pc33.example.org\r\nCSeq: 314159 INVITE\r\nContact: <sip:alice@192.0.2.17:5060;transport=udp>\r\n" +
        "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, UPDATE, INFO, PRACK\r\nSupported: timer, replaces, 100rel\r\nUser-Agent: Example Phone 1.0\r\n" +
        "Content-Type: application/sdp\r\nContent-Length: 343\r\n\r\n" +
        "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.17\r\ns=-\r\nc=IN IP4 192.0.2.17\r\nt=0 0\r\nm=audio 49172 RTP/SAVP 0 8 101\r\n" +
        "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n" +
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\na=sendrecv\r\na=rtcp:49173\r\n".PadRight(119, ' '));

    public static ReadOnlySpan<byte> Bytes => Message;
}
