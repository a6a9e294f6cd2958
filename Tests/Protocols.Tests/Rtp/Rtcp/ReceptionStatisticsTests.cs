using System.Globalization;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Rtp.Rtcp;

public class ReceptionStatisticsTests
{
    private const int Rate = 8000;

    private static readonly Ssrc Source = new(7);

    [Fact]
    [Trait("RFC", "3550 §A.3")]
    public void The_fraction_is_of_the_interval_and_the_total_of_all_time()
    {
        var statistics = default(ReceptionStatistics);
        foreach (var index in (ulong[])[100, 101, 103]) OnTime(ref statistics, index);
        var first = statistics.Report(Source, TimeSpan.Zero);
        Assert.Equal((64, 1, 103u), (first.FractionLost, first.CumulativeLost, first.HighestSequence));

        foreach (var index in (ulong[])[104, 105, 106, 107]) OnTime(ref statistics, index);
        var second = statistics.Report(Source, TimeSpan.Zero);
        Assert.Equal((0, 1), (second.FractionLost, second.CumulativeLost));
        Assert.Equal(0, statistics.Report(Source, TimeSpan.Zero).FractionLost);
    }

    [Fact]
    public void A_packet_that_comes_late_is_not_lost()
    {
        var statistics = default(ReceptionStatistics);
        foreach (var index in (ulong[])[10, 12, 11, 9]) OnTime(ref statistics, index);
        Assert.Equal((4ul, 4ul, 0ul), (statistics.Received, statistics.Expected, statistics.Lost));
    }

    [Fact]
    [Trait("RFC", "3550 §6.4.1")]
    public void The_highest_sequence_number_carries_the_wraps()
    {
        var statistics = default(ReceptionStatistics);
        foreach (var index in (ulong[])[0xFFFF, 0x1_0000, 0x1_0001]) OnTime(ref statistics, index);
        Assert.Equal(0x1_0001u, statistics.Report(Source, TimeSpan.Zero).HighestSequence);
        Assert.Equal(0ul, statistics.Lost);
    }

    [Fact]
    [Trait("RFC", "3550 §A.8")]
    public void Jitter_moves_by_a_sixteenth_of_each_difference_in_transit()
    {
        var statistics = default(ReceptionStatistics);
        for (var index = 0ul; index < 100; index++) OnTime(ref statistics, index);
        Assert.Equal(0u, statistics.Report(Source, TimeSpan.Zero).Jitter);

        // One packet 20 ms late: 160 / 16; the next on time differs by 160 again: 10 + (160 - 10) / 16.
        statistics.Count(100, 100 * 160, TimeSpan.FromMilliseconds(100 * 20 + 20), Rate);
        Assert.Equal(10u, statistics.Report(Source, TimeSpan.Zero).Jitter);
        OnTime(ref statistics, 101);
        Assert.Equal(19u, statistics.Report(Source, TimeSpan.Zero).Jitter);
    }

    [Fact]
    [Trait("RFC", "3550 §A.8")]
    public void A_timestamp_that_wraps_is_no_jitter()
    {
        var statistics = default(ReceptionStatistics);
        for (var index = 0ul; index < 20; index++)
            statistics.Count(index, unchecked(0xFFFF_FF00u + (uint)index * 160), TimeSpan.FromMilliseconds(index * 20), Rate);
        Assert.Equal(0u, statistics.Report(Source, TimeSpan.Zero).Jitter);
    }

    [Fact]
    [Trait("RFC", "3550 §6.4.1")]
    public void The_last_sender_report_and_the_delay_since_are_reported()
    {
        var statistics = default(ReceptionStatistics);
        OnTime(ref statistics, 1);
        Assert.Equal((0u, 0u), (statistics.Report(Source, TimeSpan.FromSeconds(9)).LastSenderReport, statistics.Report(Source, default).DelaySinceLast));
        statistics.SenderReported(new NtpTime(0x0001_0203, 0x0405_0607), TimeSpan.FromSeconds(10));
        var report = statistics.Report(Source, TimeSpan.FromSeconds(11.5));
        Assert.Equal(0x0203_0405u, report.LastSenderReport);
        Assert.Equal(3u * 65536 / 2, report.DelaySinceLast);
    }

    [Fact]
    [Trait("RFC", "3550 §6.4.1")]
    public void The_round_trip_of_Figure_2()
    {
        var vector = VectorFile.Json("rtp/round_trip.json");
        uint Hex(string name) => uint.Parse(vector.GetProperty(name).GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var block = new ReportBlock(Source, 0, 0, 0, 0, Hex("lsr"), Hex("dlsr"));
        var roundTrip = block.RoundTrip(new NtpTime(Hex("arrival_ntp_seconds"), Hex("arrival_ntp_fraction")));
        Assert.Equal(vector.GetProperty("round_trip_seconds").GetDouble(), roundTrip!.Value.TotalSeconds);
    }

    [Fact]
    public void A_block_without_a_sender_report_tells_no_round_trip_and_a_clock_set_back_none_below_zero()
    {
        Assert.Null(new ReportBlock(Source, 0, 0, 0, 0, 0, 0).RoundTrip(new NtpTime(5, 0)));
        Assert.Equal(TimeSpan.Zero, new ReportBlock(Source, 0, 0, 0, 0, new NtpTime(6, 0).Middle, 0).RoundTrip(new NtpTime(5, 0)));
    }

    [Fact]
    [Trait("RFC", "3550 §4")]
    public void NTP_counts_seconds_since_1900_and_a_binary_fraction()
    {
        var time = NtpTime.From(new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMilliseconds(500));
        Assert.Equal(new NtpTime(2_208_988_800, 0x8000_0000), time);
    }

    private static void OnTime(ref ReceptionStatistics statistics, ulong index) =>
        statistics.Count(index, (uint)index * 160, TimeSpan.FromMilliseconds(index * 20), Rate);
}
