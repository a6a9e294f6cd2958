using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

public class KmsExchangeTests
{
    public static TheoryData<bool, bool> All => new() { { false, false }, { false, true }, { true, false }, { true, true } };

    [Theory]
    [MemberData(nameof(All))]
    [Trait("RFC", "6043 §4.2.1.5")]
    [Trait("RFC", "6043 §4.2.3.5")]
    [Trait("RFC", "6043 §5.1.1")]
    public void Who_asked_for_a_ticket_and_who_resolves_it_have_the_same_keys(bool is256, bool forks)
    {
        var scene = Scene(is256);
        using var wish = scene.Wished(KeyType.TgkWithSalt, 7);
        using var group = scene.Wished(KeyType.Gtgk, 8);
        using var mine = scene.Granted(scene.Policy(forks ? TicketFlags.Forking : TicketFlags.None, wish, group));
        Assert.Equal([KeyType.TgkWithSalt, KeyType.Gtgk], mine.Keys.Select(k => k.Type));
        Assert.Null(mine.Ticket.Policy.Wish);

        var ticket = forks ? Proven(mine) : mine.Ticket;
        var step = KmsClient.Resolve(ticket, scene.Of(KmsScene.Bob), scene.Context);
        using var his = KmsScene.Keys(KmsClient.Next(step.State, scene.Answer(KmsScene.Sent(step)).Response!.Value, scene.Context));
        Assert.True(mine.Mpki.Key.FixedTimeEquals(his.Mpki.Key));
        Assert.True(mine.Keys[1].Key.FixedTimeEquals(his.Keys[1].Key));
        Assert.Equal(!forks, mine.Keys[0].Key.FixedTimeEquals(his.Keys[0].Key));
        Assert.Equal(forks, his.Modifier is not null);
        if (his.Modifier is not var (responder, rand)) return;
        using var forked = KeyFork.Session(ticket.Policy.Prf, mine.Keys[0], responder, rand);
        using var mpkr = KeyFork.Mpk(ticket.Policy.Prf, mine.Mpkr!, responder, rand);
        Assert.True(forked.Key.FixedTimeEquals(his.Keys[0].Key));
        Assert.True(mpkr.Key.FixedTimeEquals(his.Mpkr!.Key));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("RFC", "6043 §5.5")]
    public void Whatever_bit_is_flipped_the_message_is_refused(bool is256)
    {
        var scene = Scene(is256);
        var request = KmsClient.Request(scene.Policy(), scene.Of(KmsScene.Alice), scene.Context);
        foreach (var bent in Bent(KmsScene.Sent(request))) Refused(scene.Answer(bent));
        Assert.Equal(0, scene.Replays.Count);
        var answer = scene.Answer(KmsScene.Sent(request)).Response!.Value;
        foreach (var bent in Bent(answer)) Ignored(KmsClient.Next(request.State, bent, scene.Context), request.State);
        using var mine = KmsScene.Keys(KmsClient.Next(request.State, answer, scene.Context));

        var resolve = KmsClient.Resolve(mine.Ticket, scene.Of(KmsScene.Bob), scene.Context);
        foreach (var bent in Bent(KmsScene.Sent(resolve))) Refused(scene.Answer(bent));
        answer = scene.Answer(KmsScene.Sent(resolve)).Response!.Value;
        foreach (var bent in Bent(answer)) Ignored(KmsClient.Next(resolve.State, bent, scene.Context), resolve.State);
    }

    [Fact]
    [Trait("RFC", "3830 §5.4")]
    public void A_replay_is_refused_and_so_is_a_message_of_another_time()
    {
        var scene = Scene(false);
        var sent = KmsScene.Sent(KmsClient.Request(scene.Policy(), scene.Of(KmsScene.Alice), scene.Context));
        Assert.Equal(ExchangeError.None, scene.Answer(sent).Error);
        Assert.Equal(ExchangeError.Replayed, scene.Answer(sent).Error);
        scene.Now += TimeSpan.FromMinutes(2);
        Assert.Equal(ExchangeError.BadTimestamp, scene.Answer(sent).Error);
    }

    [Fact]
    [Trait("RFC", "3830 §5.4")]
    public void A_full_cache_lets_no_replay_through()
    {
        var cache = new ReplayCache(4, TimeSpan.FromMinutes(1));
        var now = new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);
        var all = Enumerable.Range(0, 50).Select(i => (Time: MikeyTime.At(now.AddSeconds(i % 30)), Text: Octets.CopyOf([(byte)i]))).ToList();
        foreach (var (time, text) in all)
        {
            if (cache.Accepts(time, text, now) == ExchangeError.None) cache.Commit(time, text, now);
            Assert.InRange(cache.Count, 1, 4);
            Assert.NotEqual(ExchangeError.None, cache.Accepts(time, text, now));
        }

