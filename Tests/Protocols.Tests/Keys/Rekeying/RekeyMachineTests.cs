using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using Xunit;
using static ConfCluster.Protocols.Keys.Rekeying.RekeyEffect;

namespace ConfCluster.Protocols.Tests.Keys.Rekeying;

/// <summary>The stories that the properties of <see cref="RekeyProperties"/> are made of, one by one.</summary>
public sealed class RekeyMachineTests
{
    private const string Alice = "alice";
    private const string Bob = "bob";
    private const string Carol = "carol";
    private static readonly KeyEpoch One = new(1);
    private static readonly KeyEpoch Two = new(2);

    private RekeyPolicy _policy = RekeyPolicy.Default;
    private RekeyState _state = RekeyState.Empty;
    private TimeSpan _now;

    [Fact]
    public void The_first_join_begins_an_epoch_and_is_answered_with_its_key_once_that_is_stored()
    {
        Assert.Equal<RekeyEffect>([new Begin(One, RekeyReason.Begun)], Do(new RekeyInput.Joined(Alice, LegKeying.GroupByMki)));
        Assert.Equal<RekeyEffect>([new Answer(Alice, One)], Do(new RekeyInput.Stored(One)));
        Assert.Empty(Do(new RekeyInput.Confirmed(Alice)));
        Assert.Equal<RekeyEffect>([new Use(Alice, One), new Settled(One, TimeSpan.FromMilliseconds(60))], After(60));
    }

    [Fact]
    public void Joins_within_the_interval_get_their_own_key_and_share_one_rekeying_at_its_end()
    {
        Settled(Alice);
        Assert.Equal<RekeyEffect>([new Answer(Bob, null)], Do(new RekeyInput.Joined(Bob, LegKeying.GroupByMki)));
        Assert.Equal<RekeyEffect>([new Answer(Carol, null)], Do(new RekeyInput.Joined(Carol, LegKeying.GroupByMki)));
        Do(new RekeyInput.Confirmed(Bob));
        Do(new RekeyInput.Confirmed(Carol));
        Assert.Equal(TimeSpan.FromSeconds(10), RekeyMachine.WakeAt(_state, _policy));
        Assert.Equal<RekeyEffect>([new Begin(Two, RekeyReason.Joined)], At(10_000));
        Assert.Equal<RekeyEffect>([new Offer(Alice, Two), new Offer(Bob, Two), new Offer(Carol, Two)], Do(new RekeyInput.Stored(Two)));
    }

    [Fact]
    public void Each_leg_moves_by_itself_and_the_old_key_goes_when_the_last_has_moved()
    {
        Settled(Alice, Bob);
        Rekey();
        Do(new RekeyInput.Took(Bob, Two));
        Assert.Equal<RekeyEffect>([new Use(Bob, Two)], After(60));
        Do(new RekeyInput.Took(Alice, Two));
        Assert.Equal<RekeyEffect>([new Use(Alice, Two), new Settled(Two, TimeSpan.FromMilliseconds(120)), new Retire(One)], After(60));
        Assert.Equal<RekeyEffect>([new Destroy(One)], After(2000));
    }

    [Fact]
    public void A_leg_without_MKI_moves_with_its_answer()
    {
        Settled(Alice);
        _now += _policy.MinInterval;
        Do(new RekeyInput.Joined(Bob, LegKeying.GroupPlain));
        Do(new RekeyInput.Stored(Two));
        Assert.Contains(new Use(Bob, Two), Do(new RekeyInput.Confirmed(Bob)));
    }

    [Fact]
    public void Who_leaves_takes_a_key_along_that_is_not_used_any_more_after_the_next()
    {
        Settled(Alice, Bob);
        _now += _policy.MinInterval;
        Assert.Equal<RekeyEffect>([new Begin(Two, RekeyReason.Left)], Do(new RekeyInput.Left(Bob, Evicted: false)));
    }

