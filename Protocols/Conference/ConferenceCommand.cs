using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Protocols.Conference;

/// <summary>What may be asked of a conference. A request: it can be refused.</summary>
public abstract record ConferenceCommand
{
    private ConferenceCommand()
    {
    }

    /// <summary>
    /// A participant with an acceptable offer wants in. Repeating it is harmless. <paramref name="Identity"/>: who it says it is.
    /// </summary>
    public sealed record Join(ParticipantId Participant, string Identity, string? DisplayName) : ConferenceCommand
    {
        /// <summary>Who it is and how we know; null: the conference called it.</summary>
        public CallerIdentity? Caller { get; init; }

        public LegAbility Ability { get; init; } = LegAbility.None;

        /// <summary>The number of the mixer where it has ports already, for it was called; null: nowhere.</summary>
        public int? Seat { get; init; }

        /// <summary>Codec, payload type, header extensions and suite that offer and answer would settle; empty: not known yet.</summary>
        public string Media { get; init; } = "";
    }

    /// <summary>The rules for all its instances to come. One that is on goes on as it is: nothing is stored then.</summary>
    public sealed record Plan(ConferencePlan Chosen) : ConferenceCommand;

    /// <summary>A group key has been asked for; what is stored of it.</summary>
    public sealed record BeginEpoch(KeyEpoch Epoch, RekeyReason Reason, string? Note) : ConferenceCommand
    {
        /// <summary>As in <see cref="RekeyEffect.Begin"/>.</summary>
        public KeyEpoch? LadderTo { get; init; }

        /// <summary>As there.</summary>
        public KeySource Source { get; init; }
    }

    /// <summary>A mixer runs out of SSRCs for shared streams.</summary>
    /// <param name="Mixer">Its number.</param>
    public sealed record ReserveSsrcs(int Mixer = 0) : ConferenceCommand;

    /// <summary>All mixers are full, and somebody is about to be called.</summary>
    /// <param name="Number">Of the mixer to come; nothing is to be done when it is there.</param>
    public sealed record AddMixer(int Number) : ConferenceCommand;

    /// <summary>The mixer of a leg has no room for it: another one is to have it.</summary>
    /// <param name="Full">That mixer; where the leg is to be elsewhere by now nothing is to be done.</param>
    public sealed record Reseat(ParticipantId Participant, MixerId Full) : ConferenceCommand
    {
        /// <summary>With nobody else there, another mixer may take the place of that one.</summary>
        public bool MayReplace { get; init; }
    }

    /// <summary>BYE, failed refresh, timeout, eviction, loss of media: all end here.</summary>
    public sealed record Leave(ParticipantId Participant, LeaveReason Reason) : ConferenceCommand;

    /// <summary>
    /// The first command of every life: it takes the conference over. <paramref name="CallsLost"/>: the process that held the calls is
    /// gone and its calls with it, so nobody is a member any more.
    /// </summary>
    public sealed record Take(bool CallsLost) : ConferenceCommand;

    /// <summary>The conference needs a mixer in the place of another.</summary>
    /// <param name="Lost">Which one it lost; when that is not in charge any more nothing is to be done. Null: whichever is the first.</param>
    public sealed record PlaceMixer(MixerId? Lost = null, MixerLoss Loss = MixerLoss.Silent) : ConferenceCommand;

    /// <summary>Everybody out (operator, drain, node shutdown).</summary>
    public sealed record End(EndReason Reason) : ConferenceCommand;
}

/// <summary>Values are stored: never renumber.</summary>
public enum LeaveReason : byte
{
    Unknown = 0, Bye = 1, Cancelled = 2, NoAck = 3, Evicted = 4, NodeShutdown = 5, NodeLost = 6, DialogFailed = 7, MediaFailed = 8,
    ConferenceEnded = 9, SessionExpired = 10, Unreachable = 11, KeyNotTaken = 12,
}

/// <summary>Values are stored: never renumber.</summary>
public enum EndReason : byte { Unknown = 0, LastLeft = 1, Operator = 2, NodeShutdown = 3, NodeLost = 4 }

/// <summary>Why a command is refused; Focus/RejectionStatus makes a SIP status of it. Values travel between nodes: never renumber.</summary>
public enum Rejection : byte
{
    ConferenceFull = 0, ConferenceOver = 1, NotAParticipant = 2, TooManyConferences = 3, JournalUnavailable = 4, NoMediaCapacity = 5,
    ShuttingDown = 6, IdentityTooWeak = 7, KeyingRefused = 8, SsrcTaken = 9,
    TicketNeeded = 10, MediaDiffers = 11,
}

/// <summary>The answer to a command: facts to store, or the reason there are none.</summary>
public abstract record Decision
{
    private Decision()
    {
    }

    public sealed record Accepted(System.Collections.Immutable.ImmutableArray<ConferenceEvent> Events) : Decision;

    public sealed record Rejected(Rejection Reason) : Decision;
}

/// <summary>
/// Everything a decision may depend on besides the state. <paramref name="NewSsrc"/> yields random SSRC candidates; the decider takes the
/// first that the register does not hold.
/// </summary>
public sealed record DecisionContext(DateTimeOffset Now, ConferencePolicy Policy, Func<Ssrc> NewSsrc, Admission Admission = Admission.Open)
{
    /// <summary>Makes the key of an epoch and keeps it; tells its commitments.</summary>
    public Func<KeyEpoch, ImmutableArray<KeyCommitment>> NewGroupKey { get; init; } = _ => [];

    /// <summary>
    /// The incarnation of the next mixer, by its number, the highest incarnation that any mixer of the conference has had (0: none), and that of the mixer which it
    /// replaces (null: none); one that is not higher does not count.
    /// </summary>
    public Func<int, long, long?, long> NextMixer { get; init; } = (_, before, _) => checked(before + 1);

    /// <summary>Mixers that have just had no room for a leg.</summary>
    public ImmutableHashSet<MixerId> Full { get; init; } = [];

    /// <summary>Whether another mixer may find room beside so many of the conference that are there, or were full.</summary>
    public Func<int, bool> HasRoomBeside { get; init; } = _ => true;

    /// <summary>Takes the key of an epoch from those that the KMS made, and keeps it; tells its commitments.</summary>
    public Func<KeyEpoch, ImmutableArray<KeyCommitment>> KmsGroupKey { get; init; } = _ => [];
}

/// <summary>What this node takes in: everybody, only joins to conferences that are on already, nobody.</summary>
public enum Admission : byte { Open, NoNewConference, ShuttingDown }

/// <summary>RFC 4353 §4.2: the rules of a conference, from its blueprint.</summary>
/// <param name="MinIdentity">The weakest proof with which somebody may call in.</param>
public sealed record ConferencePolicy(int MaxParticipants, IdentityProof MinIdentity = IdentityProof.None)
{
    /// <summary>A limit of <see cref="LegsPerMixer"/> that no conference reaches.</summary>
    public const int MostLegsPerMixer = 100_000;

    public GroupKeyPolicy Keys { get; init; } = GroupKeyPolicy.Individual;

    /// <summary>With more legs the conference takes another mixer; see <see cref="MixerSeats"/>.</summary>
    public int LegsPerMixer { get; init; } = MostLegsPerMixer;
}
