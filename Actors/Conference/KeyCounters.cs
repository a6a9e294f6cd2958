using System.Diagnostics;
using System.Diagnostics.Metrics;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Conference;

/// <summary>What <see cref="KeyLedger"/> saw, summed over the conferences of this process, under the meter that the host exports. Times are in seconds.</summary>
public static class KeyCounters
{
    public const string MeterName = "ConfCluster.Keys";

    private static readonly Meter Meter = new(MeterName);

    /// <summary>From a tick to more than any rule allows.</summary>
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300],
    };

    private static readonly Counter<long> Rekeys = Meter.CreateCounter<long>("confcluster_rekeys", description: "Group keys made, by reason.");

    private static readonly Counter<long> Coalesced = Meter.CreateCounter<long>(
        "confcluster_rekeys_coalesced", description: "Joins and leaves that a rekeying covers beside the one that began it.");

    private static readonly Counter<long> Awaiting = Meter.CreateCounter<long>(
        "confcluster_rekeys_awaiting_kms", description: "Rekeyings for which there was no key of the KMS when they were due, by reason.");

    private static readonly Counter<long> Laggards = Meter.CreateCounter<long>(
        "confcluster_rekey_laggards", description: "Legs that did not follow a group key, by what became of them: ownKey, deaf, silenced, dropped.");

    private static readonly Histogram<double> Distribution = Meter.CreateHistogram(
        "confcluster_rekey_distribution_seconds", null, "From the beginning of an epoch until the last leg that took its key said so.", advice: Seconds);

    private static readonly Histogram<double> Exposure = Meter.CreateHistogram(
        "confcluster_exposure_seconds", null, "From a join or leave until nothing is sent under a group key from before it.", advice: Seconds);

    private static readonly LegStepKind[] Outcomes = [LegStepKind.OwnKey, LegStepKind.Deaf, LegStepKind.Silenced, LegStepKind.Dropped];

    public static void Count(KeyObservation what)
    {
        switch (what)
        {
            case KeyObservation.Rekeyed o:
                Rekeys.Add(1, Label("reason", o.Reason));
                Coalesced.Add(o.Merged);
                // That none fell behind is worth seeing, too.
                foreach (var outcome in Outcomes) Laggards.Add(0, Label("became", outcome));
                break;
            case KeyObservation.AwaitsKey o: Awaiting.Add(1, Label("reason", o.Reason)); break;
            case KeyObservation.Distributed o: Distribution.Record(o.Took.TotalSeconds); break;
            case KeyObservation.Covered o: Exposure.Record(o.Change.Exposure.TotalSeconds, Label("change", o.Change.Change.Kind)); break;
            case KeyObservation.FellBehind o: Laggards.Add(1, Label("became", o.Became)); break;
            default: throw new UnreachableException($"no counter for {what}");
        }
    }

    private static KeyValuePair<string, object?> Label(string name, Enum value)
    {
        var text = value.ToString();
        return new(name, char.ToLowerInvariant(text[0]) + text[1..]);
    }
}
