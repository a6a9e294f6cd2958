using System.Text;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sdp;

/// <summary>Descriptions for the tests; key lines come from the vector file.</summary>
internal static class SdpTexts
{
    public static readonly MediaCapabilities Ours = MediaCapabilities.Default;

    private static readonly string[] Head = ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"];

    /// <summary>Of one suite, as a whole line: "a=crypto:1 …".</summary>
    public static string Crypto(string suite, string tail = "", uint tag = 1)
    {
        var all = VectorFile.Json("sdp/sdes_crypto_lines.json").GetProperty("all_suites").EnumerateArray();
        var line = all.Single(v => v.GetProperty("suite").GetString() == suite).GetProperty("line").GetString()!;
        return $"a=crypto:{tag}{line[line.IndexOf(' ', StringComparison.Ordinal)..]}{tail}";
    }

    public static string Crypto80 => Crypto("AES_CM_128_HMAC_SHA1_80");

    public static string Crypto32 => Crypto("AES_CM_128_HMAC_SHA1_32", tag: 2);

    public static byte[] Bytes(IEnumerable<string> lines) => Encoding.UTF8.GetBytes(string.Concat(lines.Select(l => l + "\r\n")));

    public static byte[] Vector(string name) => Bytes(VectorFile.Lines($"sdp/{name}.txt"));

    public static SessionDescription Read(byte[] bytes)
    {
        Assert.True(SdpReader.TryRead(bytes, out var session, out var error), error.ToString());
        return session!;
    }

    /// <summary>A session head and these media lines.</summary>
    public static SessionDescription Session(params string[] media) => Read(Bytes([.. Head, .. media]));

    public static SdpError ErrorOf(params string[] lines)
    {
        Assert.False(SdpReader.TryRead(Bytes(lines), out var session, out var error));
        Assert.Null(session);
        return error;
    }

    public static AcceptedMedia Accepted(OfferVerdict verdict) => Assert.IsType<OfferVerdict.Acceptable>(verdict).Media;

    public static OfferVerdict.Refused Refused(OfferVerdict verdict)
    {
        var refused = Assert.IsType<OfferVerdict.Refused>(verdict);
        Assert.Equal(488, refused.Status);
        Assert.DoesNotContain("inline:", refused.Text, StringComparison.OrdinalIgnoreCase);
        return refused;
    }

    /// <summary>A key of which every octet is the fill.</summary>
    public static MasterKey Key(byte fill, Mki mki = default, SrtpProfile? profile = null) =>
        MasterKey.Generate(profile ?? SrtpProfile.AesCm128HmacSha1Tag80, mki, s => s.Fill(fill));
}
