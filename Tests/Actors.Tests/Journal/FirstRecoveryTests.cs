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
    public async Task It_asks_the_journal_once_and_goes(JournalHealth health)
    {
        SwitchedJournal.SwitchOf(Sys).Value = health;
        await Sys.RecoverOnceAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<ActorNotFoundException>(() => Sys.ActorSelection($"/user/{FirstRecovery.Name}").ResolveOne(TimeSpan.FromSeconds(3)));
    }
}
