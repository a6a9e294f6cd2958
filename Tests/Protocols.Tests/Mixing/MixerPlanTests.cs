using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class MixerPlanTests
{
    private static readonly ParticipantId Alice = new("alice");
    private static readonly ParticipantId Bob = new("bob");

    [Fact]
    public void The_newest_state_counts_and_a_lower_incarnation_is_refused()
    {
        var plan = MixerPlan.Empty.With(State(2, 5, Alice));
        Assert.Equal(StateOutcome.Apply, plan.Judge(State(2, 6)));
        Assert.Equal(StateOutcome.Apply, plan.Judge(State(3, 1)));
        Assert.Equal(StateOutcome.Repeated, plan.Judge(State(2, 5)));
        Assert.Equal(StateOutcome.Repeated, plan.Judge(State(2, 4)));
        Assert.Equal(StateOutcome.Refused, plan.Judge(State(1, 9)));
    }

    [Fact]
    public void A_mixer_is_over_when_the_applied_state_is_its_last_and_not_because_nobody_is_in()
    {
        Assert.False(MixerPlan.Empty.With(State(1, 1)).IsOver);
        Assert.False(MixerPlan.Empty.With(State(1, 1, Alice)).With(State(1, 2)).IsOver);
        var plan = MixerPlan.Empty.With(State(1, 1, Alice)).With(State(1, 2) with { IsLast = true });
        Assert.False(plan.IsOverAt(new Incarnation(1), 1));
        Assert.True(plan.IsOverAt(new Incarnation(1), 2));
    }

    [Fact]
    public void A_leg_that_is_not_admitted_in_time_is_given_up_and_asking_again_wins_no_time()
    {
        var (second, timeout) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(40));
        var plan = MixerPlan.Empty.Opened(Alice, second).Opened(Bob, second).Opened(Bob, 30 * second).With(State(1, 1, Alice));
        Assert.Empty(plan.Unadmitted(40 * second, timeout));
        Assert.Equal(Bob, Assert.Single(plan.Unadmitted(41 * second, timeout)));
        Assert.Empty(plan.Closed(Bob).Unadmitted(41 * second, timeout));
    }

    [Fact]
    public void A_mixer_that_nobody_wanted_ends()
    {
        Assert.True(MixerPlan.Empty.IsIdle(TimeSpan.FromSeconds(40), TimeSpan.FromSeconds(40)));
        Assert.False(MixerPlan.Empty.Opened(Alice, default).IsIdle(TimeSpan.FromSeconds(40), TimeSpan.FromSeconds(40)));
    }

    [Fact]
    public void A_mixer_waits_while_a_leg_is_not_admitted_or_nobody_has_come()
    {
        Assert.True(MixerPlan.Empty.IsWaiting);
        var opened = MixerPlan.Empty.Opened(Alice, default);
        Assert.True(opened.IsWaiting);
        var admitted = opened.With(State(1, 1, Alice));
        Assert.False(admitted.IsWaiting);
        Assert.True(admitted.Opened(Bob, default).IsWaiting);
        Assert.True(admitted.With(State(1, 2)).IsWaiting);
        Assert.False(admitted.With(State(1, 2)).Closed(Alice).IsWaiting);
    }

    private static MixerState State(long incarnation, long version, params ParticipantId[] legs) => new(
        new MixerId(new ConferenceId("100"), 0, 1), new Incarnation(incarnation), version, [.. legs.Select(l => new MixerLeg(l, new Ssrc(1)))]);
}
