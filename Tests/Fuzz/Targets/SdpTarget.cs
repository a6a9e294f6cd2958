using System.Text;
using ConfCluster.Fuzz.Structures;
using ConfCluster.Protocols.Sdp;

namespace ConfCluster.Fuzz.Targets;

/// <summary>
/// The SDP reader: never throws; what it reads, the writer writes, and that reads and writes back to the same bytes. No key is kept as
/// text, and an offer is accepted with keys or refused with a warning that can be written.
/// </summary>
public sealed class SdpTarget : IFuzzTarget
{
    private const string Key = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB";

    public string Name => "sdp";

    public IEnumerable<byte[]> Seeds =>
        [
            .. Corpus.Read(Name),
            Text("v=0\r\no=a 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n" +
                $"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{Key}|2^20|1:4\r\n" +
                "a=rtcp:4001\r\na=rtcp-mux\r\na=sendonly\r\nm=video 0 RTP/AVP 31\r\n"),
            Text("v=0\no=- 1 1 IN IP6 2001:db8::1\ns=x\nc=IN IP6 2001:db8::1\nt=0 0\na=inactive\nm=audio 4000 RTP/SAVP 8\n" +
                $"a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{Key}|1:4;inline:{Key}|2:4 KDR=0 WSH=64 -X\n"),
        ];

    public IStructure Structure { get; } = new LineStructure(' ');

    public IEnumerable<byte[]> Dictionary =>
        new[] { "a=crypto:2 ", "inline:", "|2^48", "|1:128", ";", "AES_CM_128_HMAC_SHA1_80", "UNENCRYPTED_SRTP", "m=audio 1 RTP/SAVP 0\r\n", "c=IN IP4 0.0.0.0\r\n", "\r\n", "a=" }
            .Select(Text);

    public void Run(ReadOnlySpan<byte> input)
    {
        if (!SdpReader.TryRead(input, out var read, out _)) return;
        using var first = read!;
        Judge(first);
        var written = SdpWriter.ToBytes(first);
        // Text that was not UTF-8 grows, and may then be too much to be read again.
        if (written.Length > SdpReader.MaxLength) return;
        if (!SdpReader.TryRead(written, out var again, out var error)) throw new InvalidOperationException($"what was written cannot be read: {error}");
        using var second = again!;
        if (!SdpWriter.ToBytes(second).AsSpan().SequenceEqual(written)) throw new InvalidOperationException("written twice, two texts");
    }

    private static void Judge(SessionDescription session)
    {
        if (session.Media.SelectMany(m => m.Other).Concat(session.Other).Any(l => l.Value.Contains("inline:", StringComparison.OrdinalIgnoreCase)))
            throw new InvalidOperationException("a key was kept as text");
        switch (OfferAnswer.Examine(session, MediaCapabilities.Default))
        {
            case OfferVerdict.Acceptable { Media: var media }:
                if (!media.IsProtected || media.Uplink.IsEmpty || media.PacketTime is < 20 or > 60) throw new InvalidOperationException("accepted without keys");
                media.Dispose();
                break;
            case OfferVerdict.Refused refused when refused.WarningCode is < 300 or > 399 || refused.Text.Contains('"', StringComparison.Ordinal):
                throw new InvalidOperationException("a warning that cannot be written");
        }
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);
}
