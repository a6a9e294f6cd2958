using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using Xunit;
using Mode = ConfCluster.Protocols.Tests.Mikey.TransferScene.Mode;

namespace ConfCluster.Protocols.Tests.Mikey;

public class TransferTests
{
    public static TheoryData<bool, int, bool, bool> All()
    {
        var data = new TheoryData<bool, int, bool, bool>();
        foreach (var is256 in new[] { false, true })
            foreach (var mode in Enum.GetValues<Mode>())
                foreach (var forks in mode is Mode.ThreeRoundTrips or Mode.InitiatorMakes ? new[] { false, true } : [false])
                    foreach (var rand in new[] { false, true })
                        data.Add(is256, (int)mode, forks, rand);
        return data;
    }

    [Theory]
    [MemberData(nameof(All))]
    [Trait("RFC", "6043 §4.1.1")]
    [Trait("RFC", "6043 §4.2.2")]
    [Trait("RFC", "6043 §5.1.3")]
    public void Both_sides_have_the_same_keys_in_every_mode(bool is256, int mode, bool forks, bool responderRand)
    {
        using var scene = new TransferScene(
            Suite(is256), (Mode)mode, (forks ? TicketFlags.Forking : 0) | (responderRand ? TicketFlags.ResponderRand : 0));
        using var wish = scene.Kms.Wished(KeyType.TgkWithSalt, 7);
        using var granted = scene.Granted(wish);
        var step = TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, scene.Offered(), scene.Context);
        using var verified = scene.Verified(TransferScene.Sent(step));
        using var tek = scene.Tek(1);
        var (bob, response) = verified.Answer(KmsScene.Bob, TransferScene.Answered(1, tek), scene.Context);
        var next = TicketTransfer.Next(step.State, response, scene.Context);
        var alice = ((TransferState.Done)next.State).Bundle;
        var hers = next.Effects.OfType<TransferEffect.Agreed>().Single().Keys;

        Assert.Equal([KeyType.TgkWithSalt, KeyType.TekWithSalt], hers.Select(k => k.Type));
        Assert.True(hers[0].Key.FixedTimeEquals(verified.Keys[0].Key));
        Assert.Equal(forks, !granted.Keys[0].Key.FixedTimeEquals(hers[0].Key));
        Assert.True(hers[1].Key.FixedTimeEquals(tek.Key));
        Assert.Equal<GenericSession>(bob.Sessions, alice.Sessions);
        Assert.Equal(new SrtpPosition(0x2222, (3, 0x4444)), alice.Sessions[1].Position);
        foreach (var session in alice.Sessions)
        {
            using var a = alice.TrafficKey(session, hers);
            Assert.True(a!.Key.FixedTimeEquals(tek.Key) && a.Salt.FixedTimeEquals(tek.Salt!));
            Assert.Equal(TransferScene.Spi(1), a.Mki);
            using var fromTgk = alice.Bundle.TrafficKey(session.CsId, hers[0], scene.Srtp);
            using var his = bob.Bundle.TrafficKey(session.CsId, verified.Keys[0], scene.Srtp);
            Assert.True(fromTgk!.Key.FixedTimeEquals(his!.Key));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("RFC", "6043 §5.5")]
    public void Whatever_bit_of_a_transfer_is_flipped_it_is_refused(bool forks)
    {
        using var scene = new TransferScene(MikeySuite.Aes128, Mode.ThreeRoundTrips, forks ? TicketFlags.Forking | TicketFlags.ResponderRand : 0);
        using var granted = scene.Granted();
        var step = TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, scene.Offered(), scene.Context);
        var init = TransferScene.Sent(step);
        Assert.Equal(ExchangeError.None, TransferArrival.TryRead(init, scene.Replays, scene.Context, out var arrival));
        using var resolved = scene.Resolved(arrival!.Ticket);
        foreach (var bent in TransferScene.Bent(init))
        {
            if (TransferArrival.TryRead(bent, scene.Replays, scene.Context, out var other) != ExchangeError.None) continue;
            Assert.NotEqual(ExchangeError.None, other!.Verify(resolved, scene.Replays, scene.Context, out var none));
            Assert.Null(none);
        }

