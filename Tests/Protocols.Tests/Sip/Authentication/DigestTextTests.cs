using ConfCluster.Protocols.Sip.Authentication;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Authentication;

[Trait("RFC", "7616 §3.4")]
public class DigestTextTests
{
    private const string Good =
        "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"sip:1@h\", response=\"0f\", qop=auth, nc=00000001, cnonce=\"c\", algorithm=MD5";

    [Theory]
    [InlineData("", "", DigestError.None)]
    [InlineData("qop=auth", "qop=\"auth\"", DigestError.BadQuoting)]
    [InlineData("realm=\"r\"", "realm=r", DigestError.BadQuoting)]
    [InlineData("algorithm=MD5", "algorithm=\"MD5\"", DigestError.BadQuoting)]
    [InlineData("nc=00000001", "nc=1", DigestError.BadValue)]
    [InlineData("nc=00000001, ", "", DigestError.Missing)]
    [InlineData("realm=\"r\", ", "", DigestError.Missing)]
    [InlineData("algorithm=MD5", "algorithm=MD5, Realm=\"r\"", DigestError.Duplicate)]
    [InlineData("response=\"0f\"", "response=\"0F\"", DigestError.BadValue)]
    [InlineData("nonce=\"n\"", "nonce=\"n", DigestError.BadSyntax)]
    [InlineData("Digest ", "Digest, ", DigestError.BadSyntax)]
    public void Credentials_are_read_strictly(string part, string instead, DigestError expected)
    {
        var text = part.Length == 0 ? Good : Good.Replace(part, instead, StringComparison.Ordinal);
        Assert.Equal(expected == DigestError.None, DigestText.TryReadCredentials(text, out var read, out var error));
        Assert.Equal(expected, error);
        if (read is not null) Assert.True(DigestText.TryReadCredentials(read.ToString(), out var again, out _) && again == read);
    }

    [Fact]
    [Trait("RFC", "7616 §3.7")]
    public void Several_challenges_share_a_header_with_other_schemes()
    {
        Assert.True(DigestText.TryReadChallenges(
            "Basic realm=\"x\", Digest realm=\"a\", nonce=\"1\", qop=\"auth,auth-int\", stale=TRUE, Digest realm=\"b\", nonce=\"2\", algorithm=SHA-256",
            out var read, out _));
        Assert.Equal(["a", "b"], read.Select(c => c.Realm));
        Assert.Equal("auth auth-int", string.Join(' ', read[0].Qop));
        Assert.True(read[0].IsStale);
        Assert.Equal("SHA-256", read[1].Algorithm);
    }

    [Theory]
    [InlineData("Bearer abc.def==")]
    [InlineData("Basic YWxpY2U6eA==")]
    public void Another_scheme_is_stepped_over(string text)
    {
        Assert.True(DigestText.TryReadCredentials(text, out var read, out _));
        Assert.Null(read);
    }
}
