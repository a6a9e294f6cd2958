using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;
using Xunit;

namespace ConfCluster.Actors.Tests;

public sealed class LeanMailboxTests() : TestKit("akka.actor.default-mailbox.mailbox-type = \"ConfCluster.Actors.LeanMailbox, ConfCluster.Actors\"")
{
    [Fact]
    public void What_many_put_is_taken_once_and_each_ones_in_order()
    {
        var queue = new LeanMessageQueue();
        Parallel.For(0, 4, sender =>
        {
            for (var i = 0; i < 1000; i++) queue.Enqueue(ActorRefs.Nobody, new Envelope((sender, i), ActorRefs.NoSender));
        });
        Assert.Equal(4000, queue.Count);
        var next = new int[4];
        while (queue.TryDequeue(out var envelope))
        {
            var (sender, number) = ((int, int))envelope.Message;
            Assert.Equal(next[sender]++, number);
        }

        Assert.Equal([1000, 1000, 1000, 1000], next);
        Assert.False(queue.HasMessages);
    }

    [Fact]
    public void Actors_use_it_and_what_they_leave_goes_to_the_dead_letters()
    {
        var echo = Sys.ActorOf(Props.Create(() => new Echo()));
        for (var i = 0; i < 200; i++) echo.Tell(i);
        for (var i = 0; i < 200; i++) ExpectMsg(i);
        Sys.EventStream.Subscribe(TestActor, typeof(DeadLetter));
        echo.Tell(PoisonPill.Instance);
        echo.Tell("late");
        Assert.Equal("late", ExpectMsg<DeadLetter>().Message);
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(m => Sender.Tell(m));
    }
}
