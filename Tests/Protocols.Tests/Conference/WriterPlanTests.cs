using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

public class WriterPlanTests
{
    private static readonly ImmutableArray<string> Batch = ["joined", "left"];

    private static WriterPlan<string> AtFive => WriterPlan<string>.Start.Read([], 5).Next;

    private static WriterPlan<string> Lost => AtFive.Append(Batch, 5).Next.Failed().Next;

    [Fact]
    public void What_was_read_first_is_told() =>
        Assert.Equal((5L, WriterAct.TellRead), (AtFive.Sequence, WriterPlan<string>.Start.Read([], 5).Act));

    [Fact]
    public void A_batch_is_written_and_its_sequence_told()
    {
        var (plan, act) = AtFive.Append(Batch, 5);
        Assert.Equal(WriterAct.Write, act);
        (plan, act) = plan.Written(7);
        Assert.Equal((7L, WriterAct.TellWritten), (plan.Sequence, act));
        Assert.Equal(WriterAct.Write, plan.Append(Batch, 7).Act);
    }

    [Fact]
    public void A_batch_that_did_not_get_in_is_written_again() =>
        Assert.Equal((5L, WriterAct.Write), (Lost.Read([], 5).Next.Sequence, Lost.Read([], 5).Act));

    [Fact]
    public void A_batch_that_got_in_after_all_counts_as_written()
    {
        var (plan, act) = Lost.Read(["joined", "left"], 7);
        Assert.Equal((7L, WriterAct.TellWritten), (plan.Sequence, act));
        Assert.Empty(plan.Owed);
    }

    [Theory]
    [InlineData(7, "joined", "other")]
    [InlineData(6, "joined")]
    [InlineData(8, "joined", "left", "joined")]
    public void A_journal_that_grew_by_anything_else_has_another_writer(long highest, params string[] newer) =>
        Assert.Equal(WriterAct.Overtaken, Lost.Read([.. newer], highest).Act);

    [Fact]
    public void A_journal_that_grew_while_nothing_was_written_has_another_writer() =>
        Assert.Equal(WriterAct.Overtaken, AtFive.Failed().Next.Read(["x"], 6).Act);

    [Fact]
    public void What_comes_while_the_journal_is_away_waits_for_it()
    {
        var (plan, act) = AtFive.Failed().Next.Append(Batch, 5);
        Assert.Equal(WriterAct.Nothing, act);
        Assert.Equal(WriterAct.Write, plan.Read([], 5).Act);
    }

    [Fact]
    public void An_owner_that_counts_otherwise_is_a_bug() =>
        Assert.Throws<InvalidOperationException>(() => AtFive.Append(Batch, 4));

    [Fact]
    public void Each_failure_doubles_the_wait_up_to_the_most_and_a_success_begins_anew()
    {
        var (min, max) = (TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1));
        var waits = new List<double>();
        var plan = AtFive;
        for (var i = 0; i < 5; i++)
        {
            plan = plan.Failed().Next;
            waits.Add(plan.Wait(min, max).TotalMilliseconds);
        }

        Assert.Equal([200, 400, 800, 1000, 1000], waits);
        Assert.Equal(min, plan.Read([], 5).Next.Failed().Next.Wait(min, max));
    }
}
