using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Wire;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Authentication;

/// <summary>Digest authentication against everything that may be sent to it, in random order.</summary>
public sealed class CallerProperties : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);
    private static readonly string[] Names = ["alice", "bob", "a b", "quote\"d", "back\\slash", "Jäsøn"];
    private readonly SecretBytes _right = SecretBytes.CopyOf("right"u8);
    private readonly SecretBytes _wrong = SecretBytes.CopyOf("wrong"u8);
    private readonly UserTable _users;

    public CallerProperties() => _users = Names.Aggregate(UserTable.Empty, (table, name) => table.With(name, "realm", _right));

    public void Dispose()
    {
        _users.Dispose();
        _right.Dispose();
        _wrong.Dispose();
    }

    /// <summary>Several phones, several nodes that share a secret, time that passes, requests sent once and again.</summary>
    [Fact]
    [Trait("RFC", "7616 §3.4")]
    public void A_right_answer_is_taken_once_per_node_and_count_and_no_other_answer_ever()
    {
        var step = Gen.Select(Gen.Int[0, 1], Gen.Int[0, 5], Gen.Bool, Gen.Int[0, 90], Gen.Int[0, 3], Gen.UInt);
        step.Array[1, 60].Sample(steps =>
        {
            var (now, draw) = (Noon, 0u);
            var nodes = new[] { Node(Fill), Node(Fill) };
            var sent = new List<SipRequest>();
            var taken = new HashSet<(int, string)>();
            foreach (var (node, name, right, seconds, kind, pick) in steps)
            {
                now += TimeSpan.FromSeconds(seconds);
                var request = kind < 2 || sent.Count == 0
                    ? Answered(nodes[pick % 2], SipTexts.Request("INVITE", uri: "sip:100@127.0.0.1"), Names[name], right ? _right : _wrong, now, Fill)
                    : sent[(int)(pick % (uint)sent.Count)];
                sent.Add(request);
                var used = nodes[node].NoncesInUse;
                if (nodes[node].Judge(Question(request), _users, now) is CallerVerdict.Known known)
                {
                    Assert.Equal(IdentityProof.Digest, known.Caller.Proof);
                    Assert.True(DigestText.TryReadCredentials(request.Headers.First("Authorization")!, out var read, out _));
                    Assert.Equal(read!.UserName, known.Caller.Name);
                    Assert.True(taken.Add((node, request.Headers.First("Authorization")!)), "a request was taken twice");
                    using var secret = DigestComputation.Secret(DigestAlgorithm.Sha256, read.UserName, "realm", _right);
                    Assert.True(DigestComputation.IsRight(DigestAlgorithm.Sha256, secret, "INVITE", read));
                }
                else
                {
                    Assert.InRange(nodes[node].NoncesInUse, 0, used);
                }
            }

            void Fill(Span<byte> bytes)
            {
                for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(draw++ * 2654435761u >> 24);
            }
        });
    }

    [Fact]
    public void A_request_of_which_a_letter_is_changed_is_nobody_s_and_leaves_nothing()
    {
        Gen.Select(Gen.Int[0, 2000], Gen.Char['!', '~']).Sample((at, letter) =>
        {
            var check = Node(bytes => bytes.Fill(7));
            var good = Answered(check, SipTexts.Request("INVITE", uri: "sip:100@127.0.0.1"), "alice", _right, Noon, bytes => bytes.Fill(9));
            var value = good.Headers.First("Authorization")!.ToCharArray();
            value[at % value.Length] = letter;
            var changed = good with { Headers = good.Headers.With("Authorization", new string(value)) };
            Assert.True(DigestText.TryReadCredentials(good.Headers.First("Authorization")!, out var before, out _));
            // RFC 7616 §3.3: the name of an algorithm is a token, so its case says nothing.
            var means = DigestText.TryReadCredentials(new string(value), out var after, out _) && after is not null
                && after with { Algorithm = after.Algorithm?.ToUpperInvariant() } == before! with { Algorithm = before.Algorithm?.ToUpperInvariant() };
            var verdict = check.Judge(Question(changed), _users, Noon);
            if (!means) Assert.IsNotType<CallerVerdict.Known>(verdict);
            Assert.Equal(verdict is CallerVerdict.Known ? 1 : 0, check.NoncesInUse);
        });
    }

    private static CallerCheck Node(SecretWriter random)
    {
        using var secret = SecretBytes.CopyOf(new byte[32]);
        var policy = new AuthenticationPolicy(true, "realm", [DigestAlgorithm.Sha256]);
        return new CallerCheck(policy, new NonceMint(secret, policy.NonceLifetime), random);
    }

    private SipRequest Answered(CallerCheck node, SipRequest request, string name, SecretBytes password, DateTimeOffset now, SecretWriter random)
    {
        var challenge = Assert.IsType<CallerVerdict.Challenge>(node.Judge(Question(request), _users, now));
        var response = new SipResponse(401, "Unauthorized") { Headers = challenge.Fields };
        Assert.True(DigestClient.Of(new DigestAccount("*", name, password)).TryLearn(response, out var client));
        return client.Authorize(request, random).Request;
    }

    private static CallerQuestion Question(SipRequest request) => new(request, SipTexts.Udp, null, IsOurDialog: false);
}
