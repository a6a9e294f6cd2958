using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Protocols.Conference;

/// <summary>What happened in a conference. A fact: stored for ever, holds no secret, carries its own time.</summary>
public abstract record ConferenceEvent
{
    private ConferenceEvent()
    {
    }

    public required DateTimeOffset At { get; init; }

    /// <summary>The first join of a name, or the first after <see cref="Ended"/>.</summary>
    public sealed record Created(ConferenceId Conference) : ConferenceEvent;

    public sealed record Taken(Incarnation Incarnation) : ConferenceEvent;

    /// <summary>With the SSRC that the mixer sends to this participant, taken from the register for ever.</summary>
    public sealed record ParticipantJoined(ParticipantId Participant, string Identity, string? DisplayName, Ssrc Ssrc) : ConferenceEvent
    {
        /// <summary>Null: the conference called it, or the fact is older than the question.</summary>
        public CallerIdentity? Caller { get; init; }
    }

    public sealed record ParticipantLeft(ParticipantId Participant, LeaveReason Reason) : ConferenceEvent;

    public sealed record MixerPlaced(long MixerIncarnation) : ConferenceEvent;

    public sealed record Ended(EndReason Reason) : ConferenceEvent;
}
