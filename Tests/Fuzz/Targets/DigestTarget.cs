using System.Text;
using ConfCluster.Fuzz.Structures;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Fuzz.Targets;

/// <summary>The headers of authentication: never throw; what is read, is written such that it reads back to the same.</summary>
public sealed class DigestTarget : IFuzzTarget
{
    public string Name => "digest";

    public IEnumerable<byte[]> Seeds => Corpus.Read(Name);

    public IStructure Structure { get; } = new ListStructure();

    public IEnumerable<byte[]> Dictionary =>
        new[] { "Digest ", "realm=\"", "nonce=\"", "qop=auth", "qop=\"auth\"", "nc=00000002", "algorithm=SHA-512-256", "stale=true", ", ", "\\\"", "Basic " }
            .Select(Encoding.UTF8.GetBytes);

    public void Run(ReadOnlySpan<byte> input)
    {
        var text = Encoding.UTF8.GetString(input);
        if (DigestText.TryReadCredentials(text, out var credentials, out _) && credentials is not null)
        {
            if (!DigestText.TryReadCredentials(credentials.ToString(), out var again, out var error) || again != credentials)
                throw new InvalidOperationException($"credentials do not come back: {error}");
        }

        if (!DigestText.TryReadChallenges(text, out var challenges, out _)) return;
        foreach (var challenge in challenges)
        {
            var written = challenge.ToString();
            if (!DigestText.TryReadChallenges(written, out var again, out var error) || again is not [var one] || one.ToString() != written)
                throw new InvalidOperationException($"a challenge does not come back: {error}");
        }
    }
}
