using System.Globalization;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Audit;

public class AuditTextTests
{
    private readonly LogScript _log = LogScript.Good();

    [Fact]
    public void The_timeline_reads_like_this() => Assert.Equal(
        VectorFile.Text("audit/timeline.txt"),
        string.Join("\n", AuditTimeline.Of(_log.Records).Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.Number,3} {l.At:HH:mm:ss.fff} {l.Text}"))) + "\n");

    [Fact]
    public void Keys_of_the_KMS_and_waiting_for_one_are_told()
    {
        var log = LogScript.Good();
        log.Add(new ConferenceEvent.RekeyDeferred(RekeyReason.Left, LogScript.Time(70)) { At = LogScript.Time(62), ForKey = true });
        log.Add(new ConferenceEvent.KeyEpochBegan(new KeyEpoch(9), RekeyReason.Left, [LogScript.Commitment(9)]) { At = LogScript.Time(64), Source = KeySource.Kms });
        var told = AuditTimeline.Of(log.Records).TakeLast(2).Select(l => l.Text).ToList();
        Assert.StartsWith("a rekeying waits for a key of the KMS: left, until", told[0], StringComparison.Ordinal);
        Assert.StartsWith("EPOCH 9 began: left, its key made by the KMS", told[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Who_could_decrypt_is_told_for_any_moment()
    {
        Assert.Equal(["alice Inside 1", "bob Inside 1", "carol Inside -"], Readers(20.05));
        Assert.Equal(["alice Inside 2", "bob Inside 2", "carol Inside 2"], Readers(30));
        Assert.Equal(["alice Inside 2", "bob HadLeft 2", "carol Inside 2"], Readers(40.2));
        Assert.Equal(["alice Inside 3", "carol Inside 3"], Readers(41));
        Assert.Empty(Readers(61));
    }

    [Fact]
    public void How_long_a_leaver_could_still_decrypt_is_measured()
    {
        var exposure = Exposure.Of(LogScript.Room, _log.Records);
        Assert.Equal(TimeSpan.FromSeconds(0.3), exposure.LongestForward);
        Assert.Equal("sip:bob@example.com", exposure.Changes.MaxBy(c => c.Time)!.Name);
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(22), false), (exposure.LongestBackward, exposure.Bound!.Value, exposure.Changes.Any(c => c.IsOpen)));
    }

    [Fact]
    public void A_leaver_whose_key_is_in_use_where_the_log_ends_is_exposed_to_this_moment()
    {
        var end = _log.IndexOf<ConferenceEvent.KeyEpochBegan>(e => e.Reason == RekeyReason.Left);
        var open = Assert.Single(Exposure.Of(LogScript.Room, _log.Records.Take(end), LogScript.Time(47)).Changes);
        Assert.Equal((true, TimeSpan.FromSeconds(7)), (open.IsOpen, open.Time));
    }

    private IEnumerable<string> Readers(double at) => Exposure.ReadersAt(LogScript.Room, _log.Records, LogScript.Time(at))
        .Select(r => $"{r.Participant} {r.Standing} {r.Epoch?.ToString(CultureInfo.InvariantCulture) ?? "-"}");
}
