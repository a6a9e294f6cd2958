using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sdp;

/// <summary>The format of a conference whose media is forwarded unopened, as text that is stored.</summary>
public sealed class MediaTermsTests
{
    [Fact]
    public void Their_text_is_what_stored_joins_have_and_is_read_again()
    {
        var terms = MediaTerms.Of(AudioCodec.Pcmu, 0, 1, SrtpProfile.AesCm128HmacSha1Tag80, 4);
        Assert.Equal("Pcmu/0 level 1 AES_CM_128_HMAC_SHA1_80 mki 4", terms.ToString());
        Assert.Equal(SrtpProfile.AesCm128HmacSha1Tag80, terms.Profile);
        foreach (var suite in SrtpProfile.All)
            foreach (var codec in Enum.GetValues<AudioCodec>())
                Assert.Equal(MediaTerms.Of(codec, 111, 0, suite, 4), MediaTerms.TryRead(MediaTerms.Of(codec, 111, 0, suite, 4).ToString()));
        Assert.Null(MediaTerms.TryRead("Pcmu/0 level 0 none mki 0")!.Profile);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Pcmu/0")]
    [InlineData("99/0 level 1 AES_CM_128_HMAC_SHA1_80 mki 4")]
    [InlineData("Pcmu/256 level 1 AES_CM_128_HMAC_SHA1_80 mki 4")]
    [InlineData("Pcmu/0 level -1 AES_CM_128_HMAC_SHA1_80 mki 4")]
    [InlineData("Pcmu/0 level 1 AES_CM_128_HMAC_SHA1_80 mki 4 more")]
    public void What_is_none_is_not_read(string text) => Assert.Null(MediaTerms.TryRead(text));
}
