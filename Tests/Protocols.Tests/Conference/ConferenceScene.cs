using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>A conference called room, its clock, and SSRCs that count up.</summary>
internal sealed class ConferenceScene
{
    public static readonly ConferenceId Room = new("room");
    public static readonly ParticipantId Alice = new("a");
    public static readonly ParticipantId Bob = new("b");
    public static readonly ParticipantId Carol = new("c");
    private readonly TimeSpan _silence = TimeSpan.FromSeconds(3);
    private uint _ssrc;

    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public int MaxParticipants { get; init; } = 3;

    public IdentityProof MinIdentity { get; set; }

    public Admission Admission { get; set; }

    public GroupKeyPolicy Keys { get; init; } = GroupKeyPolicy.Individual;

    public int LegsPerMixer { get; init; } = ConferencePolicy.MostLegsPerMixer;

    public Func<Ssrc>? NewSsrc { get; init; }

    /// <summary>Whether another mixer beside so many may find room.</summary>
    public Func<int, bool> HasRoomBeside { get; set; } = _ => true;

    public DecisionContext Decision => new(
        Now, new ConferencePolicy(MaxParticipants, MinIdentity) { Keys = Keys, LegsPerMixer = LegsPerMixer }, NewSsrc ?? (() => new Ssrc(++_ssrc)), Admission)
    {
        HasRoomBeside = HasRoomBeside,
    };

    public ConferenceContext Context => new(Decision, _silence);

    public static ConferenceCommand.Join Join(ParticipantId participant) => new(participant, $"sip:{participant}@example.com", null);

    public static ConferenceCommand.Leave Leave(ParticipantId participant) => new(participant, LeaveReason.Bye);

    public ImmutableArray<ConferenceEvent> Accepted(ConferenceState state, ConferenceCommand command) =>
        Xunit.Assert.IsType<Decision.Accepted>(ConferenceDecider.Decide(state, command, Decision)).Events;

    public Rejection Rejected(ConferenceState state, ConferenceCommand command) =>
        Xunit.Assert.IsType<Decision.Rejected>(ConferenceDecider.Decide(state, command, Decision)).Reason;

    /// <summary>The state after these commands, each of which must be accepted.</summary>
    public ConferenceState After(params ConferenceCommand[] commands) =>
        commands.Aggregate(ConferenceState.New(Room), (state, command) => state.Apply(Accepted(state, command)));
}
