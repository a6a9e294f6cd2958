using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;

namespace ConfCluster.Protocols.Conference;

/// <summary>What can happen to a living conference.</summary>
public abstract record ConferenceInput
{
    private ConferenceInput()
    {
    }

    /// <summary>
    /// The journal has said what it knows. <paramref name="CallsLost"/>: the process that held the calls of these facts is gone.
    /// </summary>
    public sealed record Recovered(ImmutableArray<ConferenceEvent> Events, bool CallsLost) : ConferenceInput;

    /// <summary>The batch that was given out to store is in the journal.</summary>
    public sealed record Stored : ConferenceInput;

    /// <summary>The journal failed; whoever writes goes on trying.</summary>
    public sealed record JournalFailing : ConferenceInput;

    /// <summary>Somebody else has written to our journal.</summary>
    public sealed record Overtaken : ConferenceInput;

    public sealed record Asked(ConferenceCommand Command) : ConferenceInput;

    /// <summary>Somebody is to be called: may it be, and where are its ports?</summary>
    public sealed record CalloutAsked(ParticipantId Participant, string Target) : ConferenceInput;

    /// <summary>How the call to somebody goes.</summary>
    public sealed record CalloutReported(ParticipantId Participant, string Target, CalloutState State, int Status, string Reason) : ConferenceInput;

    public sealed record MixerReported(MixerId Mixer, Incarnation Incarnation, long AppliedVersion) : ConferenceInput
    {
        /// <summary>Legs that hear nothing under the group key that they took.</summary>
        public ImmutableArray<(ParticipantId Participant, KeyEpoch Epoch)> Deaf { get; init; } = [];

        public SharedReport Shared { get; init; }

        /// <summary>Of its flows to and from other mixers.</summary>
        public TrunkReport Trunk { get; init; }

        /// <summary>Of legs whose sources have come farther by so much that it is worth telling.</summary>
        public ImmutableArray<LegUplinks> Uplinks { get; init; } = [];

        /// <summary>Of legs with a key that is new, where there are other mixers.</summary>
        public ImmutableArray<LegMarks> Keys { get; init; } = [];

        /// <summary>Legs that it has sent media to; need not be told when no mixer leaves.</summary>
        public ImmutableArray<ParticipantId> Sending { get; init; } = [];

        /// <summary>Another number for each life of a mixer, also under the same name; 0: it does not tell.</summary>
        public long Born { get; init; }

        /// <summary>It sends nothing until it is told that it is in charge, in answer to this number; 0: it does not ask.</summary>
        public long Question { get; init; }

        /// <summary>The next report may be so much later than usual, for nobody hears or is heard there.</summary>
        public TimeSpan Rest { get; init; }
    }

    /// <summary>How it is with a group key at a leg.</summary>
    public sealed record KeyReported(ParticipantId Participant, LegKeyAnswer Answer, KeyEpoch Epoch, TimeSpan Wait) : ConferenceInput;

    /// <summary>The leg is at that mixer, and its peer knows.</summary>
    public sealed record LegMoved(ParticipantId Participant, MixerId Mixer) : ConferenceInput;

    /// <summary>A participant that came back on another node: which mixer has its leg?</summary>
    public sealed record PlaceAsked(ParticipantId Participant) : ConferenceInput;

    /// <summary>A mixer has no room for the leg of a participant, or of somebody who is being called: which other has?</summary>
    public sealed record RoomAsked(ParticipantId Participant, MixerId Full) : ConferenceInput;

    /// <summary>A node with participants is gone: those of this conference that were there come to life when they are spoken to.</summary>
    public sealed record LegsRecalled : ConferenceInput;

    /// <summary>The node of that mixer is to be emptied.</summary>
    public sealed record MixerDrained(MixerId Mixer) : ConferenceInput;

    /// <summary>So many keys of the KMS are kept by whoever makes keys here, for epochs to come.</summary>
    /// <param name="Problem">Why there are none.</param>
    public sealed record KeysFetched(int Count, string Problem) : ConferenceInput;

    /// <summary>An operator wants a new group key now.</summary>
    public sealed record RekeyAsked(string Note) : ConferenceInput;

    /// <summary>An operator wants somebody out.</summary>
    public sealed record EvictionAsked(ParticipantId Participant) : ConferenceInput;

    public sealed record Fired(ConferenceTimer Timer) : ConferenceInput;

    /// <summary>The entity is to go (passivation, hand-over): as soon as nothing is being written.</summary>
    public sealed record StopRequested : ConferenceInput;
}

public enum ConferenceTimer : byte { MixerSilent, Idle, Keys, Collect, Moves, Fetch }
