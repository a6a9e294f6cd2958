using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Audit;
using Microsoft.Data.Sqlite;
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
    public void A_node_that_has_stored_nothing_yet_is_not_behind_and_one_whose_journal_is_gone_is()
    {
        _scene.Change("DROP TABLE journal");
        var (events, row) = _scene.Journal.After(0);
        Assert.Empty(events);
        Assert.Equal(0, row);
        Assert.Throws<SqliteException>(() => _scene.Journal.After(1));
    }

    [Fact]
    public void A_journal_that_cannot_be_read_is_told_once_and_tried_again()
    {
        _scene.Store(Room, Beginning());
        _scene.Change("ALTER TABLE journal RENAME COLUMN message TO elsewhere");
        EventFilter.Warning(start: "the audit is behind").Expect(1, () =>
        {
            Sys.ActorOf(Props.Create(() => new KeyAuditor(_scene.Signer(0), TimeSpan.FromMilliseconds(10))));
        });
        _scene.Change("ALTER TABLE journal RENAME COLUMN elsewhere TO message");
        AwaitAssert(() => Assert.Equal([7], _scene.Heads().Select(h => h.Number)), TimeSpan.FromSeconds(10));
    }
}
