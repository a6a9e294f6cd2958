using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
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

    /// <summary>The rules of all its instances from the next on.</summary>
    public sealed record Planned(ConferencePlan Plan) : ConferenceEvent;

    public sealed record Taken(Incarnation Incarnation) : ConferenceEvent;

    /// <summary>With the SSRC that the mixer sends to this participant, taken from the register for ever.</summary>
    public sealed record ParticipantJoined(ParticipantId Participant, string Identity, string? DisplayName, Ssrc Ssrc) : ConferenceEvent
    {
        /// <summary>Null: the conference called it, or the fact is older than the question.</summary>
        public CallerIdentity? Caller { get; init; }

        public LegKeying Keying { get; init; }

        /// <summary>False: its keys crossed an unprotected hop.</summary>
        public bool IsProtected { get; init; }

        /// <summary>Its keys had no MKI; false: they had, or the fact is older than the question.</summary>
        public bool LacksMki { get; init; }

        /// <summary>Its signalling has room for keys told in advance.</summary>
        public bool TakesLadder { get; init; }

        /// <summary>The number of the mixer that its leg is at.</summary>
        public int Mixer { get; init; }

        /// <summary>What it sends and takes where media is forwarded unopened, so that all must agree; null: media is mixed.</summary>
        public string? Media { get; init; }

        /// <summary>The SSRC that it sends under with the group key, taken from the register for ever; 0: it sends under a key of its own.</summary>
        public Ssrc Uplink { get; init; }
    }

    public sealed record ParticipantLeft(ParticipantId Participant, LeaveReason Reason) : ConferenceEvent;

    /// <summary>Its leg goes to another mixer, since the one before had no room for it; there it is sent media under another SSRC from the register.</summary>
    /// <param name="Mixer">The number of the mixer; the same as before: another has taken the place of that, and it was the only one there.</param>
    public sealed record ParticipantMoved(ParticipantId Participant, int Mixer, Ssrc Ssrc) : ConferenceEvent;

    /// <summary>A mixer begins; the one of that number before it is told to end.</summary>
    public sealed record MixerPlaced(long MixerIncarnation) : ConferenceEvent
    {
        /// <summary>Which of the mixers of the conference it is; 0: the first.</summary>
        public int Number { get; init; }

        /// <summary>What became of the one before it; <see cref="MixerLoss.None"/>: it is the first of its instance, or the fact is older than the question.</summary>
        public MixerLoss Loss { get; init; }

        /// <summary>
        /// With it everybody whose leg is there is sent media under another SSRC from the register: keys stay in use, and the streams of a mixer begin anew
        /// (RFC 3711 §9.1).
        /// </summary>
        public ImmutableArray<MemberSsrc> Ssrcs { get; init; } = [];

        public bool Equals(MixerPlaced? other) =>
            other is not null && At == other.At && MixerIncarnation == other.MixerIncarnation && Number == other.Number && Loss == other.Loss
            && Ssrcs.AsSpan().SequenceEqual(other.Ssrcs.AsSpan());

        public override int GetHashCode() => HashCode.Combine(At, MixerIncarnation, Number, Loss, Ssrcs.Length);
    }

    public sealed record Ended(EndReason Reason) : ConferenceEvent;

    /// <summary>
    /// SSRCs for the streams that several legs share, taken from the register for ever; the mixer takes them in this order and is given more in time.
    /// </summary>
    public sealed record SsrcsReserved(ImmutableArray<Ssrc> Ssrcs) : ConferenceEvent
    {
        /// <summary>The number of the only mixer that may take them.</summary>
        public int Mixer { get; init; }

        public bool Equals(SsrcsReserved? other) =>
            other is not null && At == other.At && Mixer == other.Mixer && Ssrcs.AsSpan().SequenceEqual(other.Ssrcs.AsSpan());

        public override int GetHashCode() => HashCode.Combine(At, Mixer, Ssrcs.Length);
    }

    /// <summary>The rules about keys that hold from here on.</summary>
    public sealed record KeyPolicySet(RekeyPolicy Policy) : ConferenceEvent;

    /// <summary>A group key was made; stored before anybody is sent it. Its MKI is the epoch's number on four octets.</summary>
    public sealed record KeyEpochBegan(KeyEpoch Epoch, RekeyReason Reason, ImmutableArray<KeyCommitment> Commitments) : ConferenceEvent
    {
        /// <summary>What an operator gave as the reason.</summary>
        public string? Note { get; init; }

        /// <summary>Who made the key.</summary>
        public KeySource Source { get; init; }

        public bool Equals(KeyEpochBegan? other) =>
            other is not null && At == other.At && Epoch == other.Epoch && Reason == other.Reason && Note == other.Note && Source == other.Source
            && Commitments.AsSpan().SequenceEqual(other.Commitments.AsSpan());

        public override int GetHashCode() => HashCode.Combine(At, Epoch, Reason);
    }

    /// <summary>
    /// Keys for epochs to come were made; stored before anybody is sent one. Each may begin later by <see cref="KeyEpochBegan"/>, or never.
    /// </summary>
    public sealed record KeyLadderMade(ImmutableArray<KeyRung> Rungs) : ConferenceEvent
    {
        public bool Equals(KeyLadderMade? other) => other is not null && At == other.At && Rungs.AsSpan().SequenceEqual(other.Rungs.AsSpan());

        public override int GetHashCode() => HashCode.Combine(At, Rungs.Length);
    }

    /// <summary>A change asks for a rekeying that waits for the minimum interval.</summary>
    public sealed record RekeyDeferred(RekeyReason Reason, DateTimeOffset Until) : ConferenceEvent
    {
        /// <summary>The interval is over, and the KMS has given no key: nobody is left under an older one when that time comes, with or without a new one.</summary>
        public bool ForKey { get; init; }
    }

    /// <summary>How far legs are with keys; collected for up to 100 ms, each step with its own time.</summary>
    public sealed record LegsProgressed(ImmutableArray<LegStep> Steps) : ConferenceEvent
    {
        public bool Equals(LegsProgressed? other) => other is not null && At == other.At && Steps.AsSpan().SequenceEqual(other.Steps.AsSpan());

        public override int GetHashCode() => HashCode.Combine(At, Steps.Length);
    }

    /// <summary>What became of an epoch as a whole.</summary>
    public sealed record KeyEpochPassed(KeyEpoch Epoch, EpochPassage Passage) : ConferenceEvent
    {
        /// <summary>Of all numbers from that epoch to this one, rungs that never began; null: of that one.</summary>
        public KeyEpoch? To { get; init; }
    }
}

