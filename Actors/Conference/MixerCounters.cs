using System.Diagnostics.Metrics;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Conference;

/// <summary>Mixers that were replaced, over the conferences of this process, under the meter of <see cref="KeyCounters"/>.</summary>
public static class MixerCounters
{
    private static readonly Meter Meter = new(KeyCounters.MeterName);

    private static readonly Counter<long> Replaced = Meter.CreateCounter<long>(
        "confcluster_mixers_replaced", description: "Mixers whose place another took, by what became of them: silent, beganAnew, drained.");

    private static readonly Histogram<double> Moves = Meter.CreateHistogram(
        "confcluster_mixer_move_seconds", null, "From the placing of a mixer in the place of another until every leg was there and its phone knew.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 32] });

    public static void Lost(MixerLoss loss)
    {
        var text = loss.ToString();
        Replaced.Add(1, new KeyValuePair<string, object?>("reason", char.ToLowerInvariant(text[0]) + text[1..]));
    }

    public static void Moved(TimeSpan took) => Moves.Record(took.TotalSeconds);
}
