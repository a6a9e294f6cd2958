using ConfCluster.Actors.Audit;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using Xunit;
using static ConfCluster.Actors.Tests.Audit.AuditScene;

namespace ConfCluster.Actors.Tests.Audit;

/// <summary>Whoever can write the journal's file and has not the audit key is found out.</summary>
public sealed class AuditTamperTests : IDisposable
{
    private readonly AuditScene _scene = new();
    private readonly AuditSigner _signer;

    public AuditTamperTests()
    {
        _signer = _scene.Signer();
        _scene.Store(Room, Beginning());
        Assert.Empty(_signer.Pass());
        _scene.Store(Room, Epoch(2, Noon.AddSeconds(20)), new ConferenceEvent.ParticipantLeft(new ParticipantId("b"), LeaveReason.Bye) { At = Noon.AddSeconds(30) });
        Assert.Empty(_signer.Pass());
    }

    public void Dispose()
    {
        _signer.Dispose();
        _scene.Dispose();
    }

    [Fact]
    public void An_epoch_is_signed_with_all_that_is_stored_so_far()
    {
        Assert.Equal([7, 9], _scene.Heads().Select(h => h.Number));
        Assert.Empty(_scene.Verify());
    }

    [Theory]
    [InlineData("UPDATE journal SET message = (SELECT message FROM journal WHERE sequence_number = 5) WHERE sequence_number = 4", "changed in records 1 to 7")]
    [InlineData("UPDATE journal SET message = x'ffff' WHERE sequence_number = 8", "changed in records 8 to 9")]
    [InlineData("UPDATE journal SET manifest = 'c.unknown.9' WHERE sequence_number = 8", "changed in records 8 to 9")]
    [InlineData("DELETE FROM journal WHERE sequence_number = 5", "record 5 is missing")]
    [InlineData("UPDATE journal SET deleted = 1 WHERE sequence_number = 5", "record 5 is missing")]
    [InlineData("DELETE FROM journal WHERE sequence_number > 7", "cut off: record 9")]
    [InlineData("DELETE FROM journal", "cut off: record 7")]
    [InlineData("DELETE FROM journal WHERE sequence_number = 5; UPDATE journal SET sequence_number = sequence_number - 1 WHERE sequence_number > 5", "changed in records 1 to 7")]
    [InlineData("UPDATE journal SET sequence_number = -4 WHERE sequence_number = 4; UPDATE journal SET sequence_number = 4 WHERE sequence_number = 5; UPDATE journal SET sequence_number = 5 WHERE sequence_number = -4", "changed in records 1 to 7")]
    public void A_change_of_the_file_is_found(string sql, string named)
    {
        Assert.True(_scene.Change(sql) > 0);
        Assert.Contains(_scene.Verify(), v => v.Text.Contains(named, StringComparison.Ordinal));
    }

    [Fact]
    public void What_was_changed_is_told_by_the_next_signer_and_not_signed_again()
    {
        _scene.Change("UPDATE journal SET message = (SELECT message FROM journal WHERE sequence_number = 5) WHERE sequence_number = 4");
        using var next = _scene.Signer(after: 9);
        _scene.Store(Room, Epoch(3, Noon.AddSeconds(40)));
        Assert.Equal(Room, Assert.Single(next.Pass()));
        _scene.Store(Room, Epoch(4, Noon.AddSeconds(60)));
        Assert.Empty(next.Pass());
        Assert.Equal([7, 9], _scene.Heads().Select(h => h.Number));
    }

    [Fact]
    public void A_signer_goes_on_where_another_stopped_and_covers_what_that_one_missed()
    {
        _scene.Store(Room, Join("c"));
        using var next = _scene.Signer(after: 10);
        _scene.Store(Room, End());
        _scene.Store("other", Beginning());
        Assert.Empty(next.Pass());
        Assert.Equal([7, 9, 11], _scene.Heads().Select(h => h.Number));
        Assert.Equal(7, Assert.Single(_scene.Heads("other")).Number);
        Assert.Equal($"other {Room}", string.Join(" ", _scene.Journal.Conferences()));
        Assert.Empty(_scene.Verify());
    }

    [Fact]
    public void A_head_that_somebody_wrote_by_hand_does_not_count_and_half_a_line_is_none()
    {
        var file = Path.Combine(_scene.KeyFile.HeadDirectory, $"{Room}.heads");
        File.AppendAllText(file, "{\"half\"");
        Assert.Empty(_scene.Verify());
        File.AppendAllText(file, ": 1}\n");
        Assert.Contains("not signed", Assert.Single(_scene.Verify()).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../key")]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData("a\0")]
    public void A_name_that_no_conference_can_have_leads_to_no_file(string name) => Assert.Null(AuditHeadFile.Of(_scene.KeyFile.HeadDirectory, name));

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void The_key_is_made_once_for_its_owner_alone()
    {
        var key = _scene.PublicKey;
        Assert.Equal(key, _scene.PublicKey);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_scene.KeyFile.Path));
        File.SetUnixFileMode(_scene.KeyFile.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Null(_scene.KeyFile.Open(out var problem));
        Assert.Contains("chmod 600", problem, StringComparison.Ordinal);
        File.SetUnixFileMode(_scene.KeyFile.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(_scene.KeyFile.Path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        Assert.Null(_scene.KeyFile.Open(out problem));
        Assert.Contains("no Ed25519 key", problem, StringComparison.Ordinal);
    }
}
