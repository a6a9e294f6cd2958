using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Journal;
using Xunit;

namespace ConfCluster.Actors.Tests.Journal;

public sealed class FirstRecoveryTests() : TestKit(SwitchedJournal.Config)
{
    [Fact]
    public async Task It_asks_the_journal_once_and_goes()
    {
        await Sys.RecoverOnceAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<ActorNotFoundException>(() => Sys.ActorSelection($"/user/{FirstRecovery.Name}").ResolveOne(TimeSpan.FromSeconds(3)));
    }
}
