namespace ConfCluster.Protocols.Conference;

/// <summary>How far a call has come that the conference makes to somebody (RFC 4353 §5.2). Values travel between nodes: never renumber.</summary>
public enum CalloutState : byte { Inviting = 0, Ringing = 1, Joined = 2, Failed = 3 }

/// <summary>Somebody who was invited. Kept in memory only: a call that nobody answered needs no journal, and one that was is a member.</summary>
/// <param name="Participant">Who it will be once it has joined.</param>
/// <param name="Status">The SIP status that tells most: 180 while it rings, the final one of a failure, or ours; 0: none yet.</param>
/// <param name="Reason">For whoever asked, in words; empty when all is well.</param>
public sealed record Callout(ParticipantId Participant, string Target, CalloutState State, int Status, string Reason, DateTimeOffset At)
{
    /// <summary>The number of the mixer where it has ports; null: not settled yet, or unknown here.</summary>
    public int? Seat { get; init; }

    /// <summary>It was asked for, and has not been told where it has ports.</summary>
    public bool IsWaiting { get; init; }

    /// <summary>The mixer where it was to have ports had no room.</summary>
    public bool WasRefused { get; init; }

    public bool IsPending => State is CalloutState.Inviting or CalloutState.Ringing;
}