        Assert.Equal(0, scene.Replays.Count);
        Assert.Equal(ExchangeError.None, arrival.Verify(resolved, scene.Replays, scene.Context, out var verified));
        using var kept = verified;
        using var tek = scene.Tek(1);
        var (bob, response) = verified!.Answer(KmsScene.Bob, TransferScene.Answered(1, tek), scene.Context);
        foreach (var bent in TransferScene.Bent(response)) Ignored(TicketTransfer.Next(step.State, bent, scene.Context), step.State);
        bob.Bundle.Dispose();
    }

    [Fact]
    [Trait("RFC", "3830 §5.4")]
    public void A_transfer_that_comes_again_is_refused_before_and_after_it_was_resolved()
    {
        using var scene = new TransferScene(MikeySuite.Aes128);
        using var granted = scene.Granted();
        var init = TransferScene.Sent(TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, scene.Offered(), scene.Context));
        Assert.Equal(ExchangeError.None, TransferArrival.TryRead(init, scene.Replays, scene.Context, out var twin));
        using var first = scene.Verified(init);
        Assert.Equal(ExchangeError.Replayed, TransferArrival.TryRead(init, scene.Replays, scene.Context, out _));
        using var resolved = scene.Resolved(twin!.Ticket);
        Assert.Equal(ExchangeError.Replayed, twin.Verify(resolved, scene.Replays, scene.Context, out _));
        scene.Kms.Now += TimeSpan.FromMinutes(2);
        Assert.Equal(ExchangeError.BadTimestamp, TransferArrival.TryRead(init, scene.Replays, scene.Context, out _));
    }

    [Fact]
    [Trait("RFC", "6043 §6.10")]
    public void Who_steals_a_ticket_cannot_transfer_it()
    {
        using var scene = new TransferScene(MikeySuite.Aes256);
        using var granted = scene.Granted();

        // Eve has the ticket from the wire, and keys of her own in place of its keys.
        using var own = new GrantedKeys(granted.Ticket, new TransportedKey(KeyType.Mpk, SecretBytes.Create(32, s => s.Fill(9)), null, granted.Mpki.Validity), null, [], null);
        var asAlice = TransferScene.Sent(TicketTransfer.Begin(own, KmsScene.Alice, KmsScene.Bob, scene.Offered(), scene.Context));
        Assert.Equal(ExchangeError.None, TransferArrival.TryRead(asAlice, scene.Replays, scene.Context, out var arrival));
        using var resolved = scene.Resolved(arrival!.Ticket);
        Assert.Equal(ExchangeError.MacMismatch, arrival.Verify(resolved, scene.Replays, scene.Context, out _));
        var asEve = TransferScene.Sent(TicketTransfer.Begin(own, KmsScene.Eve, KmsScene.Bob, scene.Offered(), scene.Context));
        Assert.Equal(ExchangeError.WrongParty, TransferArrival.TryRead(asEve, scene.Replays, scene.Context, out _));
    }

    [Fact]
    [Trait("RFC", "6043 §6.10")]
    public void Keys_go_only_where_the_flags_let_them()
    {
        using var scene = new TransferScene(MikeySuite.Aes128);
        using var granted = scene.Granted();
        using var tek = scene.Tek(1);
        using var quiet = new GrantedKeys(
            granted.Ticket with { Policy = granted.Ticket.Policy with { Flags = granted.Ticket.Policy.Flags & ~TicketFlags.InitiatorKeys } }, granted.Mpki.Copy(), null, [], null);
        Assert.Throws<ArgumentException>(() => TicketTransfer.Begin(quiet, KmsScene.Alice, KmsScene.Bob, scene.Offered(tek), scene.Context));
        var loud = TransferScene.Sent(TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, scene.Offered(tek), scene.Context));
        Assert.True(MikeyReader.TryRead(loud.Span, out var message, out _));
        var forbidden = message! with { Payloads = new([.. message.Payloads.Select(p => p is Ticket ? quiet.Ticket : p)]) };
        Assert.Equal(ExchangeError.BadKeys, TransferArrival.TryRead(MikeyWriter.Write(forbidden), scene.Replays, scene.Context, out _));
    }

    [Fact]
    [Trait("RFC", "6043 §5.4")]
    public void Only_an_authentic_Error_ends_a_transfer()
    {
        using var scene = new TransferScene(MikeySuite.Aes128);
        using var granted = scene.Granted();
        var step = TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, scene.Offered(), scene.Context);
        using var verified = scene.Verified(TransferScene.Sent(step));
        var error = verified.Refuse(ExchangeError.BadPolicies, new([SrtpPolicy.AeadAes128Gcm.ToPayload(0)]), scene.Context);
        foreach (var bent in TransferScene.Bent(error)) Ignored(TicketTransfer.Next(step.State, bent, scene.Context), step.State);
        var failed = Assert.IsType<TransferState.Failed>(TicketTransfer.Next(step.State, error, scene.Context).State);
        Assert.Equal(ErrorNumber.InvalidPolicy, Assert.Single(failed.Said));
    }

    [Fact]
    [Trait("RFC", "6043 §6.1")]
    public void A_transfer_says_each_session_once_and_an_answer_leaves_none_out()
    {
        using var scene = new TransferScene(MikeySuite.Aes128);
        using var granted = scene.Granted();
        var twice = scene.Offered() with { Sessions = new([.. scene.Offered().Sessions, scene.Offered().Sessions[0]]) };
        var init = TransferScene.Sent(TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, twice, scene.Context));
        Assert.Equal(ExchangeError.BadSessions, TransferArrival.TryRead(init, scene.Replays, scene.Context, out _));
        var unsaid = scene.Offered() with { Policies = default };
        init = TransferScene.Sent(TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, unsaid, scene.Context));
        Assert.Equal(ExchangeError.BadPolicies, TransferArrival.TryRead(init, scene.Replays, scene.Context, out _));
        using var verified = scene.Verified(TransferScene.Sent(TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, scene.Offered(), scene.Context)));
        var half = TransferScene.Answered(1) with { Sessions = new([TransferScene.Answered(1).Sessions[0]]) };
        Assert.Throws<ArgumentException>(() => verified.Answer(KmsScene.Bob, half, scene.Context));
    }

    [Fact]
    [Trait("RFC", "6043 §5.2")]
    public void Without_an_answer_updates_are_under_the_keys_of_TRANSFER_INIT()
    {
        using var scene = new TransferScene(MikeySuite.Aes128);
        using var wish = scene.Kms.Wished(KeyType.TgkWithSalt, 7);
        var policy = scene.Kms.Policy(TicketFlags.None, wish) with { Flags = scene.Flags & ~(TicketFlags.Answered | TicketFlags.ResponderKeys) };
        using var granted = scene.Kms.Granted(policy);
        var step = TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, scene.Updating(7), scene.Context);
        var alice = new UpdateState(Assert.IsType<TransferState.Done>(step.State).Bundle);
        using var verified = scene.Verified(TransferScene.Sent(step));
        var bob = new UpdateState(verified.WithoutAnswer());
        using var tek = scene.Tek(2);
        var update = CsbUpdate.Begin(alice, scene.Updating(2, tek), scene.Context);
        var taken = Assert.IsType<UpdateEffect.Updated>(Assert.Single(CsbUpdate.Next(bob, TransferScene.Sent(update), scene.Context).Effects));
        Assert.True(Assert.Single(taken.Keys).Key.FixedTimeEquals(tek.Key));
    }

    private static MikeySuite Suite(bool is256) => is256 ? MikeySuite.Aes256 : MikeySuite.Aes128;

    private static void Ignored(TransferStep step, TransferState state)
    {
        Assert.Same(state, step.State);
        Assert.IsType<TransferEffect.Ignored>(Assert.Single(step.Effects));
    }
}
