using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Conference;

/// <summary>What the machine asks of its shell, to be done in the order given.</summary>
public abstract record ConferenceEffect
{
    private ConferenceEffect()
    {
    }

    /// <summary>One atomic write. The next one is given out only after this was answered.</summary>
    public sealed record Store(ImmutableArray<ConferenceEvent> Events) : ConferenceEffect;

    /// <summary>To the mixer that the state names.</summary>
    public sealed record Publish(MixerState State) : ConferenceEffect
    {
        /// <summary>The mixer has missed it, so it may have missed keys, too.</summary>
        public bool IsRepeated { get; init; }
    }

    public sealed record Admit(ParticipantId Participant, MixerId Mixer, Ssrc Ssrc, Incarnation Incarnation) : ConferenceEffect
    {
        /// <summary>Of the group key that goes into its answer; null: none does.</summary>
        public KeyEpoch? Epoch { get; init; }

        /// <summary>With the rungs above that epoch up to this one; null: without any.</summary>
        public KeyEpoch? To { get; init; }

        /// <summary>What it is told to send under.</summary>
        public LegKeying Keying { get; init; }

        /// <summary>The SSRC that it is to send under with a group key; 0: it sends under a key of its own.</summary>
        public Ssrc Uplink { get; init; }

        /// <summary>The format that all have where media is forwarded unopened; empty: it is mixed.</summary>
        public string Media { get; init; } = "";
    }

    /// <summary>It is to be told the key of that epoch, and to forget what it needs no more.</summary>
    /// <param name="InUse">The epoch that media to it is under; null: its own key. Number 0: one of a former life of the focus.</param>
    public sealed record OfferKey(ParticipantId Participant, KeyEpoch Epoch, KeyEpoch? InUse) : ConferenceEffect
    {
        /// <summary>The newest that it took, to which it may be about to be moved.</summary>
        public KeyEpoch? Taken { get; init; }

        /// <summary>It has the key, and is to send under it from now on.</summary>
        public bool Switches { get; init; }

        /// <summary>Streams of others that run already and that it has not heard yet.</summary>
        public ImmutableArray<UplinkIndex> Streams { get; init; } = [];

        /// <summary>With the rungs above that epoch up to this one; null: without any.</summary>
        public KeyEpoch? To { get; init; }
    }

    /// <summary>Its leg goes to that mixer: ports there, media to it from there at once.</summary>
    /// <param name="MayOffer">It may tell its peer now. Else it waits for this, or for a key, which it tells with it.</param>
    public sealed record Move(ParticipantId Participant, MixerId Mixer, Incarnation Incarnation, bool MayOffer) : ConferenceEffect
    {
        /// <summary>The mixer before goes on with the leg until its peer knows of the new one.</summary>
        public bool IsGentle { get; init; }

        /// <summary>Of a leg that sends under the group's key, for a life of it that does not know; null: any other.</summary>
        public GroupUplink? Uplink { get; init; }

        /// <summary>As in <see cref="Member"/>.</summary>
        public int Seating { get; init; }

        /// <summary>The participant has said that its peer acknowledged.</summary>
        public bool IsConfirmed { get; init; }
    }

    /// <summary>A mixer that nobody is at had no room, so its node has none.</summary>
    public sealed record NoRoom(MixerId Mixer) : ConferenceEffect;

    /// <summary>To a mixer: it is in charge.</summary>
    /// <param name="Answer">The number that it asked under; 0: it did not.</param>
    public sealed record Confirm(MixerId Mixer, Incarnation Incarnation, long Answer) : ConferenceEffect;

    /// <summary>So many keys are wanted of the KMS; the answer is <see cref="ConferenceInput.KeysFetched"/>.</summary>
    public sealed record FetchKeys(int Count) : ConferenceEffect;

    /// <summary>Zero the key of that epoch.</summary>
    public sealed record DestroyKey(KeyEpoch Epoch) : ConferenceEffect;

    /// <summary>It may be called; its ports are at that mixer.</summary>
    public sealed record Grant(ParticipantId Participant, MixerId Mixer) : ConferenceEffect
    {
        /// <summary>As in <see cref="Admit"/>.</summary>
        public string Media { get; init; } = "";
    }

    public sealed record Refuse(ParticipantId Participant, Rejection Reason) : ConferenceEffect;

    /// <summary>The leave is stored.</summary>
    public sealed record Acknowledge(ParticipantId Participant) : ConferenceEffect;

    /// <summary>The participant is to end its dialog.</summary>
    public sealed record HangUp(ParticipantId Participant, LeaveReason Reason) : ConferenceEffect;

    public sealed record Start(ConferenceTimer Timer, TimeSpan After) : ConferenceEffect;

    public sealed record Cancel(ConferenceTimer Timer) : ConferenceEffect;

    /// <summary>A line for the operator.</summary>
    public sealed record Say(string Text) : ConferenceEffect;

    /// <summary>To be counted.</summary>
    public sealed record Observe(KeyObservation What) : ConferenceEffect;

    /// <summary>To be counted: a mixer was replaced.</summary>
    public sealed record ObserveLoss(MixerLoss Loss) : ConferenceEffect;

    /// <summary>To be measured: every leg is at the new mixer, and its peer knows.</summary>
    /// <param name="Took">Since the mixer was placed.</param>
    public sealed record ObserveMoved(int Legs, TimeSpan Took) : ConferenceEffect;

    /// <summary>Nothing is going on: the entity asks to be let go.</summary>
    public sealed record Passivate : ConferenceEffect;

    /// <summary>The entity ends now.</summary>
    public sealed record Stop : ConferenceEffect;
}

public sealed record ConferenceStep(ConferenceLife Life, ImmutableArray<ConferenceEffect> Effects);
