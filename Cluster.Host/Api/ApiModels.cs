using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Host.Api;

/// <summary>What the management API answers; names are stable, new members only added.</summary>
internal sealed record ConferenceSummary(
    string Name, bool Active, int Participants, DateTimeOffset? Since, string? Mixer, long Incarnation);

internal sealed record ConferenceDetails(
    string Name, bool Active, DateTimeOffset? Since, string? Mixer, long Incarnation, long Version, long AppliedVersion,
    IReadOnlyList<ParticipantDetails> Participants, IReadOnlyList<InvitationDetails> Invitations)
{
    /// <summary>The group keys that live, oldest first.</summary>
    public IReadOnlyList<EpochDetails> Epochs { get; init; } = [];

    /// <summary>A change of the key waits for the minimum interval.</summary>
    public bool RekeyDeferred { get; init; }

    /// <summary>Why the mixer before this one is gone: silent, beganAnew or drained; null: this one is the first.</summary>
    public string? MixerLoss { get; init; }

    /// <summary>All of them, which send each other what their loudest say; an older node tells none.</summary>
    public IReadOnlyList<MixerDetails> Mixers { get; init; } = [];

    /// <summary>Null: from a node that does not tell.</summary>
    public PlanDetails? Plan { get; init; }

    /// <summary>Null: it never had a group key.</summary>
    public CoverageDetails? Exposure { get; init; }
}

/// <param name="Loss">Why the one before it is gone: silent or beganAnew; null: it is the first.</param>
/// <param name="Legs">Participants that are there.</param>
/// <param name="Trunk">Null: it is the only one, or has not said anything yet.</param>
internal sealed record MixerDetails(string Mixer, string? Loss, int Legs, TrunkDetails? Trunk);

/// <summary>What a mixer says of its flows to and from the other mixers.</summary>
/// <param name="Address">Where it takes theirs; null: nowhere.</param>
/// <param name="Generation">Of the keys; 0: it has none yet.</param>
/// <param name="Refused">Packets that were not authentic.</param>
/// <param name="DelayMilliseconds">So long theirs wait there before they are mixed, at most.</param>
internal sealed record TrunkDetails(string? Address, long Generation, ulong Sent, ulong Received, ulong Refused, uint DelayMilliseconds);

/// <summary>How long joins and leaves stay without a younger key (<c>audit exposure</c> tells it of all that ever were).</summary>
/// <param name="BoundSeconds">The longest by the rules that hold: interval, distribution timeout and grace.</param>
/// <param name="LastCovered">Null: none was.</param>
/// <param name="Uncovered">Oldest first.</param>
internal sealed record CoverageDetails(double BoundSeconds, ChangeDetails? LastCovered, IReadOnlyList<ChangeDetails> Uncovered);

/// <param name="Change">join or leave.</param>
/// <param name="Seconds">Until it was covered; null: it is not.</param>
internal sealed record ChangeDetails(string Change, string Participant, DateTimeOffset Since, double? Seconds);

/// <param name="Legs">Whose media is under it.</param>
internal sealed record EpochDetails(uint Epoch, string Phase, string Reason, DateTimeOffset Began, int Legs);

/// <param name="Keying">own, groupByMki, groupPlain, groupBothWays or switched.</param>
/// <param name="Epoch">Of the group key that its media is under; null: its own key.</param>
/// <param name="Offered">An epoch that it was sent and has not answered.</param>
/// <param name="Mki">It tells keys by MKI.</param>
/// <param name="Deaf">It took a group key, heard nothing under it, and is back on its own.</param>
internal sealed record KeyDetails(string Keying, uint? Epoch, uint? Offered, bool ProtectedSignalling, bool Mki, bool Deaf)
{
    /// <summary>
    /// reported: its RTCP says how our stream arrives, so it would be noticed if it heard nothing under a key; unknown: it does not, and nobody can tell unless
    /// it falls silent.
    /// </summary>
    public required string Hearing { get; init; }
}

/// <param name="Set">What differs from the blueprint.</param>
/// <param name="Policy">Every rule that holds.</param>
internal sealed record PlanDetails(string Blueprint, IReadOnlyDictionary<string, string> Set, IReadOnlyDictionary<string, string> Policy);

/// <param name="Blueprint">Null: the one for such a name.</param>
internal sealed record CreateRequest(string? Blueprint, IReadOnlyDictionary<string, string>? Set);

/// <summary>Why the group key is to be changed.</summary>
internal sealed record RekeyRequest(string? Reason);

/// <summary>Whom to call into a conference.</summary>
internal sealed record InvitationRequest(string? Uri);

/// <param name="Id">Also the participant's, once it has joined.</param>
/// <param name="Status">The SIP status that tells most; 0: none yet.</param>
internal sealed record InvitationDetails(string Id, string Uri, CalloutState State, int Status, string Reason, DateTimeOffset? At);

/// <param name="Media">Null until the mixer has reported the leg.</param>
internal sealed record ParticipantDetails(
    string Id, string Identity, string? DisplayName, string Ssrc, DateTimeOffset JoinedAt, MediaDetails? Media)
{
    /// <summary>Who it is by that proof; null: the conference called it.</summary>
    public string? ProvenName { get; init; }

    public IdentityProof? Proof { get; init; }

    public KeyDetails? Key { get; init; }

    public bool Private { get; init; }

    /// <summary>It has the word.</summary>
    public bool Speaking { get; init; }

    /// <summary>Its leg is on its way to another mixer.</summary>
    public bool Moving { get; init; }
}

/// <summary>One direction of a leg (RFC 3550 §6.4.1).</summary>
/// <param name="FractionLost">Of the last interval between two reports.</param>
internal sealed record StreamDetails(ulong PacketsLost, double FractionLost, double JitterSeconds);

/// <summary>Counters since the leg was opened.</summary>
internal sealed record MediaDetails(
    string? Remote, string? RemoteSsrc, ulong PacketsReceived, ulong PacketsSent, ulong PacketsLost, ulong PacketsConcealed, ulong LateOrDuplicate,
    ulong AuthFailures, ulong Replays, ulong Malformed, ulong UnknownMki, ulong RtcpReceived, ulong RtcpSent)
{
    /// <summary>Packets that were not decoded, since they were silent or others louder.</summary>
    public ulong PacketsUndecoded { get; init; }

    /// <summary>How it arrives here.</summary>
    public required StreamDetails Inbound { get; init; }

    /// <summary>How our stream arrives there, by its reports.</summary>
    public required StreamDetails Outbound { get; init; }

    /// <summary>Null: not measured yet.</summary>
    public double? RoundTripSeconds { get; init; }

    /// <summary>It should send, and nothing authentic has come for conference.no-media.after.</summary>
    public bool MediaMissing { get; init; }

    /// <summary>How long packets wait in the jitter buffer at present.</summary>
    public uint JitterDelayMilliseconds { get; init; }

    /// <summary>Keys that were pressed.</summary>
    public ulong Digits { get; init; }
}

/// <param name="Participant">Null for events of the whole conference.</param>
internal sealed record HistoryEntry(long Number, DateTimeOffset At, string Event, string? Participant, string? Identity, string? Detail);

internal sealed record ApiProblem(string Error);
