using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Journal;
using Xunit;

namespace ConfCluster.Actors.Tests.Journal;

public sealed class FirstRecoveryTests() : TestKit(SwitchedJournal.Config)
{
    /// <summary>Whether the journal answers or not: conferences find out about that by themselves.</summary>
    [Theory]
    [InlineData(JournalHealth.Works)]
    [InlineData(JournalHealth.Fails)]
    public void It_asks_the_journal_once_and_goes(JournalHealth health)
    {
        SwitchedJournal.SwitchOf(Sys).Value = health;
        var first = Sys.ActorOf(Props.Create(() => new FirstRecovery()));
        Watch(first);
        ExpectTerminated(first, TimeSpan.FromSeconds(30));
    }
}
