using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Authentication;

public sealed class CallerCheckTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly AuthenticationPolicy Policy = new(true, "realm", [DigestAlgorithm.Sha256, DigestAlgorithm.Md5]);
    private static readonly SipRequest Invite = SipTexts.Request("INVITE", uri: "sip:100@127.0.0.1");

    private readonly SecretBytes _password = SecretBytes.CopyOf("secret"u8);
    private readonly UserTable _users;
    private byte _draw;

    public CallerCheckTests() => _users = UserTable.Empty.With("alice", "realm", _password);

    public void Dispose()
    {
        _users.Dispose();
        _password.Dispose();
    }

    [Fact]
    [Trait("RFC", "8760 §2.4")]
    public void Each_algorithm_is_a_challenge_of_its_own_in_order()
    {
        var fields = Challenge(Judge(Check(), Invite)).All("WWW-Authenticate").ToList();
        Assert.Equal(2, fields.Count);
        Assert.Contains("algorithm=SHA-256", fields[0], StringComparison.Ordinal);
        Assert.Contains("algorithm=MD5", fields[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_phone_that_fails_on_sha_256_is_offered_what_the_operator_says()
    {
        var check = Check(Policy with { Agents = [new AgentAlgorithms("Old Phone", [DigestAlgorithm.Md5])] });
        var request = SipTexts.Request("INVITE", uri: "sip:100@127.0.0.1", extra: "User-Agent: old phone/2\r\nContact: <sip:a@b>\r\n");
        Assert.Contains("MD5", Assert.Single(Challenge(Judge(check, request)).All("WWW-Authenticate")), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("RFC", "3261 §22.2")]
    public void The_right_answer_names_the_caller_once()
    {
        var check = Check();
        var answered = Answer(Judge(check, Invite), "alice", _password);
        Assert.Equal(new CallerIdentity("alice", IdentityProof.Digest, false), Known(Judge(check, answered)));
        Assert.Contains("stale=true", Challenge(Judge(check, answered)).First("WWW-Authenticate"), StringComparison.Ordinal);
    }

    /// <summary>The length of ours, and a letter that base64url has not: this threw once.</summary>
    [Fact]
    public void A_nonce_of_letters_that_ours_never_have_is_foreign()
    {
        var check = Check();
        var answered = Answer(Judge(check, Invite), "alice", _password);
        var value = answered.Headers.First("Authorization")!;
        var at = value.IndexOf("nonce=\"", StringComparison.Ordinal) + 7;
        var broken = answered with { Headers = answered.Headers.With("Authorization", value[..at] + "'" + value[(at + 1)..]) };
        Assert.IsType<CallerVerdict.Challenge>(Judge(check, broken));
    }

    [Fact]
    public void A_wrong_password_and_an_unknown_user_get_the_same_answer_and_leave_nothing()
    {
        var check = Check();
        using var wrong = SecretBytes.CopyOf("guess"u8);
        var first = Judge(check, Invite);
        var shapes = new[] { Answer(first, "alice", wrong), Answer(first, "nobody", _password) }
            .Select(r => string.Join('|', Challenge(Judge(check, r)).All("WWW-Authenticate").Select(WithoutNonce))).ToList();
        Assert.Equal(shapes[0], shapes[1]);
        Assert.DoesNotContain("stale", shapes[0], StringComparison.Ordinal);
        Assert.Equal(0, check.NoncesInUse);
    }

    [Theory]
    [InlineData("username")]
    [InlineData("nonce")]
    [InlineData("cnonce")]
    [InlineData("response")]
    [InlineData("nc")]
    public void A_change_in_any_field_is_refused(string field)
    {
        var check = Check();
        var answered = Answer(Judge(check, Invite), "alice", _password);
        Assert.True(DigestText.TryReadCredentials(answered.Headers.First("Authorization")!, out var read, out _));
        var forged = field switch
        {
            "username" => read! with { UserName = "bob" },
            "nonce" => read! with { Nonce = (read.Nonce[0] == 'A' ? 'B' : 'A') + read.Nonce[1..] },
            "cnonce" => read! with { ClientNonce = "other" },
            "response" => read! with { Response = (read.Response[0] == '0' ? '1' : '0') + read.Response[1..] },
            _ => read! with { NonceCount = "00000002" },
        };
        var request = answered with { Headers = answered.Headers.With("Authorization", forged.ToString()) };
        Challenge(Judge(check, request));
        Assert.Equal(0, check.NoncesInUse);
    }

    [Fact]
    public void Credentials_for_one_conference_do_not_open_another()
    {
        var check = Check();
        var answered = Answer(Judge(check, Invite), "alice", _password) with { RequestUri = SipUri.Sip("200", "127.0.0.1") };
        Assert.Equal(400, Assert.IsType<CallerVerdict.Refused>(Judge(check, answered)).Status);
    }

    [Fact]
    [Trait("RFC", "7616 §3.3")]
    public void An_expired_nonce_is_stale_only_for_who_knows_the_password()
    {
        var check = Check();
        var first = Judge(check, Invite);
        using var wrong = SecretBytes.CopyOf("guess"u8);
        var later = Noon + Policy.NonceLifetime + TimeSpan.FromSeconds(1);
        Assert.Contains("stale=true", Stale(check, Answer(first, "alice", _password), later), StringComparison.Ordinal);
        Assert.DoesNotContain("stale", Stale(check, Answer(first, "alice", wrong), later), StringComparison.Ordinal);
    }

    [Fact]
    public void A_nonce_of_another_key_or_realm_gets_a_fresh_challenge()
    {
        var other = Answer(Judge(Check(key: 2), Invite), "alice", _password);
        Assert.DoesNotContain("stale", Stale(Check(), other, Noon), StringComparison.Ordinal);
        Challenge(Judge(Check(Policy with { Realm = "other" }), Answer(Judge(Check(), Invite), "alice", _password)));
    }

    /// <summary>Two nodes with the cluster's key: what one asked the other may be told, and what is too old is so on both.</summary>
    [Fact]
    public void A_nonce_of_one_node_counts_on_another()
    {
        var answered = Answer(Judge(Check(), Invite), "alice", _password);
        Assert.Equal("alice", Known(Judge(Check(), answered)).Name);
        Assert.Contains("stale=true", Stale(Check(), answered, Noon + Policy.NonceLifetime + TimeSpan.FromSeconds(1)), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("RFC", "3261 §22.1")]
    public void Ack_and_cancel_are_never_challenged()
    {
        foreach (var method in new[] { "ACK", "CANCEL" })
            Assert.Equal(IdentityProof.None, Known(Judge(Check(), SipTexts.Request(method))).Proof);
    }

    [Fact]
    public void A_dialog_that_we_began_is_not_challenged_and_neither_are_options_unless_told()
    {
        Known(Check().Judge(new CallerQuestion(SipTexts.Request("BYE", toTag: "t"), SipTexts.Udp, null, IsOurDialog: true), _users, Noon));
        Known(Judge(Check(), SipTexts.Request("OPTIONS")));
        Challenge(Judge(Check(Policy with { ChallengesOptions = true }), SipTexts.Request("OPTIONS")));
        Challenge(Judge(Check(), SipTexts.Request("BYE", toTag: "t")));
    }

    [Theory]
    [InlineData("192.0.2.0/24", IdentityProof.Asserted)]
    [InlineData("192.0.2.7", IdentityProof.Asserted)]
    [InlineData("198.51.100.1", IdentityProof.None)]
    [Trait("RFC", "3325 §5")]
    public void An_assertion_counts_from_a_trusted_peer_only(string trusted, IdentityProof proof)
    {
        Assert.True(TrustedPeer.TryRead(trusted, out var peer));
        var request = SipTexts.Request(
            "INVITE", extra: "P-Asserted-Identity: \"A\" <sip:a@carrier.example>, <tel:+4930>\r\nPrivacy: id;critical\r\nContact: <sip:a@b>\r\n");
        var known = Known(Judge(Check(Policy with { IsRequired = false, TrustedPeers = [peer!] }), request));
        Assert.Equal(proof, known.Proof);
        Assert.True(known.IsPrivate);
        if (proof == IdentityProof.Asserted) Assert.Equal("sip:a@carrier.example", known.Name);
    }

    [Fact]
    [Trait("RFC", "5922 §7.1")]
    public void A_certificate_proves_its_sip_uri_first()
    {
        var peer = new TlsPeer(["https://x", "sip:a.example"], ["b.example"], "CN=c");
        var known = Known(Check().Judge(new CallerQuestion(Invite, SipTexts.Tcp, peer, false), _users, Noon));
        Assert.Equal(new CallerIdentity("sip:a.example", IdentityProof.Certificate, false), known);
    }

    [Fact]
    public void The_client_answers_a_realm_once_and_again_only_when_stale()
    {
        var check = Check();
        var client = DigestClient.Of(new DigestAccount("*", "alice", _password));
        Assert.True(client.TryLearn(Response(Judge(check, Invite)), out client));
        (client, var sent) = client.Authorize(Invite, Fill);
        Known(Judge(check, sent));
        (client, var second) = client.Authorize(Invite, Fill);
        Assert.Contains("nc=00000002", second.Headers.First("Authorization"), StringComparison.Ordinal);
        Known(Judge(check, second));
        Assert.True(client.TryLearn(Response(Judge(check, second)), out client));
        Assert.True(client.TryLearn(Response(Judge(check, Invite)), out client));
        (client, _) = client.Authorize(Invite, Fill);
        Assert.False(client.TryLearn(Response(Judge(check, Invite)), out _));
    }

    [Fact]
    public void The_user_file_comes_back_and_names_its_bad_line()
    {
        using var text = _users.Write();
        Assert.True(UserTable.TryRead(text.Reveal(), out var read, out _));
        using var table = read!;
        Assert.Equal(new UserName("realm", "alice"), Assert.Single(table.Users));
        foreach (var algorithm in DigestAlgorithm.All)
            Assert.True(table.Find("alice", "realm", algorithm)!.FixedTimeEquals(_users.Find("alice", "realm", algorithm)!));
        Assert.False(UserTable.TryRead("# users\nalice:realm:MD5:00\n"u8, out _, out var line));
        Assert.Equal(2, line);
    }

    [Fact]
    public void A_table_over_another_has_the_users_of_both_and_its_own_secrets()
    {
        using var changed = SecretBytes.CopyOf("changed"u8);
        using var below = UserTable.Empty.With("alice", "realm", changed).With("bob", "realm", changed);
        using var both = _users.Over(below);
        Assert.Equal(["alice", "bob"], both.Users.Select(u => u.Name));
        foreach (var algorithm in DigestAlgorithm.All)
        {
            Assert.True(both.Find("alice", "realm", algorithm)!.FixedTimeEquals(_users.Find("alice", "realm", algorithm)!));
            Assert.True(both.Find("bob", "realm", algorithm)!.FixedTimeEquals(below.Find("bob", "realm", algorithm)!));
        }
    }

    [Fact]
    public void The_table_of_counts_is_bounded_and_forgets_nothing_that_could_come_again()
    {
        var counts = new NonceCounts(10);
        var nonces = Enumerable.Range(0, 100).Select(i => new NonceStamp(Noon.ToUnixTimeMilliseconds() + i, (ulong)i)).ToList();
        foreach (var nonce in nonces) Assert.Equal(NonceUse.New, counts.Take(nonce, 1, Noon, Policy.NonceLifetime));
        Assert.Equal(10, counts.Count);
        foreach (var nonce in nonces) Assert.NotEqual(NonceUse.New, counts.Take(nonce, 1, Noon, Policy.NonceLifetime));
        Assert.Equal(NonceUse.New, counts.Take(nonces[99], 3, Noon, Policy.NonceLifetime));
        Assert.Equal(NonceUse.New, counts.Take(nonces[99], 2, Noon, Policy.NonceLifetime));
        Assert.Equal(NonceUse.Repeated, counts.Take(nonces[99], 2, Noon, Policy.NonceLifetime));
    }

    private CallerCheck Check(AuthenticationPolicy? policy = null, byte key = 1)
    {
        using var secret = SecretBytes.Create(32, bytes => bytes.Fill(key));
        return new CallerCheck(policy ?? Policy, new NonceMint(secret, Policy.NonceLifetime), Fill);
    }

    private void Fill(Span<byte> bytes) => bytes.Fill(++_draw);

    private CallerVerdict Judge(CallerCheck check, SipRequest request) =>
        check.Judge(new CallerQuestion(request, SipTexts.Udp, null, IsOurDialog: false), _users, Noon);

    private string Stale(CallerCheck check, SipRequest request, DateTimeOffset now) =>
        Challenge(check.Judge(new CallerQuestion(request, SipTexts.Udp, null, IsOurDialog: false), _users, now)).First("WWW-Authenticate")!;

    private SipRequest Answer(CallerVerdict verdict, string user, SecretBytes password)
    {
        Assert.True(DigestClient.Of(new DigestAccount("*", user, password)).TryLearn(Response(verdict), out var client));
        return client.Authorize(Invite, Fill).Request;
    }

    private static SipResponse Response(CallerVerdict verdict) => new(401, "Unauthorized") { Headers = Challenge(verdict) };

    private static SipHeaders Challenge(CallerVerdict verdict) => Assert.IsType<CallerVerdict.Challenge>(verdict).Fields;

    private static CallerIdentity Known(CallerVerdict verdict) => Assert.IsType<CallerVerdict.Known>(verdict).Caller;

    private static string WithoutNonce(string challenge)
    {
        var at = challenge.IndexOf("nonce=\"", StringComparison.Ordinal);
        return challenge.Remove(at, challenge.IndexOf('"', at + 7) - at);
    }
}
