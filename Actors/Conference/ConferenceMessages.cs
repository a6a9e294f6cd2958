using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Actors.Conference;

/// <summary>Anything sent to a conference entity; the region routes it by <see cref="Conference"/>.</summary>
public interface IConferenceMessage
{
    ConferenceId Conference { get; }
}

/// <summary>Answered to the participant (through its region) by <c>Joined</c> or <c>JoinRefused</c>.</summary>
public sealed record JoinConference(ConferenceId Conference, ParticipantId Participant, string Identity, string? DisplayName)
    : IConferenceMessage
{
    /// <summary>Null: the conference called it.</summary>
    public CallerIdentity? Caller { get; init; }

    public LegAbility Ability { get; init; } = LegAbility.None;

    /// <summary>As in <see cref="ConferenceCommand.Join"/>.</summary>
    public string Media { get; init; } = "";
}

/// <summary>How it is with a group key at a leg: answers what <c>JoinedInGroup</c> or <c>OfferGroupKey</c> brought.</summary>
public sealed record LegKeyReport(ConferenceId Conference, ParticipantId Participant, LegKeyAnswer Answer, KeyEpoch Epoch, TimeSpan Wait)
    : IConferenceMessage;

/// <summary>The leg is at that mixer, and its peer knows: answers <c>MoveLeg</c>.</summary>
public sealed record LegMoved(ConferenceId Conference, ParticipantId Participant, MixerId Mixer) : IConferenceMessage;

/// <summary>
/// A participant has no leg, since it came back or a mixer has no room: answered by <c>MoveLeg</c>, <c>DialGranted</c>, <c>JoinRefused</c> or <c>EndDialog</c>.
/// </summary>
public sealed record FindMixer(ConferenceId Conference, ParticipantId Participant) : IConferenceMessage
{
    /// <summary>Which has none, so another one is asked for; null: it asks where its leg is.</summary>
    public MixerId? Full { get; init; }
}

/// <summary>A node with participants is gone: the conference speaks to each of its own, so that those who were there come to life elsewhere.</summary>
public sealed record RecallLegs(ConferenceId Conference) : IConferenceMessage;

/// <summary>The node of that mixer is to be emptied: another takes its place, elsewhere. Repeated by the node until the mixer is gone.</summary>
public sealed record DrainMixer(MixerId Mixer) : IConferenceMessage
{
    public ConferenceId Conference => Mixer.Conference;
}

/// <summary>Repeated by the participant until <c>LeaveAcknowledged</c> comes.</summary>
public sealed record LeaveConference(ConferenceId Conference, ParticipantId Participant, LeaveReason Reason) : IConferenceMessage;

/// <summary>The operator or the node's shutdown ends it: every participant is told to send BYE.</summary>
public sealed record EndConference(ConferenceId Conference, EndReason Reason) : IConferenceMessage;

/// <summary>The rules for all its instances to come; the asker looks at the <see cref="ConferenceView"/> for what came of it.</summary>
public sealed record PlanConference(ConferenceId Conference, ConferencePlan Plan) : IConferenceMessage;

/// <summary>A new group key at once, with the operator's reason for the audit.</summary>
public sealed record RekeyConference(ConferenceId Conference, string Note) : IConferenceMessage;

/// <summary>Out of the mix at once, and its dialog ends.</summary>
public sealed record EvictParticipant(ConferenceId Conference, ParticipantId Participant) : IConferenceMessage;

/// <summary>
/// Heartbeat of a mixer: the version it has applied (0: it has no state and needs one) and its legs. A mixer that was refused for its
/// age says so with the incarnation it obeys.
/// </summary>
/// <param name="Legs">All of them, or those with news since the report before when <see cref="IsPartial"/> says so.</param>
public sealed record MixerReport(MixerId Mixer, Incarnation Incarnation, long AppliedVersion, ImmutableArray<LegReport> Legs)
    : IConferenceMessage
{
    public ConferenceId Conference => Mixer.Conference;

    public bool IsPartial { get; init; }

    public SharedReport Shared { get; init; }

    /// <summary>Of its flows to and from other mixers.</summary>
    public TrunkReport Trunk { get; init; }

    /// <summary>Who has the word; sent at once when it is another. Null: nobody.</summary>
    public ParticipantId? Speaker { get; init; }

    /// <summary>So much later than usual the next report may come, for nobody hears or is heard at that mixer.</summary>
    public TimeSpan Rest { get; init; }

    /// <summary>Another number for each life of a mixer, also under the same name; 0: from a node that does not tell.</summary>
    public long Born { get; init; }

    /// <summary>It was held up and sends nothing until it is told, under this number, that it is still in charge; 0: it does not ask.</summary>
    public long Question { get; init; }
}

