using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public sealed class MixerLeaseTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void After_a_pause_only_the_answer_to_the_question_of_that_pause_lets_it_send()
    {
        var lease = new MixerLease(TimeSpan.Zero);
        Assert.Equal((false, 0L), (lease.IsSuspended, lease.Question));
        lease.Paused();
        Assert.Equal((true, 1L), (lease.IsSuspended, lease.Question));
        // What waited to be read, from before the pause.
        lease.Confirmed(0, Second);
        Assert.True(lease.IsSuspended);
        lease.Paused();
        lease.Confirmed(1, Second);
        Assert.Equal((true, 2L), (lease.IsSuspended, lease.Question));
        lease.Confirmed(2, Second);
        Assert.Equal((false, 0L), (lease.IsSuspended, lease.Question));
    }

    [Fact]
    public void Whom_nobody_leads_any_more_is_told_by_the_time_since_anything_was_heard()
    {
        var lease = new MixerLease(10 * Second);
        Assert.False(lease.IsOrphaned(39 * Second, 30 * Second));
        Assert.True(lease.IsOrphaned(40 * Second, 30 * Second));
        Assert.False(lease.IsOrphaned(400 * Second, TimeSpan.Zero));
        lease.Heard(20 * Second);
        Assert.False(lease.IsOrphaned(49 * Second, 30 * Second));
        lease.Confirmed(0, 30 * Second);
        Assert.False(lease.IsOrphaned(59 * Second, 30 * Second));
        Assert.True(lease.IsOrphaned(60 * Second, 30 * Second));
    }

    [Fact]
    public void A_state_for_another_life_of_the_mixer_is_not_taken_and_a_lower_incarnation_does_not_confirm_it()
    {
        var mixer = new MixerId(new ConferenceId("100"), 0, 1);
        var plan = MixerPlan.Empty with { Born = 7 };
        var state = new MixerState(mixer, new Incarnation(3), 1, []);
        Assert.Equal(StateOutcome.OfAnother, plan.Judge(state with { Born = 8 }));
        Assert.Equal(StateOutcome.OfAnother, plan.Judge(state with { IsFound = true }));
        Assert.Equal(StateOutcome.Apply, plan.With(state).Judge(state with { IsFound = true, Version = 2 }));
        Assert.Equal(StateOutcome.Apply, plan.Judge(state));
        Assert.Equal(StateOutcome.Apply, plan.Judge(state with { Born = 7 }));
        Assert.True(plan.Obeys(new Incarnation(0)));
        plan = plan.With(state);
        Assert.Equal((false, true, true), (plan.Obeys(new Incarnation(2)), plan.Obeys(new Incarnation(3)), plan.Obeys(new Incarnation(4))));
    }
}
