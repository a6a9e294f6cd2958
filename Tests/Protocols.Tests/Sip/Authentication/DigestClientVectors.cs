using System.Text;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Authentication;

public sealed class DigestClientVectors
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
        using var password = SecretBytes.CopyOf("Circle of Life"u8);
        using var secret = DigestComputation.Secret(DigestAlgorithm.Find(algorithm)!, "Mufasa", Realm, password);
        var credentials = new CredentialFields(
            "Mufasa", Realm, Nonce, "/dir/index.html", "", algorithm, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "FQhe", "auth", "00000001");
        Assert.Equal(response, DigestComputation.Response(DigestAlgorithm.Find(algorithm)!, secret, "GET", credentials));
    }

    [Fact]
    [Trait("RFC", "8760 §2.1")]
    public void SHA_512_256_is_what_FIPS_180_says_and_not_a_cut_SHA_512()
    {
        var (algorithm, response) = VectorFile.Lines("sip/digest/sha-512-256.txt").Select(l => (l.Split(' ')[0], l.Split(' ')[1])).Single();
        using var password = SecretBytes.CopyOf("Secret, or not?"u8);
        var (user, realm) = ("Jäsøn Doe", "api@example.org");
        using var secret = DigestComputation.Secret(DigestAlgorithm.Find(algorithm)!, user, realm, password);
        var credentials = new CredentialFields(
            user, realm, "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "/doe.json", "", algorithm, "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            "HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", "auth", "00000001");
        Assert.Equal(response, DigestComputation.Response(DigestAlgorithm.Find(algorithm)!, secret, "GET", credentials));
    }

    [Theory]
    [Trait("RFC", "8760 §2.4")]
    [InlineData("Digest realm=\"a, \\\"b\\\"\", nonce=\"n\", qop=\"auth,auth-int\", algorithm=SHA-256", "a, \"b\"")]
    [InlineData("digest nonce=\"n\", realm=\"x\"", "x")]
    [InlineData("Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"", null)]
    [InlineData("Digest realm=\"x\", nonce=\"n\", algorithm=SHA-256-sess", null)]
    [InlineData("Digest realm=\"x\"", null)]
    [InlineData("Digest realm=\"x\", realm=\"y\", nonce=\"n\"", null)]
    [InlineData("Digest realm=\"x, nonce=\"n\"", null)]
    [InlineData("Basic realm=\"x\"", null)]
    [InlineData("Digest", null)]
    public void What_can_be_answered_is_read_and_the_rest_passed_over(string header, string? realm)
    {
        using var password = SecretBytes.CopyOf("Circle of Life"u8);
        var response = new SipResponse(401, "Unauthorized") { Headers = SipHeaders.Empty.Append("WWW-Authenticate", header) };
        Assert.Equal(realm is not null, DigestClient.Of(new DigestAccount("*", "Mufasa", password)).TryLearn(response, out var client));
        Assert.Equal(realm, client.Passes.SingleOrDefault()?.Challenge.Realm);
    }

    [Fact]
    public void The_topmost_of_a_realm_is_answered()
    {
        using var password = SecretBytes.CopyOf("Circle of Life"u8);
        var headers = SipHeaders.Empty
            .Append("Proxy-Authenticate", "Digest realm=\"x\", nonce=\"1\", algorithm=SHA-256")
            .Append("Proxy-Authenticate", "Digest realm=\"x\", nonce=\"2\", algorithm=MD5");
        Assert.True(DigestClient.Of(new DigestAccount("x", "Mufasa", password)).TryLearn(new SipResponse(407, "Proxy") { Headers = headers }, out var client));
        Assert.Equal(("SHA-256", true), (client.Passes.Single().Challenge.Algorithm, client.Passes.Single().IsProxy));
    }

    [Fact]
    public void A_password_is_in_no_text()
    {
        using var password = SecretBytes.CopyOf(Encoding.UTF8.GetBytes("Circle of Life"));
        Assert.DoesNotContain("Circle", new DigestAccount(Realm, "Mufasa", password).ToString(), StringComparison.Ordinal);
    }
}