public sealed record LegReport(ParticipantId Participant, LegStatistics Statistics)
{
    /// <summary>How far all its sources have come, when that is news.</summary>
    public ImmutableArray<UplinkIndex> Uplinks { get; init; } = [];

    /// <summary>Of all keys that it sends with, when one is new and there are other mixers.</summary>
    public ImmutableArray<KeyMark> Keys { get; init; } = [];
}

/// <summary>Answered to the sender with a <see cref="ConferenceView"/>.</summary>
public sealed record GetConference(ConferenceId Conference) : IConferenceMessage;

/// <summary>A snapshot for the management API.</summary>
public sealed record ConferenceView(
    ConferenceId Conference, bool IsActive, Incarnation Incarnation, MixerId? Mixer, long Version, long AppliedVersion,
    DateTimeOffset? Since, ImmutableArray<ParticipantView> Participants)
{
    /// <summary>Who was invited, and what came of it.</summary>
    public ImmutableArray<Callout> Callouts { get; init; } = [];

    /// <summary>Who speaks at present; null: nobody.</summary>
    public ParticipantId? Speaker { get; init; }

    /// <summary>The group keys that live, oldest first.</summary>
    public ImmutableArray<EpochView> Epochs { get; init; } = [];

    /// <summary>A rekeying waits for the minimum interval.</summary>
    public bool IsRekeyDeferred { get; init; }

    /// <summary>Its rules; null: from a node that does not tell.</summary>
    public ConferencePlan? Plan { get; init; }

    /// <summary>Null: it never had a group key.</summary>
    public ExposureView? Exposure { get; init; }

    /// <summary>Why the mixer before this one is gone; none: this is the first.</summary>
    public MixerLoss MixerLoss { get; init; }

    /// <summary>All of them, by number; one that is not active has none.</summary>
    public ImmutableArray<MixerView> Mixers { get; init; } = [];
}

/// <param name="Loss">Why the one of this number before it is gone; none: it is the first.</param>
/// <param name="Legs">Of the participants.</param>
/// <param name="Trunk">Of its flows to and from the others, as it said last.</param>
public sealed record MixerView(MixerId Mixer, MixerLoss Loss, int Legs, TrunkReport Trunk);

/// <summary>How long joins and leaves stay without a younger key.</summary>
/// <param name="Bound">The longest by the rules that hold: interval, distribution timeout and grace.</param>
/// <param name="LastCovered">Null: none was.</param>
/// <param name="Uncovered">Oldest first.</param>
public sealed record ExposureView(TimeSpan Bound, CoveredChange? LastCovered, ImmutableArray<KeyChange> Uncovered);

/// <param name="Legs">Legs whose media is under it.</param>
public sealed record EpochView(KeyEpoch Epoch, EpochPhase Phase, RekeyReason Reason, DateTimeOffset Began, int Legs);

/// <summary>How a leg is keyed.</summary>
/// <param name="InUse">The group key that its media is under; null: its own key.</param>
/// <param name="Offered">One that it was sent and has not answered.</param>
public sealed record LegKeyView(LegKeying Keying, KeyEpoch? InUse, KeyEpoch? Offered, bool IsProtected)
{
    /// <summary>It tells no keys by MKI.</summary>
    public bool LacksMki { get; init; }

    /// <summary>It took a group key, heard nothing under it, and is back on its own.</summary>
    public bool IsDeaf { get; init; }
}

public sealed record ParticipantView(
    ParticipantId Participant, string Identity, string? DisplayName, string Ssrc, DateTimeOffset JoinedAt, LegStatistics? Media)
{
    public LegKeyView? Key { get; init; }

    /// <summary>Its leg is on its way to another mixer.</summary>
    public bool IsMoving { get; init; }

    public CallerIdentity? Caller { get; init; }
}
