using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Kms;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>The users, rules and ticket keys of a KMS, and tickets that one node issues and another resolves.</summary>
public sealed class KmsRegisterTests : IDisposable
{
    private static readonly Identity Self = Identity.Uri("sip:kms@example.com");
    private static readonly Identity Alice = Identity.Uri("sip:alice@example.com");
    private static readonly Identity Focus = Identity.Uri("sip:focus@example.com");
    private static readonly Identity Room = Identity.Uri("sip:room@10.0.0.1");
    private readonly SecretBytes _key = SecretBytes.Create(32, s => s.Fill(7));
    private readonly KmsRules _rules = new(Self, TimeSpan.FromHours(2), TimeSpan.FromHours(24));
    private KmsUserTable _users = KmsUserTable.Empty.With(User(Alice)).With(User(Focus, "sip:*@10.0.0.1"));
    private DateTimeOffset _now = new(2026, 11, 28, 23, 30, 0, TimeSpan.Zero);
    private byte _draws;

    public void Dispose()
    {
        _key.Dispose();
        _users.Dispose();
    }

    [Fact]
    public void A_file_of_users_tells_no_key_and_opens_with_its_own_key_alone()
    {
        var text = _users.With(User(Identity.Uri("sip:gone@example.com")) with { IsRevoked = true }).Write(_key, Draw);
        Assert.DoesNotContain(Convert.ToHexStringLower(_users.Find("sip:alice@example.com")!.Psk!.Reveal()), text, StringComparison.Ordinal);
        Assert.True(KmsUserTable.TryRead(text, _key, out var read, out _));
        using var users = read!;
        Assert.Equal(["sip:alice@example.com", "sip:focus@example.com", "sip:gone@example.com"], users.Users.Select(u => u.Name));
        Assert.True(users.Find("sip:gone@example.com")!.IsRevoked);
        Assert.Equal("sip:*@10.0.0.1", Assert.Single(users.Find("sip:focus@example.com")!.Answers));
        Assert.True(users.Find("sip:alice@example.com")!.Psk!.FixedTimeEquals(_users.Find("sip:alice@example.com")!.Psk!));
        using var other = SecretBytes.Create(32, s => s.Fill(8));
        Assert.False(KmsUserTable.TryRead(text, other, out _, out var line));
        Assert.Equal(1, line);

        // A key that was moved to another name opens for nobody.
        Assert.False(KmsUserTable.TryRead(text.Replace("alice", "mally", StringComparison.Ordinal), _key, out _, out _));
    }

    [Theory]
    [InlineData("sip:room@10.0.0.1", true)]
    [InlineData("sip:focus@example.com", true)]
    [InlineData("sip:room@10.0.0.12", false)]
    [InlineData("sip:room@evil.com@10.0.0.1", false)]
    [InlineData("sips:room@10.0.0.1", false)]
    [InlineData("sip:room@example.com", false)]
    public void A_user_answers_for_itself_and_for_the_names_of_its_patterns(string name, bool answers) =>
        Assert.Equal(answers, _users.Find("sip:focus@example.com")!.AnswersFor(name));

    [Fact]
    public void Another_node_with_the_same_key_resolves_a_ticket_until_it_runs_out_whatever_key_is_new_by_then()
    {
        var ticket = Request();
        var newKey = Name(_now);
        _now += TimeSpan.FromMinutes(100);
        Assert.NotEqual(newKey, Name(_now));
        Assert.Equal(ExchangeError.None, Resolve(ticket, Focus).Error);
        _now += TimeSpan.FromMinutes(30);
        Assert.Equal(ExchangeError.BadTicketPolicy, Resolve(ticket, Focus).Error);
        _now += TimeSpan.FromDays(3);
        using var keys = new TicketProtectionKeys(_key, _rules.KeyPeriod);
        Assert.Null(new KmsRegister(_users, _rules, keys, _now).TpkOf(newKey));
    }

    [Fact]
    public void A_ticket_says_who_asked_and_lasts_no_longer_than_the_rules_allow()
    {
        var policy = Request(TicketFlags.Reusable).Policy;
        Assert.Equal((Alice, Self), (policy.Initiator!.Value, policy.Kms!.Value));
        Assert.Equal(_now + _rules.MaxValidity, policy.TimeOf(TimestampRole.End)!.Value.ToTime());
        Assert.False(policy.Has(TicketFlags.Reusable));
        Assert.True(policy.Has(TicketFlags.Changed));
    }

