using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>The pre-shared key mode of RFC 3830.</summary>
public sealed class PreSharedTests : IDisposable
{
    private static readonly Identity Alice = Identity.Uri("sip:alice@example.com");
    private static readonly Identity Bob = Identity.Uri("sip:bob@example.com");
    private readonly SecretBytes _psk = SecretBytes.Create(16, s => s.Fill(3));
    private readonly ReplayCache _replays = new(16, TimeSpan.FromMinutes(1));
    private readonly ExchangeContext _context = new(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero), s => s.Fill(0x61), TimeSpan.FromMinutes(1));

    public void Dispose() => _psk.Dispose();

    [Theory]
    [InlineData(KeyType.Tgk, false)]
    [InlineData(KeyType.TgkWithSalt, false)]
    [InlineData(KeyType.TekWithSalt, false)]
    [InlineData(KeyType.TgkWithSalt, true)]
    [Trait("RFC", "3830 §3.1")]
    [Trait("RFC", "3830 §4.1.3")]
    public void Both_sides_have_the_same_traffic_keys(KeyType type, bool is256)
    {
        using var key = Key(type, is256 ? 32 : 16);
        var (state, sent) = PreSharedExchange.Begin(Terms(key, is256), wantsAnswer: true, _context);
        var arrival = Receive(sent);
        Assert.Equal(ExchangeError.None, arrival.Error);
        var policy = is256 ? SrtpPolicy.AesCm256Tag80 : SrtpPolicy.AesCm128Tag80;
        using var his = PreSharedExchange.TrafficKey(arrival.Init!, 2, arrival.Keys[0], policy);
        using var hers = PreSharedExchange.TrafficKey(((PreSharedState.Waiting)state).Init, 2, key, policy);
        Assert.True(his!.Key.FixedTimeEquals(hers!.Key) && his.Salt.FixedTimeEquals(hers.Salt));
        Assert.Equal(policy.KeyLength, his.Key.Length);
        var answer = PreSharedExchange.Verify(arrival.Init!, _psk, Sessions(0x22))!.Value;
        var done = Assert.IsType<PreSharedState.Done>(PreSharedExchange.Next(state, answer).State);
        Assert.Equal(0x22u, done.Sessions[1].Ssrc);
    }

    [Fact]
    [Trait("RFC", "3830 §5.2")]
    public void Whatever_bit_is_flipped_nothing_is_believed()
    {
        using var key = Key(KeyType.TgkWithSalt, 16);
        var (state, sent) = PreSharedExchange.Begin(Terms(key, false), wantsAnswer: true, _context);
        foreach (var bent in TransferScene.Bent(sent)) Assert.NotEqual(ExchangeError.None, Receive(bent).Error);
        Assert.Equal(0, _replays.Count);
        var arrival = Receive(sent);
        foreach (var message in new[] { PreSharedExchange.Verify(arrival.Init!, _psk, Sessions(0x22))!.Value, PreSharedExchange.Refuse(arrival.Init!, _psk, ExchangeError.BadPolicies) })
        {
            foreach (var bent in TransferScene.Bent(message))
            {
                var (next, ignored) = PreSharedExchange.Next(state, bent);
                Assert.Same(state, next);
                Assert.NotEqual(ExchangeError.None, ignored);
            }
        }

        var refused = Assert.IsType<PreSharedState.Failed>(PreSharedExchange.Next(state, PreSharedExchange.Refuse(arrival.Init!, _psk, ExchangeError.BadPolicies)).State);
        Assert.Equal(ErrorNumber.InvalidPolicy, Assert.Single(refused.Said));
    }

    [Fact]
    [Trait("RFC", "3830 §5.4")]
    public void A_message_that_comes_again_or_comes_back_is_refused()
    {
        using var key = Key(KeyType.TgkWithSalt, 16);
        var (state, sent) = PreSharedExchange.Begin(Terms(key, false), wantsAnswer: true, _context);
        Assert.Equal(ExchangeError.WrongParty, PreSharedExchange.Receive(sent, Alice, _ => _psk, _replays, _context).Error);
        Assert.Equal(ExchangeError.None, Receive(sent).Error);
        Assert.Equal(ExchangeError.Replayed, Receive(sent).Error);
        Assert.Same(state, PreSharedExchange.Next(state, sent).State);
        Assert.Equal(ExchangeError.MacMismatch, PreSharedExchange.Receive(sent, Bob, _ => null, new ReplayCache(4, TimeSpan.FromMinutes(1)), _context).Error);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [Trait("RFC", "3830 §5.2")]
    public void The_computed_messages_are_understood(int index)
    {
        var v = VectorFile.Json("mikey/mikey_messages_computed.json").GetProperty("rfc3830_psk")[index];
        using var psk = MikeyCodecVectors.Secret(v, "psk");
        var sent = Octets.CopyOf(MikeyCodecVectors.Hex(v, "I_MESSAGE"));
        Assert.True(MikeyReader.TryRead(sent.Span, out var init, out _));
        var time = init!.First<Timestamp>()!.Time.ToTime()!.Value;
        var focus = Identity.Uri(v.GetProperty("identity_r").GetString()!);
        var arrival = PreSharedExchange.Receive(sent, focus, _ => psk, _replays, _context with { Now = time });
        if (index == 1)
        {
            // Its RAND of 16 octets is shorter than its key of 32 (RFC 3830 §6.11 asks for 16 at least, so it is taken).
            Assert.Equal(32, psk.Length);
        }

        Assert.Equal(ExchangeError.None, arrival.Error);
        Assert.Equal(MikeyCodecVectors.Hex(v, "R_MESSAGE"), PreSharedExchange.Verify(arrival.Init!, psk, ((CsIdMap.Srtp)Read(v, "R_MESSAGE").Header.Map).Sessions)!.Value.Span.ToArray());
        foreach (var tek in v.GetProperty("teks").EnumerateArray())
        {
            var policy = index == 0 ? SrtpPolicy.AesCm128Tag80 : SrtpPolicy.AesCm256Tag80;
            using var key = PreSharedExchange.TrafficKey(arrival.Init!, tek.GetProperty("cs_id").GetByte(), arrival.Keys[0], policy);
            Assert.Equal(MikeyCodecVectors.Hex(tek, "tek"), key!.Key.Reveal().ToArray());
            Assert.Equal(MikeyCodecVectors.Hex(tek, "master_salt"), key.Salt.Reveal().ToArray());
        }
    }

    private static MikeyMessage Read(System.Text.Json.JsonElement v, string name) =>
        MikeyReader.TryRead(MikeyCodecVectors.Hex(v, name), out var message, out _) ? message! : throw new InvalidDataException(name);

    private PreSharedArrival Receive(Octets sent) => PreSharedExchange.Receive(sent, Bob, who => who == Alice ? _psk : null, _replays, _context);

    private PreSharedTerms Terms(TransportedKey key, bool is256) => new(
        is256 ? MikeySuite.Aes256 : MikeySuite.Aes128, _psk, Alice, Bob, Sessions(0),
        new([(is256 ? SrtpPolicy.AesCm256Tag80 : SrtpPolicy.AesCm128Tag80).ToPayload(0)]), [key], new([GeneralExtension.SdpIds("mikey")]));

    private static ListOf<SrtpSession> Sessions(uint second) => new([new SrtpSession(0, 0x11, 0), new SrtpSession(0, second, 0)]);

    private static TransportedKey Key(KeyType type, int length) => new(
        type, SecretBytes.Create(length, s => s.Fill(0x41)), type.HasSalt() ? SecretBytes.Create(14, s => s.Fill(0x42)) : null, new KeyValidity.Named(Octets.CopyOf([0, 0, 0, 1])));
}
