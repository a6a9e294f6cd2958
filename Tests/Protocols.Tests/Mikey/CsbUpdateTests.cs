using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

public class CsbUpdateTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("RFC", "6043 §5.2")]
    public void Either_side_brings_a_new_key(bool byInitiator)
    {
        using var scene = new TransferScene(MikeySuite.Aes256);
        var (alice, bob, _) = scene.Run();
        var (from, to) = byInitiator ? (alice, bob) : (bob, alice);
        using var tek = scene.Tek(2);
        var update = CsbUpdate.Begin(from, scene.Updating(2, tek), scene.Context);
        var taken = CsbUpdate.Next(to, TransferScene.Sent(update), scene.Context);
        var updated = Assert.IsType<UpdateEffect.Updated>(Assert.Single(taken.Effects));
        Assert.True(updated.WantsAnswer);
        Assert.True(Assert.Single(updated.Keys).Key.FixedTimeEquals(tek.Key));
        var answer = CsbUpdate.Answer(taken.State, updated, TransferScene.Answered(2), scene.Context);
        var done = CsbUpdate.Next(update.State, TransferScene.Sent(answer), scene.Context);
        Assert.Empty(Assert.IsType<UpdateEffect.Confirmed>(Assert.Single(done.Effects)).Keys);
        Assert.Null(done.State.Pending);
        Assert.All(done.State.Bundle.Sessions, s => Assert.Equal(TransferScene.Spi(2), s.Spi));
    }

    [Fact]
    [Trait("RFC", "6043 §5.5")]
    public void Whatever_bit_of_an_update_is_flipped_nothing_changes()
    {
        using var scene = new TransferScene(MikeySuite.Aes128);
        var (alice, bob, _) = scene.Run();
        using var tek = scene.Tek(2);
        var update = CsbUpdate.Begin(bob, scene.Updating(2, tek), scene.Context);
        foreach (var bent in TransferScene.Bent(TransferScene.Sent(update))) Ignored(CsbUpdate.Next(alice, bent, scene.Context), alice);
        var taken = CsbUpdate.Next(alice, TransferScene.Sent(update), scene.Context);
        var answer = TransferScene.Sent(CsbUpdate.Answer(taken.State, (UpdateEffect.Updated)taken.Effects[0], TransferScene.Answered(2), scene.Context));
        foreach (var bent in TransferScene.Bent(answer)) Ignored(CsbUpdate.Next(update.State, bent, scene.Context), update.State);
        var refusal = CsbUpdate.Refuse(taken.State, ExchangeError.BadPolicies, scene.Context);
        foreach (var bent in TransferScene.Bent(refusal)) Ignored(CsbUpdate.Next(update.State, bent, scene.Context), update.State);
        var refused = Assert.IsType<UpdateEffect.Refused>(Assert.Single(CsbUpdate.Next(update.State, refusal, scene.Context).Effects));
        Assert.Equal(ErrorNumber.InvalidPolicy, Assert.Single(refused.Said));
    }

    [Fact]
    public void An_update_that_comes_back_or_comes_again_is_refused()
    {
        using var scene = new TransferScene(MikeySuite.Aes128);
        var (alice, bob, _) = scene.Run();
        using var tek = scene.Tek(2);
        var update = CsbUpdate.Begin(bob, scene.Updating(2, tek), scene.Context);
        Assert.Equal(ExchangeError.WrongParty, Ignored(CsbUpdate.Next(update.State, TransferScene.Sent(update), scene.Context), update.State));
        var taken = CsbUpdate.Next(alice, TransferScene.Sent(update), scene.Context);
        Assert.Equal(ExchangeError.Replayed, Ignored(CsbUpdate.Next(taken.State, TransferScene.Sent(update), scene.Context), taken.State));
        var other = scene.Run();
        Assert.Equal(ExchangeError.UnexpectedMessage, Ignored(CsbUpdate.Next(other.Alice, TransferScene.Sent(update), scene.Context), other.Alice));
        scene.Kms.Now += TimeSpan.FromMinutes(2);
        Assert.Equal(ExchangeError.BadTimestamp, Ignored(CsbUpdate.Next(alice, TransferScene.Sent(update), scene.Context), alice));
    }

    [Fact]
    [Trait("RFC", "6043 §5.2")]
    public void An_update_brings_neither_RAND_nor_ticket_and_no_key_against_the_flags()
    {
        using var scene = new TransferScene(MikeySuite.Aes128);
        var (alice, bob, _) = scene.Run();
        using var tek = scene.Tek(2);
        using var granted = scene.Granted();
        var loud = bob with { Bundle = bob.Bundle with { Bundle = With(bob.Bundle.Bundle, bob.Bundle.Bundle.Policy) } };
        var quiet = alice with { Bundle = alice.Bundle with { Bundle = With(alice.Bundle.Bundle, alice.Bundle.Bundle.Policy with { Flags = scene.Flags & ~TicketFlags.ResponderKeys }) } };
        var sent = TransferScene.Sent(CsbUpdate.Begin(loud, scene.Updating(2, tek), scene.Context));
        Assert.Equal(ExchangeError.BadKeys, Assert.IsType<UpdateEffect.Unacceptable>(Assert.Single(CsbUpdate.Next(quiet, sent, scene.Context).Effects)).Error);
        Assert.True(MikeyReader.TryRead(sent.Span, out var message, out _));
        foreach (var more in new MikeyPayload[] { granted.Ticket, new RoleRand(RandRole.Initiator, Octets.Zero(16)) })
        {
            var with = message! with { Payloads = new([.. message.Payloads.Items[..^1], more, message.Last!]) };
            Assert.Equal(ExchangeError.UnexpectedMessage, Ignored(CsbUpdate.Next(alice, MikeyWriter.Write(with), scene.Context), alice));
        }
    }

    /// <summary>
    /// Two sides and a network that loses, repeats, delays, swaps and returns messages, while clocks run or stand. Whatever comes: no two
    /// KEMACs of a bundle have one T, nothing is taken twice, and both sides have what was taken.
    /// </summary>
    [Fact]
    [Trait("RFC", "3830 §5.4")]
    public void However_messages_run_each_is_taken_once_and_no_T_repeats() => Gen.Int[0, 11].Array[1, 60].Sample(steps =>
    {
        using var scene = new TransferScene(MikeySuite.Aes128);
        var (alice, bob, _) = scene.Run();
        UpdateState[] sides = [alice, bob];
        var wire = new List<(int From, Octets Message)>();
        var taken = new HashSet<Octets>[] { [], [] };
        var times = new HashSet<ulong>();
        byte number = 1;
        foreach (var choice in steps)
        {
            var side = choice & 1;
            switch (choice >> 1)
            {
                case 0:
                    using (var tek = scene.Tek(++number)) sides[side] = Put(CsbUpdate.Begin(sides[side], scene.Updating(number, tek), scene.Context), side);
                    break;
                case 1 when wire.Count > 0:
                    Deliver(wire[0].Message, side, isLost: true);
                    break;
                case 2 when wire.Count > 0:
                    Deliver(wire[^1].Message, side, isLost: false);
                    break;
                case 3 when wire.Count > 0:
                    wire.RemoveAt(0);
                    break;
                case 4:
                    scene.Kms.Now += TimeSpan.FromMilliseconds(side == 0 ? 0.0001 : 700);
                    break;
                case 5 when wire.Count > 1:
                    (wire[0], wire[^1]) = (wire[^1], wire[0]);
                    break;
            }
        }

        UpdateState Put(UpdateStep step, int from)
        {
            var message = TransferScene.Sent(step);
            Assert.True(MikeyReader.TryRead(message.Span, out var sent, out _));
            if (sent!.First<Kemac>() is not null) Assert.True(times.Add(sent.First<Timestamp>()!.Time.Padded));
            wire.Add((from, message));
            return step.State;
        }

        void Deliver(Octets message, int to, bool isLost)
        {
            if (isLost) wire.RemoveAt(0);
            var step = CsbUpdate.Next(sides[to], message, scene.Context);
            sides[to] = step.State;
            foreach (var effect in step.Effects)
            {
                if (effect is UpdateEffect.Ignored) continue;
                Assert.True(taken[to].Add(message));
                if (effect is not UpdateEffect.Updated updated) continue;
                Assert.Equal(updated.Init.Header.Map is CsIdMap.Generic g ? g.Sessions[0].Spi : Octets.Empty, Assert.Single(updated.Keys).Spi);
                sides[to] = Put(CsbUpdate.Answer(step.State, updated, TransferScene.Answered(updated.Keys[0].Spi.Span[3]), scene.Context), to);
            }
        }

        return true;
    });

    private static CryptoBundle With(CryptoBundle bundle, TicketPolicy policy) =>
        new(bundle.CsbId, bundle.Role, bundle.Initiator, bundle.Responder, policy, bundle.Keys, default);

    private static ExchangeError Ignored(UpdateStep step, UpdateState state)
    {
        Assert.Same(state, step.State);
        return Assert.IsType<UpdateEffect.Ignored>(Assert.Single(step.Effects)).Error;
    }
}