/// <summary>A key told in advance; its MKI is the number, as of every epoch.</summary>
public sealed record KeyRung(KeyEpoch Epoch, ImmutableArray<KeyCommitment> Commitments)
{
    public bool Equals(KeyRung? other) => other is not null && Epoch == other.Epoch && Commitments.AsSpan().SequenceEqual(other.Commitments.AsSpan());

    public override int GetHashCode() => Epoch.GetHashCode();
}

/// <summary>Why a mixer is not in charge any more. Values are stored: never renumber.</summary>
public enum MixerLoss : byte
{
    None = 0,

    /// <summary>Nothing was heard of it for too long.</summary>
    Silent = 1,

    /// <summary>It says that it knows nothing, and it did: its lane or its node is gone, and with it all legs.</summary>
    BeganAnew = 2,

    /// <summary>It works, but its node is to be emptied. It goes on until its legs are elsewhere.</summary>
    Drained = 3,
}

/// <param name="Ssrc">Under which the participant is sent what is mixed for it alone.</param>
public readonly record struct MemberSsrc(ParticipantId Participant, Ssrc Ssrc);

/// <summary>Values are stored: never renumber.</summary>
public enum EpochPassage : byte
{
    Unknown = 0,

    /// <summary>Every leg that takes group keys is in it, or on a key of its own.</summary>
    Settled = 1,

    /// <summary>Nothing is sent under it any more.</summary>
    Retired = 2,

    /// <summary>Zeroed on our side.</summary>
    Destroyed = 3,

    /// <summary>Every phone in the conference that had it has taken an SDP without it.</summary>
    Revoked = 4,

    /// <summary>Everybody who stays has taken it: the first of two rounds is over, and in the second all are told to send under it.</summary>
    Distributed = 5,
}

/// <summary>Values are stored: never renumber.</summary>
public enum LegStepKind : byte
{
    Unknown = 0,

    /// <summary>The key was put into a message to it: it is a holder from now on, answered or not.</summary>
    Sent = 1,

    /// <summary>It took the key.</summary>
    Confirmed = 2,

    /// <summary>Media to it is under that epoch from now on.</summary>
    Moved = 3,

    /// <summary>Media to it is under a key of its own from now on.</summary>
    OwnKey = 4,

    /// <summary>No media to it until it moves to a newer epoch.</summary>
    Silenced = 5,

    /// <summary>No media to it any more, and its dialog ends.</summary>
    Dropped = 6,

    /// <summary>It answered that it will not take the key.</summary>
    Refused = 7,

    /// <summary>It heard nothing under that epoch: media to it is under a key of its own from now on.</summary>
    Deaf = 8,

    /// <summary>It was told to send under that epoch, whose key it has; from then on it may. <see cref="Moved"/> follows when it says that it does.</summary>
    Told = 9,

    /// <summary>Its peer acknowledged its call, whose answer held no group key (with one it is <see cref="Confirmed"/>).</summary>
    Ready = 10,
}

/// <param name="Epoch">Which key; epoch 0 where none is meant.</param>
public readonly record struct LegStep(ParticipantId Participant, LegStepKind Kind, KeyEpoch Epoch, DateTimeOffset At)
{
    /// <summary>With all rungs above that epoch up to this one; null: of that one alone.</summary>
    public KeyEpoch? To { get; init; }
}
