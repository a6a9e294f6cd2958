using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

public class ConferenceUnionTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly ConferenceEvent[] Samples =
    [
        new ConferenceEvent.Created(Room) { At = Noon },
        new ConferenceEvent.Planned(new ConferencePlan("default", [], [])) { At = Noon },
        new ConferenceEvent.Taken(new Incarnation(1)) { At = Noon },
        new ConferenceEvent.SsrcsReserved([new Ssrc(2)]) { At = Noon },
        new ConferenceEvent.KeyPolicySet(RekeyPolicy.Default) { At = Noon },
        new ConferenceEvent.KeyEpochBegan(new KeyEpoch(1), RekeyReason.Begun, []) { At = Noon },
        new ConferenceEvent.RekeyDeferred(RekeyReason.Left, Noon) { At = Noon },
        new ConferenceEvent.LegsProgressed([new LegStep(Alice, LegStepKind.Sent, new KeyEpoch(1), Noon)]) { At = Noon },
        new ConferenceEvent.KeyEpochPassed(new KeyEpoch(1), EpochPassage.Settled) { At = Noon },
        new ConferenceEvent.KeyLadderMade([new KeyRung(new KeyEpoch(2), [])]) { At = Noon },
        new ConferenceEvent.ParticipantJoined(Alice, "sip:a@example.com", "Alice", new Ssrc(1)) { At = Noon },
        new ConferenceEvent.ParticipantLeft(Alice, LeaveReason.Bye) { At = Noon },
        new ConferenceEvent.ParticipantMoved(Alice, 1, new Ssrc(3)) { At = Noon },
        new ConferenceEvent.MixerPlaced(1) { At = Noon },
        new ConferenceEvent.Ended(EndReason.LastLeft) { At = Noon },
    ];

    [Fact]
    public void Every_fact_has_a_sample_and_a_fold()
    {
        Assert.Equal(
            typeof(ConferenceEvent).GetNestedTypes().Where(typeof(ConferenceEvent).IsAssignableFrom).Select(t => t.Name)
                .Order(StringComparer.Ordinal),
            Samples.Select(s => s.GetType().Name).Order(StringComparer.Ordinal));
        foreach (var sample in Samples) Assert.NotNull(ConferenceState.New(Room).Apply(sample));
    }

    [Fact]
    [Trait("RFC", "3261 §21")]
    public void Every_refusal_has_a_status() =>
        Assert.All(Enum.GetValues<Rejection>(), r => Assert.InRange(RejectionStatus.Of(r).Status, 400, 699));

    [Fact]
    public void Every_end_has_a_reason_for_those_who_are_still_in() => Assert.All(
        Enum.GetValues<EndReason>(), r => Assert.NotEqual(LeaveReason.Unknown, ConferenceDecider.LeaveAtEnd(r)));
}
