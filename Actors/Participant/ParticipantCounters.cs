using System.Diagnostics.Metrics;
using ConfCluster.Protocols.Focus;

namespace ConfCluster.Actors.Participant;

/// <summary>One counter per refusal, under the meter that the host exports.</summary>
public static class ParticipantCounters
{
    public const string MeterName = "ConfCluster.Participant";

    private static readonly Meter Meter = new(MeterName);

    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>(
        "confcluster_participant_refusals", description: "Requests refused and dialogs given up by participants, by reason.");

    public static void Count(ParticipantRefusal refusal) =>
        Refusals.Add(1, new KeyValuePair<string, object?>("reason", refusal.ToString()));
}
