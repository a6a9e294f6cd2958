using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>Updates of a bundle under a pre-shared key, from both sides.</summary>
[Trait("RFC", "3830 §4.5")]
public sealed class PreSharedUpdateTests : IDisposable
{
    private static readonly Identity Alice = Identity.Uri("sip:alice@example.com");
    private static readonly Identity Bob = Identity.Uri("sip:bob@example.com");
    private static readonly ListOf<SecurityPolicy> Policies = new([SrtpPolicy.AesCm128Tag80.ToPayload(0)]);
    private readonly SecretBytes _psk = SecretBytes.Create(16, s => s.Fill(3));
    private readonly PreSharedBundle _alice;
    private readonly PreSharedBundle _bob;
    private ExchangeContext _context = new(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero), s => s.Fill(0x61), TimeSpan.FromMinutes(1));

    public PreSharedUpdateTests()
    {
        using var key = Key(1);
        var terms = new PreSharedTerms(MikeySuite.Aes128, _psk, Alice, Bob, Sessions(0), Policies, [key]);
        var (state, sent) = PreSharedExchange.Begin(terms, wantsAnswer: true, _context);
        var arrival = PreSharedExchange.Receive(sent, Bob, _ => _psk, new ReplayCache(4, TimeSpan.FromMinutes(1)), _context);
        foreach (var brought in arrival.Keys) brought.Dispose();
        _alice = PreSharedBundle.Of(((PreSharedState.Waiting)state).Init, _psk, BundleRole.Initiator);
        _bob = PreSharedBundle.Of(arrival.Init!, _psk, BundleRole.Responder);
        Later();
    }

    public void Dispose() => _psk.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whoever_starts_it_the_other_side_has_the_new_key(bool byResponder)
    {
        var (from, to) = byResponder ? (_bob, _alice) : (_alice, _bob);
        for (byte number = 2; number < 5; number++)
        {
            using var key = Key(number);
            (from, var sent) = Begin(from, key);
            Assert.True(MikeyReader.TryRead(sent.Span, out var message, out _));
            Assert.Null(message!.First<RandomValue>());
            Assert.Equal(_alice.Init.CsbId, message.CsbId);
            (to, var arrival) = PreSharedUpdate.Receive(to, sent, _context);
            Assert.Equal(ExchangeError.None, arrival.Error);
            using var brought = Assert.Single(arrival.Keys);
            Assert.True(brought.Key.FixedTimeEquals(key.Key) && brought.Spi == key.Spi);
            using var his = from.TrafficKey(2, key, SrtpPolicy.AesCm128Tag80);
            using var hers = to.TrafficKey(2, brought, SrtpPolicy.AesCm128Tag80);
            Assert.True(his!.Key.FixedTimeEquals(hers!.Key));
            (from, var error) = PreSharedUpdate.Confirm(from, PreSharedUpdate.Answer(to, arrival.Init!, Sessions(0x22))!.Value);
            Assert.Equal((ExchangeError.None, true), (error, from.Pending is null));
            Later();
        }
    }

    [Fact]
    public void It_needs_no_key_and_no_names()
    {
        var (_, sent) = PreSharedUpdate.Begin(_alice, Sessions(0), default, [], default, _context);
        var (_, arrival) = PreSharedUpdate.Receive(_bob, sent, _context);
        Assert.Equal((ExchangeError.None, 0), (arrival.Error, arrival.Keys.Length));

        // What another program may leave out, made here with our own key of the message.
        var keys = _alice.Keys;
        var time = BundleClock.Next(_alice.Newest, _context.Now, BundleRole.Initiator);
        var bare = MikeyMac.SealKemac(
            new MikeyMessage(_alice.Init.Header, new Timestamp(time), KeyTransport.Seal(keys, _alice.Init.CsbId, time)), keys);
        Assert.Equal(ExchangeError.None, PreSharedUpdate.Receive(_bob, MikeyWriter.Write(bare), _context).Arrival.Error);
    }

    [Fact]
    [Trait("RFC", "3830 §5.2")]
    public void Whatever_bit_is_flipped_nothing_is_believed()
    {
        using var key = Key(2);
        var (alice, sent) = Begin(_alice, key);
        foreach (var bent in TransferScene.Bent(sent))
        {
            var (next, refused) = PreSharedUpdate.Receive(_bob, bent, _context);
            Assert.Same(_bob, next);
            Assert.NotEqual(ExchangeError.None, refused.Error);
        }

        var (bob, arrival) = PreSharedUpdate.Receive(_bob, sent, _context);
        arrival.Keys[0].Dispose();
        foreach (var bent in TransferScene.Bent(PreSharedUpdate.Answer(bob, arrival.Init!, Sessions(0x22))!.Value))
        {
            var (next, error) = PreSharedUpdate.Confirm(alice, bent);
            Assert.Same(alice, next);
            Assert.NotEqual(ExchangeError.None, error);
        }
    }

    [Fact]
    [Trait("RFC", "3830 §5.4")]
    public void What_comes_again_or_comes_back_or_is_old_is_refused()
    {
        using var key = Key(2);
        var (alice, sent) = Begin(_alice, key);
        Assert.Equal(ExchangeError.Replayed, PreSharedUpdate.Receive(alice, sent, _context).Arrival.Error);
        Assert.Equal(ExchangeError.WrongParty, PreSharedUpdate.Receive(_alice, sent, _context).Arrival.Error);
        var (bob, arrival) = PreSharedUpdate.Receive(_bob, sent, _context);
        arrival.Keys[0].Dispose();
        Assert.Equal(ExchangeError.Replayed, PreSharedUpdate.Receive(bob, sent, _context).Arrival.Error);
        Assert.Equal(ExchangeError.Replayed, PreSharedUpdate.Receive(bob, MikeyWriter.Write(_alice.Init with { Payloads = Without(_alice.Init) }), _context).Arrival.Error);
        Assert.Equal(ExchangeError.BadTimestamp, PreSharedUpdate.Receive(_bob, sent, _context with { Now = _context.Now.AddMinutes(2) }).Arrival.Error);
        var answer = PreSharedUpdate.Answer(bob, arrival.Init!, Sessions(0x22))!.Value;
        (alice, _) = PreSharedUpdate.Confirm(alice, answer);
        Assert.Equal(ExchangeError.UnexpectedMessage, PreSharedUpdate.Confirm(alice, answer).Error);
        (alice, _) = Begin(alice, key);
        Assert.Equal(ExchangeError.BadTimestamp, PreSharedUpdate.Confirm(alice, answer).Error);
    }

    [Fact]
    [Trait("RFC", "3830 §4.2.3")]
    public void Two_that_cross_are_never_under_one_key_stream()
    {
        using var key = Key(2);
        var (alice, hers) = Begin(_alice, key);
        var (bob, his) = Begin(_bob, key);
        Assert.NotEqual(alice.Newest, bob.Newest);
        Assert.True(MikeyReader.TryRead(hers.Span, out var one, out _) && MikeyReader.TryRead(his.Span, out var other, out _)
            && ((Kemac)one!.Last!).Encrypted != ((Kemac)other!.Last!).Encrypted);

        // The later one is taken, the earlier one is not newer than what its receiver has sent.
        Assert.Equal(ExchangeError.Replayed, PreSharedUpdate.Receive(bob, hers, _context).Arrival.Error);
        var (_, arrival) = PreSharedUpdate.Receive(alice, his, _context);
        Assert.Equal(ExchangeError.None, arrival.Error);
        arrival.Keys[0].Dispose();
    }

    [Fact]
    public void An_update_with_a_RAND_a_strange_bundle_or_a_policy_that_nobody_said_is_refused()
    {
        using var key = Key(2);
        var keys = _alice.Keys;
        var time = BundleClock.Next(_alice.Newest, _context.Now, BundleRole.Initiator);
        var sealedKeys = KeyTransport.Seal(keys, _alice.Init.CsbId, time, key);
        Assert.Equal(ExchangeError.UnexpectedMessage, Sent(_alice.Init.Header, new Timestamp(time), new RandomValue(Octets.Zero(16)), sealedKeys));
        Assert.Equal(ExchangeError.UnexpectedMessage, Sent(_alice.Init.Header with { CsbId = _alice.Init.CsbId + 1 }, new Timestamp(time), sealedKeys));
        var strange = _alice.Init.Header with { Map = new CsIdMap.Srtp(new([new SrtpSession(7, 1, 0)])) };
        Assert.Equal(ExchangeError.BadPolicies, Sent(strange, new Timestamp(time), sealedKeys));
        Assert.Equal(ExchangeError.MissingPayload, Sent(_alice.Init.Header, sealedKeys));

        ExchangeError Sent(MikeyHeader header, params ReadOnlySpan<MikeyPayload> payloads) => PreSharedUpdate.Receive(
            _bob, MikeyWriter.Write(MikeyMac.SealKemac(new MikeyMessage(header, payloads), keys)), _context).Arrival.Error;
    }

    [Fact]
    public void An_answer_fills_in_what_was_left_open_and_changes_nothing_else()
    {
        using var key = Key(2);
        var (alice, sent) = Begin(_alice, key);
        var (bob, arrival) = PreSharedUpdate.Receive(_bob, sent, _context);
        arrival.Keys[0].Dispose();
        var other = new ListOf<SrtpSession>([new SrtpSession(0, 0x12, 0), new SrtpSession(0, 0x22, 0)]);
        Assert.Equal(ExchangeError.BadSessions, PreSharedUpdate.Confirm(alice, PreSharedUpdate.Answer(bob, arrival.Init!, other)!.Value).Error);
        Assert.Equal(ExchangeError.None, PreSharedUpdate.Confirm(alice, PreSharedUpdate.Answer(bob, arrival.Init!, Sessions(0x22))!.Value).Error);
    }

    private void Later() => _context = _context with { Now = _context.Now.AddSeconds(1) };

    private (PreSharedBundle Next, Octets Sent) Begin(PreSharedBundle from, TransportedKey key) =>
        PreSharedUpdate.Begin(from, Sessions(0), Policies, [key], new([GeneralExtension.SdpIds("mikey")]), _context);

    private static ListOf<MikeyPayload> Without(MikeyMessage init) => new([.. init.Payloads.Where(p => p is not RandomValue)]);

    private static ListOf<SrtpSession> Sessions(uint second) => new([new SrtpSession(0, 0x11, 0), new SrtpSession(0, second, 0)]);

    private static TransportedKey Key(byte number) => new(
        KeyType.TgkWithSalt, SecretBytes.Create(16, s => s.Fill(number)), SecretBytes.Create(14, s => s.Fill(0x42)), new KeyValidity.Named(Octets.CopyOf([0, 0, 0, number])));
}
