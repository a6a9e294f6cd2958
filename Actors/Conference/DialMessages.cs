using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Conference;

/// <summary>May somebody be called? Answered to the participant by <c>DialGranted</c> or <c>JoinRefused</c>.</summary>
public sealed record AskToDial(ConferenceId Conference, ParticipantId Participant, string Target) : IConferenceMessage;

/// <summary>How a call goes, for whoever looks at the conference.</summary>
public sealed record DialReport(
    ConferenceId Conference, ParticipantId Participant, string Target, CalloutState State, int Status, string Reason) : IConferenceMessage;
