using System.Buffers;
using System.Diagnostics;
using System.Text;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Benchmarks;

/// <summary>Reading and writing a 1 kB INVITE with SDP, one thread; reading includes the checks of all typed header fields.</summary>
internal static class SipBenchmark
{
    private const int Messages = 50_000, Rounds = 9;

    private static readonly byte[] Invite = Encoding.UTF8.GetBytes(
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

    public static void Run(TextWriter output)
    {
        if (!SipReader.TryRead(Invite, out var message, out var error)) throw new InvalidOperationException($"{error.Kind}: {error.Detail}");
        var writer = new ArrayBufferWriter<byte>(4096);
        var (read, write) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds + 2; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Messages; i++) SipReader.TryRead(Invite, out message, out _);
            var middle = Stopwatch.GetTimestamp();
            for (var i = 0; i < Messages; i++)
            {
                writer.ResetWrittenCount();
                SipWriter.Write(message!, writer);
            }

            if (round < 2) continue;
            read.Add(Stopwatch.GetElapsedTime(start, middle).TotalMicroseconds / Messages);
            write.Add(Stopwatch.GetElapsedTime(middle).TotalMicroseconds / Messages);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        SipReader.TryRead(Invite, out message, out _);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"INVITE of {Invite.Length} octets; reading one allocates {allocated} octets\n\n| µs per message | min | median | max |\n|---|---|---|---|");
        foreach (var (name, values) in new[] { ("read", read), ("write", write) })
        {
            values.Sort();
            output.WriteLine(FormattableString.Invariant($"| {name} | {values[0]:F2} | {values[values.Count / 2]:F2} | {values[^1]:F2} |"));
        }
    }
}