    [Fact]
    public void Nobody_but_whom_it_is_for_resolves_a_ticket_and_none_of_who_was_revoked_is_resolved()
    {
        var ticket = Request();
        _users = _users.With(User(Identity.Uri("sip:eve@example.com")));
        var stolen = Resolve(ticket, Identity.Uri("sip:eve@example.com"));
        Assert.Equal((ExchangeError.NotAuthorised, "sip:eve@example.com"), (stolen.Error, stolen.User.ToString()));
        _users = _users.With(_users.Find("sip:alice@example.com")! with { IsRevoked = true });
        Assert.Equal(ExchangeError.NotAuthorised, Resolve(ticket, Focus).Error);
        Assert.Equal(ExchangeError.MacMismatch, Ask(Alice, c => KmsClient.Request(Wanted(TicketFlags.None), c, Context)).Error);
    }

    /// <summary>A conference that calls its phone back does so by the name that it was called by, and nobody else does.</summary>
    [Theory]
    [InlineData("sip:room@10.0.0.1", true)]
    [InlineData("sip:focus@example.com", true)]
    [InlineData("sip:room@10.0.0.2", false)]
    [InlineData("sip:alice@example.com", false)]
    public void Whoever_answers_for_a_name_gets_tickets_in_it_that_die_with_the_last_who_does(string name, bool isGranted)
    {
        var wanted = Wanted(TicketFlags.None) with
        {
            Contents = new([new RoleIdentity(IdentityRole.Initiator, Identity.Uri(name)), new RoleIdentity(IdentityRole.Responder, Alice)]),
        };
        var answer = Ask(Focus, c => KmsClient.Request(wanted, c, Context));
        Assert.Equal(isGranted ? ExchangeError.None : ExchangeError.NotAuthorised, answer.Error);
        if (!isGranted) return;
        Assert.Equal(name, answer.Ticket!.Policy.Initiator!.Value.ToString());
        Assert.Equal(ExchangeError.None, Resolve(answer.Ticket, Alice).Error);
        _users = _users.With(_users.Find("sip:focus@example.com")! with { IsRevoked = true });
        Assert.Equal(ExchangeError.NotAuthorised, Resolve(answer.Ticket, Alice).Error);
    }

    private static KmsUser User(Identity name, params string[] answers) =>
        new(name.ToString(), SecretBytes.Create(32, s => System.Security.Cryptography.SHA256.HashData(name.Name.Span, s)), [.. answers], IsRevoked: false);

    private ExchangeContext Context => new(_now, Draw, TimeSpan.FromMinutes(1));

    private static TicketPolicy Wanted(TicketFlags more) => new(
        TicketKind.BaseTicket, PrfFunction.HmacSha256,
        TicketFlags.ByKms | TicketFlags.ResolveAtKms | TicketFlags.Answered | TicketFlags.InitiatorRand | TicketFlags.ResponderKeys | more, 0,
        new([new RoleIdentity(IdentityRole.Initiator, Alice), new RoleIdentity(IdentityRole.Responder, Room)]));

    private Ticket Request(TicketFlags more = TicketFlags.None) => Ask(Alice, c => KmsClient.Request(Wanted(more), c, Context)).Ticket!;

    private KmsAnswer Resolve(Ticket ticket, Identity by) => Ask(by, c => KmsClient.Resolve(ticket, c, Context));

    /// <summary>A node that has never seen anything before.</summary>
    private KmsAnswer Ask(Identity user, Func<KmsCredential, KmsClientStep> begin)
    {
        using var keys = new TicketProtectionKeys(_key, _rules.KeyPeriod);
        var step = begin(new KmsCredential(user, Self, _users.Find(user.ToString())!.Psk, null));
        var register = new KmsRegister(_users, _rules, keys, _now);
        return KmsServer.Answer(KmsScene.Sent(step), register, new ReplayCache(10, TimeSpan.FromMinutes(1)), Context);
    }

    private Octets Name(DateTimeOffset at)
    {
        using var keys = new TicketProtectionKeys(_key, _rules.KeyPeriod);
        return keys.At(at).Name;
    }

    private void Draw(Span<byte> span) => System.Security.Cryptography.SHA512.HashData([++_draws]).AsSpan(0, span.Length).CopyTo(span);
}
