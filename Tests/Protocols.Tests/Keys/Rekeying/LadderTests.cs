using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using Xunit;
using static ConfCluster.Protocols.Keys.Rekeying.RekeyEffect;

namespace ConfCluster.Protocols.Tests.Keys.Rekeying;

/// <summary>Keys told in advance, and phones told to forget; the rest of <see cref="RekeyProperties"/> holds for both.</summary>
public sealed class LadderTests
{
    private const string Alice = "alice";
    private const string Bob = "bob";
    private const string Carol = "carol";
    private RekeyPolicy _policy = RekeyPolicy.Default with { Ladder = 3 };
    private RekeyState _state = RekeyState.Empty;
    private TimeSpan _now;

    [Fact]
    public void A_join_costs_those_who_took_the_ladder_no_message()
    {
        Together(Alice, Bob);
        _now += _policy.MinInterval;
        Assert.Equal<RekeyEffect>([new Begin(Epoch(6), RekeyReason.Joined)], Join(Carol));
        Assert.Equal<RekeyEffect>(
            [new Answer(Carol, Epoch(6)) { To = Epoch(8) }, new Use(Alice, Epoch(6)), new Use(Bob, Epoch(6)), new Retire(Epoch(5))], Stored(6));
        Do(new RekeyInput.Confirmed(Carol));
        Assert.Contains(new Settled(Epoch(6), TimeSpan.FromMilliseconds(60)), After(60));
        Assert.All(_state.Legs.Values, leg => Assert.Equal(Epoch(6), leg.InUse));
    }

    [Fact]
    public void A_rung_is_a_rekeying_and_waits_for_the_interval()
    {
        Together(Alice, Bob);
        Assert.Equal<RekeyEffect>([new Answer(Carol, null)], Join(Carol));
        Do(new RekeyInput.Confirmed(Carol));
        Assert.Contains(new Begin(Epoch(6), RekeyReason.Joined), After(10_000));
        Assert.Equal<RekeyEffect>([new Offer(Carol, Epoch(6)) { To = Epoch(8) }], Stored(6).Where(e => e is Offer));
    }

    [Fact]
    public void No_rung_begins_once_somebody_who_was_sent_it_is_gone()
    {
        Together(Alice, Bob, Carol);
        _now += _policy.MinInterval;
        Assert.Equal<RekeyEffect>(
            [new DropRungs(Epoch(6), Epoch(8)), new Begin(Epoch(9), RekeyReason.Left) { LadderTo = Epoch(12) }], Do(new RekeyInput.Left(Carol, Evicted: false)));
        Assert.Equal<RekeyEffect>([new Offer(Alice, Epoch(9)) { To = Epoch(12) }, new Offer(Bob, Epoch(9)) { To = Epoch(12) }], Stored(9));
    }

    [Fact]
    public void A_rung_whose_beginning_is_being_stored_when_a_holder_leaves_is_used_for_nobody()
    {
        Together(Alice, Bob);
        _now += _policy.MinInterval;
        Join(Carol);
        Assert.Contains(new DropRungs(Epoch(7), Epoch(8)), Do(new RekeyInput.Left(Bob, Evicted: false)));
        Assert.Equal<RekeyEffect>([new Answer(Carol, null)], Stored(6).Where(e => e is Answer or Use));
    }

    [Fact]
    public void Who_leaves_and_never_had_the_ladder_does_not_spoil_it()
    {
        Together(Alice, Bob);
        _now += _policy.MinInterval;
        Do(new RekeyInput.Joined(Carol, LegKeying.GroupByMki));
        Assert.Equal<RekeyEffect>([new Answer(Carol, Epoch(6))], Stored(6).Where(e => e is Answer));
        Do(new RekeyInput.Confirmed(Carol));
        After(10_000);
        Assert.Equal<RekeyEffect>([new Begin(Epoch(7), RekeyReason.Left)], Do(new RekeyInput.Left(Carol, Evicted: false)));
        Assert.DoesNotContain(Stored(7), e => e is Offer);
    }

    [Fact]
    public void Who_has_not_taken_the_ladder_yet_follows_by_what_it_is_told()
    {
        _policy = _policy with { MinInterval = TimeSpan.Zero };
        Together(Alice, Bob);
        Do(new RekeyInput.Left(Bob, Evicted: false));
        Stored(9);
        Assert.Equal<RekeyEffect>([new Begin(Epoch(10), RekeyReason.Joined)], Join(Carol));
        Assert.Equal<RekeyEffect>([new Answer(Carol, Epoch(10)) { To = Epoch(12) }], Stored(10));
        Do(new RekeyInput.Took(Alice, Epoch(9)));
        Assert.Contains(new Use(Alice, Epoch(10)), After(60));
    }

    [Fact]
    public void The_next_ladder_comes_with_an_offer_when_the_last_rung_is_burnt()
    {
        _policy = _policy with { MinInterval = TimeSpan.Zero };
        Together(Alice, Bob);
        foreach (var rung in (uint[])[6, 7, 8])
        {
            Do(new RekeyInput.Demanded(RekeyReason.Asked));
            Assert.DoesNotContain(Stored(rung), e => e is Offer);
            After(2000);
        }

        Assert.Equal<RekeyEffect>([new Begin(Epoch(9), RekeyReason.Asked) { LadderTo = Epoch(12) }], Do(new RekeyInput.Demanded(RekeyReason.Asked)));
        Assert.Equal(2, Stored(9).Count(e => e is Offer { To.Number: 12 }));
    }