    [Fact]
    public void Who_never_had_a_group_key_is_no_reason_to_change_it()
    {
        Settled(Alice);
        Do(new RekeyInput.Joined(Bob, LegKeying.Own));
        _now += _policy.MinInterval * 2;
        Assert.Empty(Do(new RekeyInput.Left(Bob, Evicted: false)));
    }

    [Fact]
    public void An_eviction_does_not_wait_for_the_interval()
    {
        Settled(Alice, Bob);
        Assert.Equal<RekeyEffect>([new Begin(Two, RekeyReason.Evicted)], Do(new RekeyInput.Left(Bob, Evicted: true)));
    }

    [Fact]
    public void A_key_that_a_leaver_was_sent_and_nobody_used_is_given_up()
    {
        Settled(Alice, Bob);
        Rekey();
        Assert.Contains(new Retire(Two), Do(new RekeyInput.Left(Bob, Evicted: false)));
        Do(new RekeyInput.Took(Alice, Two));
        Assert.DoesNotContain(After(60), e => e is Use);
        Assert.Equal(One, _state.Find(Alice)!.InUse);
    }

    [Fact]
    public void Nobody_is_told_an_older_key_because_a_newer_one_was_given_up()
    {
        Settled(Alice, Bob);
        _policy = _policy with { JoinKey = JoinKey.Current, OnJoin = false };
        Rekey();
        Rekey();
        Assert.Contains(new Answer(Carol, new KeyEpoch(3)), Do(new RekeyInput.Joined(Carol, LegKeying.GroupByMki)));
        Do(new RekeyInput.Left(Carol, Evicted: false));
        Assert.Equal<RekeyEffect>([new Answer("dave", Two)], Do(new RekeyInput.Joined("dave", LegKeying.GroupByMki)));
    }

    [Fact]
    public void While_an_offer_is_out_only_the_newest_waits_for_its_answer()
    {
        Settled(Alice, Bob);
        Rekey();
        Do(new RekeyInput.Took(Bob, Two));
        After(60);
        Rekey();
        Rekey();
        Assert.Equal<RekeyEffect>([new Offer(Alice, new KeyEpoch(4))], Do(new RekeyInput.Took(Alice, Two)).OfType<Offer>());
    }

    [Fact]
    public void Only_so_many_offers_are_out_and_one_that_nobody_answers_keeps_the_others_waiting_for_a_second()
    {
        Settled(Alice, Bob, Carol, "dave");
        _policy = _policy with { MaxOffers = 2 };
        Do(new RekeyInput.Demanded(RekeyReason.Asked));
        Assert.Equal<RekeyEffect>([new Offer(Alice, Two), new Offer(Bob, Two)], Do(new RekeyInput.Stored(Two)));
        Assert.Equal<RekeyEffect>([new Offer(Carol, Two)], Do(new RekeyInput.Took(Bob, Two)));
        At(60);
        Assert.Equal(TimeSpan.FromSeconds(1), RekeyMachine.WakeAt(_state, _policy));
        Assert.Equal<RekeyEffect>([new Offer("dave", Two)], At(1000));
        Assert.Empty(Do(new RekeyInput.Took(Alice, Two)));
    }

    [Fact]
    public void A_conference_too_large_for_its_timeout_has_more_offers_out()
    {
        Settled([.. Enumerable.Range(0, 50).Select(n => $"p{n}")]);
        _policy = _policy with { MaxOffers = 1 };
        Do(new RekeyInput.Demanded(RekeyReason.Asked));
        Assert.Equal(10, Do(new RekeyInput.Stored(Two)).OfType<Offer>().Count());
    }

    [Fact]
    public void Glare_is_tried_again_and_a_refusal_means_an_own_key()
    {
        Settled(Alice, Bob);
        Rekey();
        Do(new RekeyInput.NotNow(Alice, Two, TimeSpan.FromSeconds(2)));
        Assert.Equal<RekeyEffect>([new Offer(Alice, Two)], After(2000));
        Assert.Contains(new Use(Bob, null), Do(new RekeyInput.Refused(Bob, Two)));
    }

