using System.Collections.Immutable;
using ConfCluster.Actors.Phone.Load;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;
using Xunit;

namespace ConfCluster.Actors.Tests.Phone.Load;

public sealed class LoadTests
{
    [Theory]
    [InlineData(50, 50)]
    [InlineData(7, 7)]
    [InlineData(333, 327)]
    [InlineData(0.5, 1)]
    [InlineData(0, 0)]
    public void Calls_begin_at_the_rate(double rate, int inTheFirstSecond)
    {
        var pacer = new Pacer(rate);
        var counts = Enumerable.Range(0, 50).Select(t => pacer.Due(t * AudioFrame.Duration)).ToArray();
        Assert.InRange(counts.Sum(), inTheFirstSecond - 1, inTheFirstSecond);
        Assert.True(counts.Max() <= Math.Ceiling(rate / 50), "they come in heaps");
    }

    [Fact]
    public void After_a_pause_the_calls_of_the_pause_do_not_come_all_at_once()
    {
        var pacer = new Pacer(50);
        Assert.Equal(1, pacer.Due(TimeSpan.Zero));
        Assert.Equal(5, pacer.Due(TimeSpan.FromSeconds(10)));
        Assert.Equal(1, pacer.Due(TimeSpan.FromSeconds(10.02)));
    }

    [Theory]
    [InlineData(new[] { 1, 2 }, 3, 0, true)]
    [InlineData(new[] { 0, 1, 2 }, 3, -1, true)]
    [InlineData(new[] { 0, 1, 2 }, 3, 0, false)]
    [InlineData(new[] { 1 }, 3, 0, false)]
    [InlineData(new int[0], 3, -1, false)]
    [InlineData(new[] { 1, 2, 9 }, 3, 0, true)]
    [InlineData(new[] { 0, 1, 2, 3, 4, 5, 6, 7 }, 8, -1, true)]
    [InlineData(new[] { 0, 1, 2, 3, 4, 5, 7 }, 8, -1, false)]
    public void What_is_heard_is_right_when_it_is_the_tones_of_all_others_and_not_ones_own(int[] tones, int talkers, int own, bool right)
    {
        var check = new ToneCheck(talkers, own);
        var generators = tones.Select(t => new ToneGenerator(ToneCheck.Hertz(t))).ToArray();
        var (frame, sum) = (new short[AudioFrame.Samples], new short[AudioFrame.Samples]);
        for (var t = 0; t < 50; t++)
        {
            Array.Clear(sum);
            foreach (var generator in generators)
            {
                generator.Fill(frame);
                for (var i = 0; i < sum.Length; i++) sum[i] += (short)(frame[i] / 3);
            }

            check.Hear(sum);
        }

        Assert.Equal(right ? (2, 0) : (0, 2), (check.Right, check.Wrong));
    }

    [Fact]
    public void A_phone_that_heard_nothing_has_lost_everything()
    {
        var leg = Leg(received: 0, lost: 0);
        Assert.Equal((450UL, 450UL), (leg.Expected, leg.Lost));
        Assert.Equal(0UL, Leg(received: 450, lost: 0).Lost);
        Assert.Equal(3UL, Leg(received: 497, lost: 3).Lost);
    }

