using System.Text;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Authentication;

public sealed class DigestAnswerVectors
{
    private const string Realm = "http-auth@example.org";
    private const string Nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";

    public static TheoryData<string> Lines => [.. VectorFile.Lines("sip/digest/rfc7616-3.9.1.txt")];

    [Theory]
    [MemberData(nameof(Lines))]
    [Trait("RFC", "7616 §3.9.1")]
    public void The_example_of_the_RFC_is_answered_as_it_says(string line)
    {
        var (algorithm, response) = (line.Split(' ')[0], line.Split(' ')[1]);
        var challenge = new DigestChallenge(false, Realm, Nonce, "FQhe", algorithm, HasQop: true, IsStale: false);
        using var password = SecretBytes.CopyOf("Circle of Life"u8);
        var value = DigestAnswer.Value(
            challenge, new DigestCredential("Mufasa", Realm, password), "GET", "/dir/index.html", 1,
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
        Assert.Contains($"response=\"{response}\"", value, StringComparison.Ordinal);
        Assert.Contains("qop=auth, nc=00000001,", value, StringComparison.Ordinal);
        Assert.Contains("opaque=\"FQhe\"", value, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("RFC", "8760 §2.4")]
    [InlineData("Digest realm=\"a, \\\"b\\\"\", nonce=\"n\", qop=\"auth,auth-int\", algorithm=SHA-256", "a, \"b\"")]
    [InlineData("digest nonce=n, realm=\"x\"", "x")]
    [InlineData("Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"", null)]
    [InlineData("Digest realm=\"x\", nonce=\"n\", algorithm=SHA-256-sess", null)]
    [InlineData("Digest realm=\"x\"", null)]
    [InlineData("Digest realm=\"x\", realm=\"y\", nonce=\"n\"", null)]
    [InlineData("Digest realm=\"x, nonce=\"n\"", null)]
    [InlineData("Basic realm=\"x\"", null)]
    [InlineData("Digest", null)]
    public void What_can_be_answered_is_read_and_the_rest_passed_over(string header, string? realm)
    {
        var response = new SipResponse(401, "Unauthorized") { Headers = SipHeaders.Empty.Append("WWW-Authenticate", header) };
        Assert.Equal(realm, DigestChallenge.Of(response).SingleOrDefault()?.Realm);
    }

    [Fact]
    public void The_servers_order_is_kept()
    {
        var headers = SipHeaders.Empty
            .Append("Proxy-Authenticate", "Digest realm=\"x\", nonce=\"1\", algorithm=SHA-256")
            .Append("Proxy-Authenticate", "Digest realm=\"x\", nonce=\"2\", algorithm=MD5");
        var challenges = DigestChallenge.Of(new SipResponse(407, "Proxy") { Headers = headers });
        Assert.Equal(["SHA-256", "MD5"], challenges.Select(c => c.Algorithm));
        Assert.All(challenges, c => Assert.True(c.IsProxy));
    }

    [Fact]
    public void A_password_is_in_no_text()
    {
        using var password = SecretBytes.CopyOf(Encoding.UTF8.GetBytes("Circle of Life"));
        var credential = new DigestCredential("Mufasa", Realm, password);
        Assert.DoesNotContain("Circle", credential.ToString(), StringComparison.Ordinal);
    }
}