    [Theory]
    [InlineData(Undelivered.OwnKey)]
    [InlineData(Undelivered.Drop)]
    public void A_silent_leg_is_under_the_old_key_no_longer_than_the_timeout(Undelivered undelivered)
    {
        _policy = _policy with { OnUndelivered = undelivered };
        Settled(Alice, Bob);
        Rekey();
        Do(new RekeyInput.Took(Bob, Two));
        After(60);
        var effects = At(10_000);
        Assert.Equal(undelivered == Undelivered.Drop, effects.Contains(new Drop(Alice)));
        Assert.Equal(undelivered == Undelivered.OwnKey, effects.Contains(new Use(Alice, null)));
        Assert.Contains(new Retire(One), effects);
    }

    [Fact]
    public void A_recovered_focus_has_no_key_and_begins_an_epoch_at_once()
    {
        _state = RekeyState.Recovered([(Alice, LegKeying.GroupByMki, false)], new KeyEpoch(7), new KeyEpoch(7), TimeSpan.FromSeconds(3), _policy, _now);
        Assert.Equal<RekeyEffect>([new Begin(new KeyEpoch(8), RekeyReason.FocusRecovered)], Do(new RekeyInput.Demanded(RekeyReason.FocusRecovered)));
        Assert.Equal<RekeyEffect>([new Offer(Alice, new KeyEpoch(8))], Do(new RekeyInput.Stored(new KeyEpoch(8))));
        Assert.Contains(new Use(Alice, null), At(10_000));
    }

    [Fact]
    public void A_leg_that_hears_nothing_under_the_key_that_it_took_gets_its_own_and_no_more_offers()
    {
        Settled(Alice, Bob);
        Assert.Empty(Do(new RekeyInput.Deaf(Bob, Two)));
        Assert.Equal<RekeyEffect>([new Use(Bob, null)], Do(new RekeyInput.Deaf(Bob, One)));
        Assert.Empty(Do(new RekeyInput.Deaf(Bob, One)));
        Do(new RekeyInput.Demanded(RekeyReason.Asked));
        Assert.Equal<RekeyEffect>([new Offer(Alice, Two)], Do(new RekeyInput.Stored(Two)));
    }

    [Fact]
    public void What_answers_an_offer_that_is_not_out_changes_nothing()
    {
        Settled(Alice);
        var before = _state;
        Assert.Empty(Do(new RekeyInput.Took(Alice, Two)));
        Assert.Empty(Do(new RekeyInput.Refused(Bob, One)));
        Assert.Equal(before.Legs["alice"], _state.Legs["alice"]);
    }

    private ImmutableArray<RekeyEffect> Do(RekeyInput input)
    {
        (_state, var effects) = RekeyMachine.Next(_state, input, _policy, _now);
        return effects;
    }

    private ImmutableArray<RekeyEffect> After(int milliseconds) => At((int)_now.TotalMilliseconds + milliseconds);

    private ImmutableArray<RekeyEffect> At(int milliseconds)
    {
        _now = TimeSpan.FromMilliseconds(milliseconds);
        return Do(new RekeyInput.Ticked());
    }

    /// <summary>All of them are under the first epoch, at time zero.</summary>
    private void Settled(params string[] participants)
    {
        _policy = _policy with { JoinKey = JoinKey.Current, OnJoin = false };
        foreach (var participant in participants)
        {
            Do(new RekeyInput.Joined(participant, LegKeying.GroupByMki));
            Do(new RekeyInput.Stored(One));
            Do(new RekeyInput.Confirmed(participant));
        }

        At(60);
        _policy = _policy with { JoinKey = JoinKey.NextEpoch, OnJoin = true };
        _state = _state with { LastStart = TimeSpan.Zero };
        _now = TimeSpan.Zero;
        Assert.All(_state.Legs.Values, leg => Assert.Equal(One, leg.InUse));
    }

    private void Rekey()
    {
        Do(new RekeyInput.Demanded(RekeyReason.Asked));
        Do(new RekeyInput.Stored(_state.Last));
    }
}
