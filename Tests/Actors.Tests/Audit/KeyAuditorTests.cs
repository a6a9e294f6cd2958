using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Audit;
using Xunit;
using static ConfCluster.Actors.Tests.Audit.AuditScene;

namespace ConfCluster.Actors.Tests.Audit;

public sealed class KeyAuditorTests : TestKit
{
    private readonly AuditScene _scene = new();

    protected override void AfterAll()
    {
        base.AfterAll();
        _scene.Dispose();
    }

    [Fact]
    public void A_running_node_signs_what_happens_and_a_stopping_one_the_rest()
    {
        var auditor = Sys.ActorOf(Props.Create(() => new KeyAuditor(_scene.Signer(0), TimeSpan.FromMilliseconds(10))));
        _scene.Store(Room, Beginning());
        AwaitAssert(() => Assert.Equal([7], _scene.Heads().Select(h => h.Number)), TimeSpan.FromSeconds(10));
        Watch(auditor);
        _scene.Store(Room, End());
        Sys.Stop(auditor);
        ExpectTerminated(auditor, TimeSpan.FromSeconds(10));
        Assert.Equal([7, 8], _scene.Heads().Select(h => h.Number));
        Assert.Empty(_scene.Verify());
    }

    [Fact]
    public void A_journal_that_cannot_be_read_is_told_once_and_tried_again()
    {
        _scene.Store(Room, Beginning());
        _scene.Change("ALTER TABLE journal RENAME TO elsewhere");
        EventFilter.Warning(start: "the audit is behind").Expect(1, () =>
        {
            Sys.ActorOf(Props.Create(() => new KeyAuditor(_scene.Signer(0), TimeSpan.FromMilliseconds(10))));
        });
        _scene.Change("ALTER TABLE elsewhere RENAME TO journal");
        AwaitAssert(() => Assert.Equal([7], _scene.Heads().Select(h => h.Number)), TimeSpan.FromSeconds(10));
    }
}
