using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Journal;
using Xunit;

namespace ConfCluster.Actors.Tests.Journal;

public sealed class JournalWriterTests() : TestKit(
    SwitchedJournal.Config + "\nakka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(1);

    private JournalHealth Health
    {
        set => SwitchedJournal.SwitchOf(Sys).Value = value;
    }

    [Fact]
    public void What_was_appended_is_read_by_the_next_life()
    {
        var (owner, writer) = Open();
        Append(owner, writer, 0, "a", "b");
        Assert.Equal(2, owner.ExpectMsg<Appended>().Sequence);
        Append(owner, writer, 2, "c");
        Assert.Equal(3, owner.ExpectMsg<Appended>().Sequence);
        Sys.Stop(writer);
        Open("a", "b", "c");
    }

    [Fact]
    public void A_batch_that_failed_is_written_again_when_the_journal_is_back()
    {
        var (owner, writer) = Open();
        Health = JournalHealth.Fails;
        Append(owner, writer, 0, "a", "b");
        owner.ExpectMsg<JournalFailing>();
        Advance(Wait);
        owner.ExpectMsg<JournalFailing>();
        Health = JournalHealth.Works;
        Advance(Wait * 2);
        Assert.Equal(2, owner.ExpectMsg<Appended>().Sequence);
        Sys.Stop(writer);
        Open("a", "b");
    }

    [Fact]
    public void A_batch_that_got_in_although_nobody_heard_is_not_written_twice()
    {
        var (owner, writer) = Open();
        Health = JournalHealth.LosesAnswer;
        Append(owner, writer, 0, "a", "b");
        owner.ExpectMsg<JournalFailing>();
        Health = JournalHealth.Works;
        Advance(Wait);
        Assert.Equal(2, owner.ExpectMsg<Appended>().Sequence);
        Sys.Stop(writer);
        Open("a", "b");
    }

    [Fact]
    public void A_second_writer_is_noticed_by_the_first_after_its_failure()
    {
        var (first, writer) = Open();
        Watch(writer);
        var (second, other) = Open();
        Health = JournalHealth.Fails;
        Append(first, writer, 0, "a");
        first.ExpectMsg<JournalFailing>();
        Health = JournalHealth.Works;
        Append(second, other, 0, "b");
        second.ExpectMsg<Appended>();
        Advance(Wait);
        first.ExpectMsg<JournalOvertaken>();
        ExpectTerminated(writer);
    }

    [Fact]
    public void A_journal_that_is_away_at_the_start_is_read_when_it_is_back()
    {
        Health = JournalHealth.Fails;
        var owner = CreateTestProbe();
        owner.ChildActorOf(Writer());
        owner.ExpectMsg<JournalFailing>();
        Health = JournalHealth.Works;
        Advance(Wait);
        Assert.Empty(owner.ExpectMsg<JournalRecovered<string>>().Events);
    }

    [Fact]
    public void A_writer_that_is_told_how_far_the_one_before_came_goes_on_there_and_still_notices_another()
    {
        var (owner, writer) = Open();
        Append(owner, writer, 0, "a");
        owner.ExpectMsg<Appended>();
        Sys.Stop(writer);
        var next = owner.ChildActorOf(Props.Create(() => new JournalWriter<string>("thing-1", 1, Wait, Wait * 10)));
        Append(owner, next, 1, "b");
        Assert.Equal(2, owner.ExpectMsg<Appended>().Sequence);
        var (second, other) = Open("a", "b");
        Health = JournalHealth.Fails;
        Append(owner, next, 2, "d");
        owner.ExpectMsg<JournalFailing>();
        Health = JournalHealth.Works;
        Append(second, other, 2, "c");
        second.ExpectMsg<Appended>();
        Advance(Wait);
        owner.ExpectMsg<JournalOvertaken>();
    }

    private static Props Writer() => Props.Create(() => new JournalWriter<string>("thing-1", null, Wait, Wait * 10));

    private (TestProbe Owner, IActorRef Writer) Open(params string[] held)
    {
        var owner = CreateTestProbe();
        var writer = owner.ChildActorOf(Writer());
        Assert.Equal(held, owner.ExpectMsg<JournalRecovered<string>>().Events);
        return (owner, writer);
    }

    private static void Append(TestProbe owner, IActorRef writer, long after, params string[] batch) =>
        writer.Tell(new Append<string>([.. batch], after), owner.Ref);

    private void Advance(TimeSpan time) => ((TestScheduler)Sys.Scheduler).Advance(time);
}
