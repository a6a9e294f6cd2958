using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Rtp.Rtcp;

public class PeerReportsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);
    private PeerReports _reports;

    [Fact]
    [Trait("RFC", "3550 §6.4.1")]
    public void Jitter_is_in_units_of_our_clock_and_the_round_trip_leaves_out_the_peer_s_wait()
    {
        // Our report at noon; the peer keeps it for 1.5 s and is 40 ms away.
        _reports.Take(Block(jitter: 480, sent: Noon, wait: 1.5), NtpTime.From(Noon.AddSeconds(1.54)), 48_000);
        Assert.Equal(10, _reports.Jitter.TotalMilliseconds);
        Assert.InRange(_reports.RoundTrip!.Value.TotalMilliseconds, 39.9, 40.1);
    }

    [Fact]
    public void A_peer_that_heard_no_report_of_ours_tells_no_round_trip_and_takes_none_back()
    {
        _reports.Take(Block(), NtpTime.From(Noon), 8000);
        Assert.Null(_reports.RoundTrip);
        _reports.Take(Block(sent: Noon, wait: 0), NtpTime.From(Noon.AddMilliseconds(8)), 8000);
        _reports.Take(Block(), NtpTime.From(Noon), 8000);
        Assert.NotNull(_reports.RoundTrip);
    }

    [Fact]
    public void Losses_add_up_over_our_streams_and_never_shrink()
    {
        _reports.Take(Block(lost: 5, fraction: 20), NtpTime.From(Noon), 8000);
        _reports.Take(Block(lost: -3), NtpTime.From(Noon), 8000);
        Assert.Equal((5ul, (byte)0), (_reports.Lost, _reports.FractionLost));
        _reports.Take(Block(source: 2, lost: 4, fraction: 7), NtpTime.From(Noon), 8000);
        Assert.Equal((9ul, (byte)7), (_reports.Lost, _reports.FractionLost));
        // Back on the first stream, which goes on counting where it was.
        _reports.Take(Block(lost: 6), NtpTime.From(Noon), 8000);
        Assert.Equal(10ul, _reports.Lost);
    }

    private static ReportBlock Block(uint source = 1, int lost = 0, byte fraction = 0, uint jitter = 0, DateTimeOffset? sent = null, double wait = 0) =>
        new(new Ssrc(source), fraction, lost, 1000, jitter, sent is { } at ? NtpTime.From(at).Middle : 0, (uint)(wait * 65536));
}