        Assert.All(all, a => Assert.NotEqual(ExchangeError.None, cache.Accepts(a.Time, a.Text, now)));
        cache.Forget(now);
        Assert.Equal(ExchangeError.Replayed, cache.Accepts(MikeyTime.At(now.AddSeconds(59)), Octets.CopyOf([99]), now));
    }

    [Fact]
    public void A_stolen_ticket_is_not_resolved_for_somebody_else_and_he_is_named()
    {
        var scene = Scene(true);
        using var mine = scene.Granted(scene.Policy());
        var step = KmsClient.Resolve(mine.Ticket, scene.Of(KmsScene.Eve), scene.Context);
        var answer = scene.Answer(KmsScene.Sent(step));
        Assert.Equal((ExchangeError.NotAuthorised, KmsScene.Eve), (answer.Error, answer.User!.Value));
        var failed = Assert.IsType<KmsClientState.Failed>(KmsClient.Next(step.State, answer.Response!.Value, scene.Context).State);
        Assert.Equal(ErrorNumber.AuthenticationFailure, Assert.Single(failed.Said));
        foreach (var bent in Bent(answer.Response.Value)) Ignored(KmsClient.Next(step.State, bent, scene.Context), step.State);
    }

    [Fact]
    [Trait("RFC", "6043 §6.10")]
    public void Forking_without_the_Initiators_proof_is_refused()
    {
        var scene = Scene(true);
        using var mine = scene.Granted(scene.Policy(TicketFlags.Forking));
        Assert.Equal(ExchangeError.BadTicket, Resolved(scene, mine.Ticket));
        var proven = Proven(mine);
        foreach (var bent in Bent(proven.Proof)) Assert.Equal(ExchangeError.BadTicket, Resolved(scene, proven with { Proof = bent }));
        Assert.Equal(ExchangeError.None, Resolved(scene, proven));
    }

    [Fact]
    public void Messages_of_the_KMS_and_of_clients_do_not_come_back_as_something_else()
    {
        var scene = Scene(false);
        var step = KmsClient.Request(scene.Policy(), scene.Of(KmsScene.Alice), scene.Context);
        Ignored(KmsClient.Next(step.State, KmsScene.Sent(step), scene.Context), step.State);
        var answer = scene.Answer(KmsScene.Sent(step)).Response!.Value;
        Assert.Equal(ExchangeError.UnexpectedMessage, scene.Answer(answer).Error);
        var other = KmsClient.Request(scene.Policy(), scene.Of(KmsScene.Alice), scene.Context);
        Ignored(KmsClient.Next(other.State, answer, scene.Context), other.State);
    }

    [Fact]
    public void Who_was_struck_off_gets_nothing_and_cannot_be_told_from_who_never_was()
    {
        var scene = Scene(false);
        var step = KmsClient.Request(scene.Policy(), scene.Of(KmsScene.Alice), scene.Context);
        scene.Struck.Add(KmsScene.Alice);
        var answer = scene.Answer(KmsScene.Sent(step));
        Assert.Equal((ExchangeError.MacMismatch, null), (answer.Error, answer.User));
    }

    [Fact]
    public void A_ticket_that_has_run_out_is_refused()
    {
        var scene = Scene(false);
        using var mine = scene.Granted(scene.Policy());
        scene.Now += TimeSpan.FromHours(2);
        Assert.Equal(ExchangeError.BadTicketPolicy, Resolved(scene, mine.Ticket));
    }

    private static KmsScene Scene(bool is256) => new(is256 ? MikeySuite.Aes256 : MikeySuite.Aes128);

    private static ExchangeError Resolved(KmsScene scene, Ticket ticket) =>
        scene.Answer(KmsScene.Sent(KmsClient.Resolve(ticket, scene.Of(KmsScene.Bob), scene.Context))).Error;

    private static Ticket Proven(GrantedKeys keys)
    {
        var v = new Verification(MikeySuite.Of(keys.Ticket.Policy.Prf)!.Mac, Octets.Zero(MikeySuite.Of(keys.Ticket.Policy.Prf)!.Mac.Length()));
        return keys.Ticket with { Proof = InitiatorProofs.Make(v, keys.Ticket.Policy.Prf, keys.Mpkr!.Key) };
    }

    private static void Refused(KmsAnswer answer)
    {
        Assert.NotEqual(ExchangeError.None, answer.Error);
        Assert.Null(answer.User);
    }

    private static void Ignored(KmsClientStep step, KmsClientState state)
    {
        Assert.Same(state, step.State);
        Assert.IsType<KmsClientEffect.Ignored>(Assert.Single(step.Effects));
    }

    private static IEnumerable<Octets> Bent(Octets message)
    {
        for (var bit = 0; bit < 8 * message.Length; bit++)
        {
            var copy = message.Span.ToArray();
            copy[bit / 8] ^= (byte)(1 << (bit % 8));
            yield return Octets.CopyOf(copy);
        }
    }
}
