using System.Text;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Authentication;

public class DigestVectors
{
    public static TheoryData<string> Files => [.. VectorFile.Names("sip/digest", "json")];

    [Theory]
    [MemberData(nameof(Files))]
    [Trait("RFC", "7616 §3.9.1")]
    public void The_published_answers_come_out(string file)
    {
        var vector = VectorFile.Json<Vector>($"sip/digest/{file}.json");
        Assert.NotEmpty(vector.Credentials);
        foreach (var text in vector.Credentials)
        {
            Assert.True(DigestText.TryReadCredentials(text, out var credentials, out var error), error.ToString());
            var algorithm = DigestAlgorithm.Find(credentials!.Algorithm)!;
            using var password = SecretBytes.CopyOf(Encoding.UTF8.GetBytes(vector.Password));
            using var secret = DigestComputation.Secret(algorithm, credentials.UserName, credentials.Realm, password);
            Assert.Equal(credentials.Response, DigestComputation.Response(algorithm, secret, vector.Method, credentials));
            Assert.True(DigestComputation.IsRight(algorithm, secret, vector.Method, credentials));
            Assert.False(DigestComputation.IsRight(algorithm, secret, "PUT", credentials));
        }
    }

    private sealed record Vector(string Method, string Password, string[] Credentials);
}
