using System.Collections.Immutable;
using ConfCluster.Actors.Conference;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Host.Api;

/// <summary>From what entities say to what the API answers.</summary>
internal static class ApiMapping
{
    public static ConferenceSummary Summary(ConferenceView view) => new(
        view.Conference.Value, view.IsActive, view.Participants.Length, view.Since, view.Mixer?.ToString(), view.Incarnation.Number);

    public static ConferenceDetails Details(ConferenceView view) => new(
        view.Conference.Value, view.IsActive, view.Since, view.Mixer?.ToString(), view.Incarnation.Number, view.Version, view.AppliedVersion,
        [.. view.Participants.Select(p => Participant(p) with { Speaking = p.Participant == view.Speaker })], [.. view.Callouts.Select(Invitation)])
    {
        Epochs = [.. view.Epochs.Select(e => new EpochDetails(e.Epoch.Number, Camel($"{e.Phase}"), Camel($"{e.Reason}"), e.Began, e.Legs))],
        RekeyDeferred = view.IsRekeyDeferred,
        MixerLoss = view.MixerLoss == MixerLoss.None ? null : Camel($"{view.MixerLoss}"),
        Mixers = [.. view.Mixers.Select(Mixer)],
        Plan = view.Plan is { } plan ? Plan(plan) : null,
        Exposure = view.Exposure is { } exposure ? Exposure(exposure) : null,
    };

    private static MixerDetails Mixer(MixerView view) => new(
        view.Mixer.ToString(), view.Loss == MixerLoss.None ? null : Camel($"{view.Loss}"), view.Legs, view.Trunk == default ? null : new TrunkDetails(
            view.Trunk.Address?.ToString(), view.Trunk.Generation, view.Trunk.Sent, view.Trunk.Received, view.Trunk.Refused, view.Trunk.DelayMilliseconds));

    private static CoverageDetails Exposure(ExposureView view) => new(
        view.Bound.TotalSeconds, view.LastCovered is { } covered ? Change(covered.Change) with { Seconds = covered.Exposure.TotalSeconds } : null,
        [.. view.Uncovered.Select(Change)]);

    private static ChangeDetails Change(KeyChange change) => new(Camel($"{change.Kind}"), change.Participant.Value, change.At, null);

    public static PlanDetails Plan(ConferencePlan plan) =>
        new(plan.Blueprint, plan.Set.ToDictionary(s => s.Name, s => s.Value), plan.Policy.ToDictionary(s => s.Name, s => s.Value));

    /// <summary>Nobody is in it, and it has rules of its own.</summary>
    public static ConferenceDetails Planned(ConferenceId id, ConferencePlan plan) =>
        new(id.Value, false, null, null, 0, 0, 0, [], []) { Plan = Plan(plan) };

    public static InvitationDetails Invitation(Callout c) => new(c.Participant.Value, c.Target, c.State, c.Status, c.Reason, c.At);

    /// <summary>Who left is named as when it joined.</summary>
    public static IEnumerable<HistoryEntry> History(ImmutableArray<(long Number, ConferenceEvent Event)> events)
    {
        var identities = events.Select(e => e.Event).OfType<ConferenceEvent.ParticipantJoined>()
            .GroupBy(e => e.Participant.Value).ToDictionary(g => g.Key, g => g.Last().Identity);
        return events.Select(e => Entry(e.Number, e.Event))
            .Select(e => e.Participant is { } participant ? e with { Identity = identities.GetValueOrDefault(participant) } : e);
    }

