using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Journal;
using Xunit;

namespace ConfCluster.Actors.Tests.Journal;

public sealed class FirstRecoveryTests() : TestKit(SwitchedJournal.Config)
{
    [Fact]
    public void It_asks_the_journal_once_and_goes()
    {
        var first = Sys.ActorOf(Props.Create(() => new FirstRecovery()));
        Watch(first);
        ExpectTerminated(first, TimeSpan.FromSeconds(30));
    }
}