    [Fact]
    public void The_report_adds_up_the_legs_and_only_a_load_without_loss_succeeds()
    {
        var good = LoadReport.From("x", [Leg(500, 0), Leg(500, 0)], TimeSpan.FromSeconds(0.5), TimeSpan.FromMilliseconds(2));
        Assert.True(good.Succeeded);
        Assert.Equal((2, 2, 4.0, 1000UL, 12.0, 12.0), (good.Calls, good.Joined, good.JoinsPerSecond, good.PacketsReceived, good.SetupMaxMilliseconds, good.SetupMedianMilliseconds));
        var lossy = LoadReport.From("x", [Leg(500, 0), Leg(490, 10)], TimeSpan.FromSeconds(1), default);
        Assert.Equal((false, 10UL, 1, 10UL), (lossy.Succeeded, lossy.PacketsLost, lossy.LegsWithLoss, lossy.MostLost));
        var refused = LoadReport.From("x", [Leg(500, 0), Leg(0, 0) with { Failure = "503 Service Unavailable", Setup = null, Stayed = default }], default, default);
        Assert.Equal((false, 1), (refused.Succeeded, refused.Failures["503 Service Unavailable"]));
        Assert.False((good with { TonesWrong = 1 }).Succeeded);
        Assert.False((good with { AuthFailures = 1 }).Succeeded);
        Assert.False((good with { Undecryptable = 1 }).Succeeded);
        Assert.True(good.IsJudge);
        var late = LoadReport.From("x", [Leg(500, 0), Leg(500, 0)], TimeSpan.FromSeconds(0.5), TimeSpan.FromMilliseconds(41));
        Assert.Equal((false, false), (late.IsJudge, late.Succeeded));
        Assert.False((good with { Node = new NodeFigures(0, 0, 0, 1, 0, 0) }).Succeeded);
        Assert.False(LoadReport.From("x", [Leg(500, 0) with { Failure = "ended by the server" }], default, default).Succeeded);
    }

    [Fact]
    public void Phones_are_spread_over_conferences_that_bear_numbers()
    {
        var one = new LoadOptions("tone", new(System.Net.IPAddress.Loopback, 5060), 9, 1, 0, 1, 0, TimeSpan.Zero, UseMki: false);
        Assert.Equal("sip:tone@127.0.0.1:5060", one.Target(0).ToString());
        Assert.Equal("sip:tone-2@127.0.0.1:5060", (one with { Conferences = 3 }).Target(2).ToString());
    }

    [Fact]
    public void The_gap_of_most_phones_is_told_beside_the_longest()
    {
        var gaps = Enumerable.Range(1, 100).Select(n => With(Leg(500, 0), TimeSpan.FromMilliseconds(n)));
        var report = LoadReport.From("x", [.. gaps.Reverse()], default, default);
        Assert.Equal((51.0, 100.0, 100.0), (report.MedianGapMilliseconds, report.P99GapMilliseconds, report.LongestGapMilliseconds));
    }

    [Fact]
    public void The_figures_of_a_node_are_read_from_its_metrics_and_lanes_are_added_up()
    {
        const string Text = """
            # TYPE confcluster_media_packets_sent_total counter
            confcluster_media_packets_sent_total{otel_scope_name="confcluster",lane="0"} 100 1700000000000
            confcluster_media_packets_sent_total{otel_scope_name="confcluster",lane="1"} 20 1700000000000
            confcluster_media_send_failures_total{lane="0"} 2
            confcluster_media_rebased_total{lane="0"} 1
            confcluster_media_auth_failures_total{lane="0"} 4
            confcluster_media_tick_lateness_seconds{lane="0",quantile="0.99"} 0.0015
            confcluster_media_tick_lateness_seconds{lane="1",quantile="0.99"} 0.002
            confcluster_media_tick_lateness_seconds{lane="1",quantile="1"} 0.011
            """;
        var figures = NodeFigures.Read(Text)!;
        Assert.Equal(new NodeFigures(2, 11, 120, 2, 1, 4), figures);
        Assert.Equal(new NodeFigures(2, 11, 20, 1, 0, 4), figures.Since(new NodeFigures(9, 9, 100, 1, 1, 0)));
        Assert.Null(NodeFigures.Read("# nothing"));
    }

    private static LegOutcome With(LegOutcome leg, TimeSpan gap) => leg with { Media = leg.Media with { LongestGap = gap } };

    private static LegOutcome Leg(ulong received, ulong lost) => new(
        null, TimeSpan.FromMilliseconds(12), TimeSpan.FromSeconds(10),
        new PhoneStatistics(500, received, lost, 0, 0, 0, 0, 0, 0, 0, 0, 0, TimeSpan.Zero, 0, ImmutableArray<Protocols.Rtp.Ssrc>.Empty), 0, 0);
}