    private static HistoryEntry Entry(long number, ConferenceEvent happened) => happened switch
    {
        ConferenceEvent.ParticipantJoined e => Entry(number, e, e.Participant.Value, e.Identity, e.Ssrc.ToString()),
        ConferenceEvent.ParticipantLeft e => Entry(number, e, e.Participant.Value, null, Camel(e.Reason.ToString())),
        ConferenceEvent.Planned e => Entry(number, e, null, null, string.Join(", ", e.Plan.Set.Select(s => s.ToString()).Prepend($"blueprint {e.Plan.Blueprint}"))),
        ConferenceEvent.Taken e => Entry(number, e, null, null, e.Incarnation.ToString()),
        ConferenceEvent.ParticipantMoved e => Entry(number, e, e.Participant.Value, null, $"mixer {e.Mixer}, {e.Ssrc}"),
        ConferenceEvent.MixerPlaced e => Entry(
            number, e, null, null, $"mixer incarnation {e.MixerIncarnation}{(e.Loss == MixerLoss.None ? "" : $", {Camel($"{e.Loss}")}")}"),
        ConferenceEvent.KeyEpochBegan e => Entry(number, e, null, null, $"{e.Epoch}, {Camel($"{e.Reason}")}{(e.Source == KeySource.Kms ? ", made by the KMS" : "")}"),
        ConferenceEvent.KeyEpochPassed e => Entry(number, e, null, null, $"{e.Epoch} {Camel($"{e.Passage}")}"),
        ConferenceEvent.RekeyDeferred e => Entry(number, e, null, null, $"{Camel($"{e.Reason}")}, {(e.ForKey ? "no key of the KMS, " : "")}until {e.Until:O}"),
        ConferenceEvent.LegsProgressed e => Entry(number, e, null, null, Steps(e.Steps)),
        ConferenceEvent.Ended e => Entry(number, e, null, null, Camel(e.Reason.ToString())),
        _ => Entry(number, happened, null, null, null),
    };

    /// <summary>What how many legs did: 3 confirmed epoch 2.</summary>
    private static string Steps(ImmutableArray<LegStep> steps) => string.Join(", ", steps.GroupBy(s => (s.Kind, s.Epoch)).Select(
        g => $"{g.Count()} {Camel($"{g.Key.Kind}")}{(g.Key.Epoch.Number == 0 ? "" : $" {g.Key.Epoch}")}"));

    private static HistoryEntry Entry(long number, ConferenceEvent happened, string? participant, string? identity, string? detail) =>
        new(number, happened.At, Camel(happened.GetType().Name), participant, identity, detail);

    private static ParticipantDetails Participant(ParticipantView view) => new(
        view.Participant.Value, view.Identity, view.DisplayName, view.Ssrc, view.JoinedAt, view.Media is { } media ? Media(media) : null)
    {
        ProvenName = view.Caller?.Name,
        Proof = view.Caller?.Proof,
        Private = view.Caller?.IsPrivate ?? false,
        Moving = view.IsMoving,
        Key = view.Key is { } key ? Key(key, view.Media) : null,
    };

    private static KeyDetails Key(LegKeyView key, LegStatistics? media) => new(
        Camel($"{key.Keying}"), key.InUse?.Number, key.Offered?.Number, key.IsProtected, !key.LacksMki, key.IsDeaf)
    {
        Hearing = media is { IsReported: true } ? "reported" : "unknown",
    };

    private static MediaDetails Media(LegStatistics s) => new(
        s.Remote.IsPresent ? s.Remote.ToString() : null, s.RemoteSsrc.Value == 0 ? null : s.RemoteSsrc.ToString(), s.PacketsReceived, s.PacketsSent,
        s.PacketsLost, s.Concealed, s.LateOrDuplicate, s.AuthFailures, s.Replays, s.Malformed, s.UnknownMki, s.RtcpReceived, s.RtcpSent)
    {
        PacketsUndecoded = s.Undecoded,
        Inbound = Stream(s.Reception),
        Outbound = Stream(s.PeerReception),
        RoundTripSeconds = s.RoundTripMicroseconds / 1e6,
        MediaMissing = s.IsMediaMissing,
        JitterDelayMilliseconds = s.DelayMilliseconds,
        Digits = s.Digits,
    };

    private static StreamDetails Stream(in StreamQuality quality) => new(quality.Lost, quality.FractionLost / 256.0, quality.JitterMicroseconds / 1e6);

    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
