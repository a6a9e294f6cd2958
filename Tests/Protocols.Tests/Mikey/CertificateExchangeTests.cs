using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Certificates;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Kms;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>Ticket Request and Ticket Resolve with certificates.</summary>
[Trait("RFC", "6043 §4.2.1.3")]
[Trait("RFC", "6043 §4.2.3.3")]
public sealed class CertificateExchangeTests : IClassFixture<CertificateExchangeTests.People>, IDisposable
{
    private readonly People _people;
    private readonly SecretBytes _key = SecretBytes.Create(KmsUserTable.KeyLength, s => s.Fill(7));
    private readonly KmsRules _rules = new(People.Kms, TimeSpan.FromHours(1), TimeSpan.FromHours(24));
    private readonly TicketProtectionKeys _tickets;
    private readonly ReplayCache _replays = new(100, TimeSpan.FromMinutes(1));
    private KmsUserTable _users = KmsUserTable.Empty
        .With(new KmsUser(People.Alice.ToString(), null, [], false)).With(new KmsUser(People.Bob.ToString(), null, [], false));
    private DateTimeOffset _now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);
    private byte _draws;

    public CertificateExchangeTests(People people) => (_people, _tickets) = (people, new TicketProtectionKeys(_key, _rules.KeyPeriod));

    public void Dispose()
    {
        _tickets.Dispose();
        _key.Dispose();
        _users.Dispose();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void Who_asked_for_a_ticket_and_who_resolves_it_have_the_same_keys(bool is256, bool forks)
    {
        var suite = is256 ? MikeySuite.Aes256 : MikeySuite.Aes128;
        using var mine = Granted(People.Alice, c => KmsClient.Request(Wanted(suite, forks ? TicketFlags.Forking : TicketFlags.None), c, Context));
        var v = new Verification(suite.Mac, Octets.Zero(suite.Mac.Length()));
        var ticket = forks ? mine.Ticket with { Proof = InitiatorProofs.Make(v, suite.Prf, mine.Mpkr!.Key) } : mine.Ticket;
        using var his = Granted(People.Bob, c => KmsClient.Resolve(ticket, c, Context));
        Assert.True(mine.Mpki.Key.FixedTimeEquals(his.Mpki.Key));
        Assert.Equal(forks, his.Modifier is not null);
    }

    [Fact]
    [Trait("RFC", "6043 §5.5")]
    public void Whatever_bit_is_flipped_the_request_is_refused_and_so_is_its_answer()
    {
        var step = Request();
        var sent = KmsScene.Sent(step);
        var bits = Enumerable.Range(0, 8 * sent.Length).Where(b => b % 37 == 0);
        foreach (var bit in bits)
        {
            var bent = sent.Span.ToArray();
            bent[bit / 8] ^= (byte)(1 << bit % 8);
            var answer = Answer(Octets.CopyOf(bent));
            Assert.True(answer.Error != ExchangeError.None && answer.User is null, $"bit {bit}: {answer.Error}");
        }

        Assert.Equal(0, _replays.Count);
        var response = Answer(sent).Response!.Value;
        foreach (var bent in TransferScene.Bent(response)) Assert.IsType<KmsClientEffect.Ignored>(KmsClient.Next(step.State, bent, Context).Effects[0]);
        Assert.Equal(ExchangeError.Replayed, Answer(sent).Error);
    }

    [Fact]
    [Trait("RFC", "3830 §4.3.2")]
    public void Certificates_of_other_names_other_roots_other_times_and_other_uses_are_refused()
    {
        Assert.Equal(ExchangeError.BadCertificate, Asked(_people.Root.Issue("sip:eve@example.com")));
        Assert.Equal(ExchangeError.BadCertificate, Asked(_people.Root.Issue(null)));
        Assert.Equal(ExchangeError.BadCertificate, Asked(_people.Root.Issue("sip:alice@example.com.evil.example")));
        Assert.Equal(ExchangeError.BadCertificate, Asked(_people.Other.Issue(People.Alice.ToString())));
        Assert.Equal(ExchangeError.BadCertificate, Asked(_people.Root.Issue(People.Alice.ToString(), until: _now.AddMinutes(-1))));
        Assert.Equal(ExchangeError.BadCertificate, Asked(_people.Root.Issue(People.Alice.ToString(), usage: X509KeyUsageFlags.KeyEncipherment)));
        Assert.Equal(ExchangeError.None, Asked(_people.Root.Issue(People.Alice.ToString())));
        _now = Authority.Until.AddSeconds(1);
        Assert.Equal(ExchangeError.BadCertificate, Asked(_people.AliceKey));
    }

    [Fact]
    public void A_signature_of_another_key_is_refused()
    {
        var init = Read(Request());
        var (zero, foreign) = (new Signature(SignatureType.RsaPkcs1, Octets.Zero(256)), new Signature(SignatureType.Eccsi, Octets.Zero(256)));
        foreach (var forged in new[] { Resigned(init, _people.BobKey), init.WithLast(zero), init.WithLast(foreign) })
        {
            var answer = Answer(MikeyWriter.Write(forged));
            Assert.Equal((ExchangeError.MacMismatch, (Identity?)null), (answer.Error, answer.User));
        }

        // Alice's certificate behind a name that is not hers.
        var named = Named(init, IdentityRole.Initiator);
        Assert.Equal(ExchangeError.BadCertificate, Answer(MikeyWriter.Write(Resigned(named, _people.AliceKey, People.Bob))).Error);
    }

    [Fact]
    public void A_request_for_another_KMS_is_refused_by_its_name_and_by_the_hash_of_its_certificate()
    {
        var init = Read(Request());
        var other = init with { Payloads = new([.. init.Payloads.Select(p => p is CertificateHash h ? h with { Hash = Octets.Zero(32) } : p)]) };
        Assert.Equal(ExchangeError.BadCertificate, Answer(MikeyWriter.Write(Resigned(other, _people.AliceKey))).Error);
        var named = Named(init, IdentityRole.Kms);
        Assert.Equal(ExchangeError.WrongParty, Answer(MikeyWriter.Write(Resigned(named, _people.AliceKey))).Error);
    }

    [Fact]
    [Trait("RFC", "3830 §6.3")]
    public void An_envelope_that_cannot_be_opened_is_answered_under_a_key_that_nobody_has()
    {
        var step = Request();
        var init = Read(step);
        foreach (var length in new[] { 256, 1, 255 })
        {
            var broken = init with { Payloads = new([.. init.Payloads.Select(p => p is Pke pke ? pke with { Encrypted = Octets.Zero(length) } : p)]) };
            var answer = Answer(MikeyWriter.Write(Resigned(broken, _people.AliceKey)));
            Assert.Equal((ExchangeError.None, People.Alice), (answer.Error, answer.User!.Value));
            Assert.Equal(ExchangeError.MacMismatch, Assert.IsType<KmsClientEffect.Ignored>(KmsClient.Next(step.State, answer.Response!.Value, Context).Effects[0]).Error);
        }
    }

    [Fact]
    public void Who_is_not_on_the_list_or_revoked_or_has_a_key_gets_nothing_with_a_certificate()
    {
        _users = _users.With(new KmsUser(People.Alice.ToString(), null, [], IsRevoked: true));
        Assert.Equal(ExchangeError.MacMismatch, Asked(_people.AliceKey));
        _users = _users.Without(People.Alice.ToString());
        Assert.Equal(ExchangeError.MacMismatch, Asked(_people.AliceKey));
        _users = _users.With(new KmsUser(People.Alice.ToString(), SecretBytes.Create(32, s => s.Fill(1)), [], false));
        Assert.Equal(ExchangeError.MacMismatch, Asked(_people.AliceKey));
    }

    [Fact]
    public void A_user_with_a_certificate_comes_back_from_the_file_and_cannot_be_made_without_its_key()
    {
        var text = _users.Write(_key, Draw);
        Assert.True(KmsUserTable.TryRead(text, _key, out var read, out _));
        Assert.Null(read!.Find(People.Alice.ToString())!.Psk);
        Assert.False(KmsUserTable.TryRead(text.Replace("alice", "carol", StringComparison.Ordinal), _key, out _, out var line));
        Assert.Equal(1, line);
    }

    [Fact]
    public void A_refusal_is_believed_by_who_asked()
    {
        var step = KmsClient.Resolve(Ticket(), Credential(People.Bob, _people.BobKey), Context);
        _users = _users.With(new KmsUser(People.Alice.ToString(), null, [], IsRevoked: true));
        var answer = Answer(KmsScene.Sent(step));
        Assert.Equal((ExchangeError.NotAuthorised, People.Bob), (answer.Error, answer.User!.Value));
        var failed = Assert.IsType<KmsClientState.Failed>(KmsClient.Next(step.State, answer.Response!.Value, Context).State);
        Assert.Equal(ErrorNumber.AuthenticationFailure, Assert.Single(failed.Said));
    }

    [Fact]
    public void Only_RSA_keys_of_a_fair_length_with_their_own_certificate_are_taken()
    {
        Assert.Null(CertifiedKey.Of(RSA.Create(1024), [], out var problem));
        Assert.Contains("2048", problem, StringComparison.Ordinal);
        Assert.Null(CertifiedKey.Of(RSA.Create(2048), [], out _));
        Assert.Null(CertifiedKey.Of(RSA.Create(2048), [_people.AliceKey.Chain[0]], out problem));
        Assert.Contains("another key", problem, StringComparison.Ordinal);
        Assert.Null(PublicRsa.Of(Octets.CopyOf([1, 2, 3])));
        Assert.DoesNotContain("BEGIN", _people.AliceKey.ToString(), StringComparison.Ordinal);
    }

    private Ticket Ticket()
    {
        using var keys = Granted(People.Alice, c => KmsClient.Request(Wanted(MikeySuite.Aes128), c, Context));
        return keys.Ticket;
    }

    private KmsClientStep Request() => KmsClient.Request(Wanted(MikeySuite.Aes128), Credential(People.Alice, _people.AliceKey), Context);

    private ExchangeError Asked(CertifiedKey key) =>
        Answer(KmsScene.Sent(KmsClient.Request(Wanted(MikeySuite.Aes128), Credential(People.Alice, key), Context))).Error;

    private GrantedKeys Granted(Identity user, Func<KmsCredential, KmsClientStep> begin)
    {
        var step = begin(Credential(user, user == People.Alice ? _people.AliceKey : _people.BobKey));
        return KmsScene.Keys(KmsClient.Next(step.State, Answer(KmsScene.Sent(step)).Response!.Value, Context));
    }

    private KmsCredential Credential(Identity user, CertifiedKey key) => new(user, People.Kms, null, null) { Certified = new(key, _people.KmsKey.Chain[0]) };

    private KmsAnswer Answer(Octets message) =>
        KmsServer.Answer(message, new KmsRegister(_users, _rules, _tickets, _now, new KmsCertificates(_people.KmsKey, _people.Root.Trust)), _replays, Context);

    private static TicketPolicy Wanted(MikeySuite suite, TicketFlags more = TicketFlags.None) => new(
        TicketKind.BaseTicket, suite.Prf,
        TicketFlags.ByKms | TicketFlags.ResolveAtKms | TicketFlags.Answered | TicketFlags.InitiatorRand | TicketFlags.ResponderKeys | more, 0,
        new([new RoleIdentity(IdentityRole.Initiator, People.Alice), new RoleIdentity(IdentityRole.Responder, People.Bob)]));

    /// <summary>With bob in the place of who has that role.</summary>
    private static MikeyMessage Named(MikeyMessage message, IdentityRole role) => message with
    {
        Payloads = new([.. message.Payloads.Select(p => p is RoleIdentity id && id.Role == role ? id with { Identity = People.Bob } : p)]),
    };

    private static MikeyMessage Resigned(MikeyMessage message, CertifiedKey key, Identity? by = null) =>
        key.Sign(message with { Payloads = new([.. message.Payloads.Items[..^1]]) }, (by ?? People.Alice).Name, People.Kms.Name);

    private static MikeyMessage Read(KmsClientStep step) =>
        MikeyReader.TryRead(KmsScene.Sent(step).Span, out var message, out var error) ? message! : throw new InvalidDataException($"{error}");

    private ExchangeContext Context => new(_now, Draw, TimeSpan.FromMinutes(1));

    private void Draw(Span<byte> span)
    {
        for (var at = 0; at < span.Length; at += 64)
        {
            var part = span[at..Math.Min(span.Length, at + 64)];
            SHA512.HashData([++_draws, 5]).AsSpan(0, part.Length).CopyTo(part);
        }
    }

    public sealed class People : IDisposable
    {
        public static readonly Identity Kms = Identity.Uri("sip:kms@example.com");
        public static readonly Identity Alice = Identity.Uri("sip:alice@example.com");
        public static readonly Identity Bob = Identity.Uri("sip:bob@example.com");

        public People() => (AliceKey, BobKey, KmsKey) = (Root.Issue(Alice.ToString()), Root.Issue(Bob.ToString()), Root.Issue(Kms.ToString()));

        internal Authority Root { get; } = new();

        internal Authority Other { get; } = new();

        internal CertifiedKey AliceKey { get; }

        internal CertifiedKey BobKey { get; }

        internal CertifiedKey KmsKey { get; }

        public void Dispose()
        {
            foreach (var key in new IDisposable[] { AliceKey, BobKey, KmsKey, Root, Other }) key.Dispose();
        }
    }
}
