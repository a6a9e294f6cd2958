using System.Net;
using ConfCluster.Protocols.Sip.Admission;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Admission;

public class AdmissionProperties
{
    private static readonly OverloadLimits Limits = new(100, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1));

    private static readonly Gen<TimeSpan> Step = Gen.Int[0, 3000].Select(ms => TimeSpan.FromMilliseconds(ms));

    [Fact]
    public void In_no_time_more_than_burst_and_rate_times_time_is_taken() =>
        (from perSecond in Gen.Int[1, 50]
         from burst in Gen.Int[1, 20]
         from steps in Step.Array[1, 200]
         select (new BucketRate(perSecond, burst), steps)).Sample((rate, steps) =>
        {
            var (now, bucket) = (TimeSpan.Zero, TokenBucket.Full(rate, TimeSpan.Zero));
            var taken = new List<TimeSpan>();
            foreach (var step in steps)
            {
                now += step / 10;
                if (bucket.TryTake(rate, now, out bucket)) taken.Add(now);
            }

            for (var from = 0; from < taken.Count; from++)
                for (var to = from; to < taken.Count; to++)
                    Assert.True(to - from + 1 <= rate.Burst + rate.PerSecond * (taken[to] - taken[from]).TotalSeconds + 1e-6);
        });

    [Fact]
    public void Whoever_asks_less_often_than_the_rate_is_never_refused() =>
        Gen.Select(Gen.Int[1, 50], Step.Array[1, 100]).Sample((perSecond, steps) =>
        {
            var rate = new BucketRate(perSecond, 1);
            var (now, bucket) = (TimeSpan.Zero, TokenBucket.Full(rate, TimeSpan.Zero));
            foreach (var step in steps)
            {
                Assert.True(bucket.TryTake(rate, now, out bucket));
                now += step + TimeSpan.FromSeconds(1.0 / perSecond) + TimeSpan.FromTicks(1);
            }
        });

    [Fact]
    public void A_clock_that_goes_back_gives_no_tokens()
    {
        var rate = new BucketRate(1, 1);
        Assert.True(TokenBucket.Full(rate, TimeSpan.FromSeconds(9)).TryTake(rate, TimeSpan.FromSeconds(9), out var bucket));
        Assert.False(bucket.TryTake(rate, TimeSpan.Zero, out bucket));
        Assert.False(bucket.TryTake(rate, TimeSpan.FromSeconds(9.5), out bucket));
        Assert.True(bucket.TryTake(rate, TimeSpan.FromSeconds(10), out _));
    }

    [Fact]
    public void Any_number_of_sources_leaves_the_table_as_large_as_it_was_and_a_busy_source_limited()
    {
        var buckets = new SourceBuckets(new BucketRate(1, 5), 64, seed: 42);
        var busy = SourceKey.Of(IPAddress.Parse("192.0.2.1"));
        var allowed = 0;
        for (var i = 0; i < 10_000; i++)
        {
            // The busy one is the emptiest and is never the one that goes.
            if (buckets.TryTake(busy, TimeSpan.Zero)) allowed++;
            Assert.True(buckets.TryTake(SourceKey.Of(new IPAddress(0x0A000000u + i)), TimeSpan.Zero));
        }

        Assert.Equal((64, 5), (buckets.Size, allowed));
        Assert.InRange(buckets.Count, 1, 64);
    }

    [Theory]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    public void A_network_of_IPv6_is_one_source(string one, string other, bool same) =>
        Assert.Equal(same, SourceKey.Of(IPAddress.Parse(one)) == SourceKey.Of(IPAddress.Parse(other)));

    [Fact]
    public void A_long_queue_closes_the_gate_at_once_a_lag_when_it_lasts_and_only_a_calm_while_opens_it() =>
        Gen.Select(Step, Gen.Int[0, 300], Gen.Int[0, 500]).Array[1, 200].Sample(samples =>
        {
            var (now, gate) = (TimeSpan.Zero, OverloadGate.Open);
            TimeSpan? busy = null, late = null;
            foreach (var (step, queue, lag) in samples)
            {
                now += step / 5;
                var sample = new LoadSample(queue, TimeSpan.FromMilliseconds(lag));
                var before = gate;
                gate = gate.Next(sample, Limits, now);
                var (tooMany, tooLate) = (queue > Limits.MaxQueue, sample.Lag > Limits.MaxLag);
                late = tooLate && !before.IsClosed ? late ?? now : null;
                if (2 * queue > Limits.MaxQueue || 2 * sample.Lag > Limits.MaxLag) busy = now;
                var lasts = late is { } first && now - first >= Limits.Hold;
                if (tooMany || before.IsClosed && tooLate) Assert.True(gate.IsClosed);
                if (!before.IsClosed) Assert.Equal(tooMany || lasts, gate.IsClosed);
                if (before.IsClosed && !gate.IsClosed) Assert.True(busy is { } last && now - last >= Limits.Hold);
            }
        });

    [Fact]
    public void Every_refusal_has_a_status_and_a_wait_within_the_range()
    {
        var limits = AdmissionLimits.None with { RetryAfterMin = 5, RetryAfterMax = 20 };
        foreach (var refusal in Enum.GetValues<AdmissionRefusal>()) Assert.Contains(AdmissionRules.Status(refusal).Status, (int[])[486, 503]);
        Gen.UInt.Sample(random => Assert.InRange(AdmissionRules.RetryAfter(limits, random), 5, 20));
        Assert.Equal(16, Enumerable.Range(0, 100).Select(n => AdmissionRules.RetryAfter(limits, (uint)n)).Distinct().Count());
    }

    [Fact]
    public void What_concerns_all_is_said_before_what_concerns_one_source()
    {
        var limits = AdmissionLimits.None with { MaxUnanswered = 1, MaxTransactionsOfNew = 1, MaxDialogs = 1, MaxDialogsPerSource = 1 };
        Assert.Null(AdmissionRules.Judge(default, limits));
        Assert.Equal(AdmissionRefusal.TooManyDialogsOfSource, AdmissionRules.Judge(new AdmissionLoad(false, 0, 0, 0, 1), limits));
        Assert.Equal(AdmissionRefusal.TooManyDialogs, AdmissionRules.Judge(new AdmissionLoad(false, 0, 0, 1, 1), limits));
        Assert.Equal(AdmissionRefusal.TooManyTransactions, AdmissionRules.Judge(new AdmissionLoad(false, 0, 1, 1, 1), limits));
        Assert.Equal(AdmissionRefusal.TooManyUnanswered, AdmissionRules.Judge(new AdmissionLoad(false, 1, 1, 1, 1), limits));
        Assert.Equal(AdmissionRefusal.Overloaded, AdmissionRules.Judge(new AdmissionLoad(true, 1, 1, 1, 1), limits));
    }
}