    [Fact]
    public void After_the_loss_of_the_focus_no_rung_is_left_and_no_number_comes_again()
    {
        _state = RekeyState.Recovered([(Alice, LegKeying.GroupByMki, true)], Epoch(5), Epoch(8), TimeSpan.FromSeconds(3), _policy, _now);
        Assert.Equal<RekeyEffect>(
            [new Begin(Epoch(9), RekeyReason.FocusRecovered) { LadderTo = Epoch(12) }], Do(new RekeyInput.Demanded(RekeyReason.FocusRecovered)));
        // All that it was ever told stays in the list, for any may be in use.
        Assert.Equal<RekeyEffect>([new Offer(Alice, Epoch(9))], Stored(9));
    }

    [Fact]
    public void Who_is_thrown_out_for_not_taking_keys_takes_the_rungs_along()
    {
        _policy = _policy with { OnUndelivered = Undelivered.Drop };
        Together(Alice, Bob);
        for (var epoch = 6u; epoch <= 8; epoch++) Rekey(epoch);
        Do(new RekeyInput.Demanded(RekeyReason.Asked));
        Stored(9);
        Assert.Equal<RekeyEffect>([new DropRungs(Epoch(10), Epoch(12)), new Drop(Bob)], Do(new RekeyInput.Refused(Bob, Epoch(9))).Where(e => e is Drop or DropRungs));
    }

    [Fact]
    public void Phones_are_told_to_forget_a_key_that_is_not_used_any_more()
    {
        _policy = _policy with { Ladder = 0, Revoke = Revocation.Now };
        Together(Alice, Bob);
        Rekey(6);
        Do(new RekeyInput.Took(Alice, Epoch(6)));
        Do(new RekeyInput.Took(Bob, Epoch(6)));
        After(60);
        Assert.Equal<RekeyEffect>(
            [new Offer(Alice, Epoch(6)), new Offer(Bob, Epoch(6)), new Destroy(Epoch(5))], After(2000).OrderBy(e => e is Destroy));
        Do(new RekeyInput.NotNow(Bob, Epoch(6), TimeSpan.FromSeconds(1)));
        Assert.Empty(Do(new RekeyInput.Took(Alice, Epoch(6))));
        Assert.Equal<RekeyEffect>([new Offer(Bob, Epoch(6))], After(1000));
        Assert.Equal<RekeyEffect>([new Revoked(Epoch(5))], Do(new RekeyInput.Took(Bob, Epoch(6))));
        Assert.Empty(After(60_000));
        Assert.Null(RekeyMachine.WakeAt(_state, _policy));
    }

    [Fact]
    public void Nobody_is_offered_a_key_again_that_somebody_took_along()
    {
        _policy = _policy with { Ladder = 0, Revoke = Revocation.Now, MinInterval = TimeSpan.FromSeconds(60) };
        Together(Alice, Bob, Carol);
        Rekey(6);
        Do(new RekeyInput.Took(Carol, Epoch(6)));
        After(80);
        Do(new RekeyInput.Took(Alice, Epoch(6)));
        Do(new RekeyInput.Took(Bob, Epoch(6)));
        Rekey(7);
        Do(new RekeyInput.Took(Alice, Epoch(7)));
        Do(new RekeyInput.Left(Bob, Evicted: false));
        Assert.Equal<RekeyEffect>([new Offer(Alice, Epoch(5))], After(2000).Where(e => e is Offer { Participant: Alice }));
    }

    [Fact]
    public void An_epoch_that_a_younger_one_overtook_in_the_journal_never_begins_and_holds_up_nothing()
    {
        Together(Alice, Bob);
        Do(new RekeyInput.Demanded(RekeyReason.Asked));
        Do(new RekeyInput.Demanded(RekeyReason.MixerReplaced));
        Assert.Equal<RekeyEffect>([new Overtaken(Epoch(6)), new Use(Alice, Epoch(7)), new Use(Bob, Epoch(7)), new Retire(Epoch(5))], Stored(7).Where(e => e is not Settled));
        Assert.Empty(Stored(6));
        Assert.Contains(new Destroy(Epoch(5)), After(10_000));
        Assert.Equal([Epoch(7)], _state.Epochs.Select(e => e.Epoch));
    }

    private static KeyEpoch Epoch(uint number) => new(number);

    private ImmutableArray<RekeyEffect> Join(string who) => Do(new RekeyInput.Joined(who, LegKeying.GroupByMki, TakesLadder: true));

    private ImmutableArray<RekeyEffect> Stored(uint epoch) => Do(new RekeyInput.Stored(Epoch(epoch)));

    private ImmutableArray<RekeyEffect> Do(RekeyInput input)
    {
        (_state, var effects) = RekeyMachine.Next(_state, input, _policy, _now);
        return effects;
    }

    private ImmutableArray<RekeyEffect> After(int milliseconds)
    {
        _now += TimeSpan.FromMilliseconds(milliseconds);
        return Do(new RekeyInput.Ticked());
    }

    private void Rekey(uint epoch)
    {
        Do(new RekeyInput.Demanded(RekeyReason.Asked));
        Stored(epoch);
    }

    /// <summary>All of them took epoch 5 and its rungs, at time zero.</summary>
    private void Together(params string[] participants)
    {
        var policy = _policy;
        _policy = policy with { JoinKey = JoinKey.Current, OnJoin = false };
        _state = RekeyState.Empty with { Last = Epoch(4), Given = Epoch(4) };
        foreach (var participant in participants)
        {
            Join(participant);
            Stored(5);
            Do(new RekeyInput.Confirmed(participant));
        }

        After(60);
        Assert.All(_state.Legs.Values, leg => Assert.Equal(Epoch(5), leg.InUse));
        _policy = policy;
        _state = _state with { LastStart = TimeSpan.Zero };
        _now = TimeSpan.Zero;
    }
}
