using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Participant;

/// <summary>Call somebody into the conference; the id is the tag that belongs to this Call-ID.</summary>
public sealed record DialParticipant(ParticipantId Participant, ConferenceId Conference, string CallId, string Target) : IParticipantMessage;

/// <summary>The conference agrees; its mixer has the ports.</summary>
public sealed record DialGranted(ParticipantId Participant, ConferenceId Conference, MixerId Mixer) : IParticipantMessage
{
    /// <summary>As in <see cref="Joined"/>.</summary>
    public string Media { get; init; } = "";
}

/// <summary>Where a request goes, in order; empty with the reason when there is nowhere.</summary>
public sealed record ServersLocated(ParticipantId Participant, ImmutableArray<SipFlow> Hops, string Reason) : IParticipantMessage;
