using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Serialization;

/// <summary>The stored facts about group keys; none of them holds one.</summary>
internal static class KeyFactWire
{
    public static readonly WireEntry[] Entries =
    [
        WireEntry.Of<ConferenceEvent.SsrcsReserved, SsrcsReservedProto>(
            "c.ssrcs.1",
            e => new SsrcsReservedProto { At = WireValues.Ticks(e.At), Mixer = e.Mixer, Ssrcs = { e.Ssrcs.Select(s => s.Value) } },
            p => new ConferenceEvent.SsrcsReserved([.. p.Ssrcs.Select(s => new Ssrc(s))]) { At = WireValues.Time(p.At), Mixer = p.Mixer }),
        WireEntry.Of<ConferenceEvent.KeyPolicySet, KeyPolicyProto>("c.keypolicy.1", Write, Read),
        WireEntry.Of<ConferenceEvent.KeyEpochBegan, KeyEpochBeganProto>("c.epoch.1", Write, Read),
        WireEntry.Of<ConferenceEvent.KeyLadderMade, KeyLadderMadeProto>("c.ladder.1", Write, Read),
        WireEntry.Of<ConferenceEvent.RekeyDeferred, RekeyDeferredProto>(
            "c.deferred.1",
            e => new RekeyDeferredProto { At = WireValues.Ticks(e.At), Reason = (uint)e.Reason, Until = WireValues.Ticks(e.Until), ForKey = e.ForKey },
            p => new ConferenceEvent.RekeyDeferred((RekeyReason)p.Reason, WireValues.Time(p.Until)) { At = WireValues.Time(p.At), ForKey = p.ForKey }),
        WireEntry.Of<ConferenceEvent.LegsProgressed, LegsProgressedProto>(
            "c.legs.1",
            e => new LegsProgressedProto { At = WireValues.Ticks(e.At), Steps = { e.Steps.Select(Write) } },
            p => new ConferenceEvent.LegsProgressed([.. p.Steps.Select(Read)]) { At = WireValues.Time(p.At) }),
        WireEntry.Of<ConferenceEvent.KeyEpochPassed, KeyEpochPassedProto>("c.passed.1", Write, Read),
    ];

    private static KeyPolicyProto Write(ConferenceEvent.KeyPolicySet e)
    {
        var policy = e.Policy;
        var proto = new KeyPolicyProto
        {
            At = WireValues.Ticks(e.At),
            OnJoin = policy.OnJoin,
            OnLeave = policy.OnLeave,
            MinInterval = policy.MinInterval.Ticks,
            DistributionTimeout = policy.DistributionTimeout.Ticks,
            Grace = policy.Grace.Ticks,
            MoveDelay = policy.MoveDelay.Ticks,
            JoinKey = (uint)policy.JoinKey,
            OnUndelivered = (uint)policy.OnUndelivered,
            EvictionBypassesInterval = policy.EvictionBypassesInterval,
            MaxEpochsInUse = policy.MaxEpochsInUse,
            MaxOffers = policy.MaxOffers == RekeyPolicy.Default.MaxOffers ? 0 : policy.MaxOffers,
            Ladder = policy.Ladder,
            Revoke = (uint)policy.Revoke,
        };
        if (policy.MaxAge is { } age) proto.MaxAge = age.Ticks;
        return proto;
    }

    private static ConferenceEvent.KeyPolicySet Read(KeyPolicyProto p) => new(
        new RekeyPolicy(
            p.OnJoin, p.OnLeave, new TimeSpan(p.MinInterval), new TimeSpan(p.DistributionTimeout), new TimeSpan(p.Grace), new TimeSpan(p.MoveDelay))
        {
            MaxAge = p.HasMaxAge ? new TimeSpan(p.MaxAge) : null,
            JoinKey = (JoinKey)p.JoinKey,
            OnUndelivered = (Undelivered)p.OnUndelivered,
            EvictionBypassesInterval = p.EvictionBypassesInterval,
            MaxEpochsInUse = p.MaxEpochsInUse,
            MaxOffers = p.MaxOffers == 0 ? RekeyPolicy.Default.MaxOffers : p.MaxOffers,
            Ladder = p.Ladder,
            Revoke = (Revocation)p.Revoke,
        })
    {
        At = WireValues.Time(p.At),
    };

    private static KeyEpochBeganProto Write(ConferenceEvent.KeyEpochBegan e)
    {
        var proto = new KeyEpochBeganProto { At = WireValues.Ticks(e.At), Epoch = e.Epoch.Number, Reason = (uint)e.Reason, Source = (uint)e.Source };
        proto.Commitments.AddRange(e.Commitments.Select(Write));
        if (e.Note is { } note) proto.Note = note;
        return proto;
    }

    private static ConferenceEvent.KeyEpochBegan Read(KeyEpochBeganProto p) =>
        new(new KeyEpoch(p.Epoch), (RekeyReason)p.Reason, [.. p.Commitments.Select(Read)])
        {
            At = WireValues.Time(p.At),
            Note = p.HasNote ? p.Note : null,
            Source = (KeySource)p.Source,
        };

    private static KeyLadderMadeProto Write(ConferenceEvent.KeyLadderMade e) => new()
    {
        At = WireValues.Ticks(e.At),
        Rungs = { e.Rungs.Select(r => new KeyRungProto { Epoch = r.Epoch.Number, Commitments = { r.Commitments.Select(Write) } }) },
    };

    private static ConferenceEvent.KeyLadderMade Read(KeyLadderMadeProto p) =>
        new([.. p.Rungs.Select(r => new KeyRung(new KeyEpoch(r.Epoch), [.. r.Commitments.Select(Read)]))]) { At = WireValues.Time(p.At) };

    private static KeyCommitmentProto Write(KeyCommitment c) => new() { Suite = c.Suite, Digest = c.Digest };

    private static KeyCommitment Read(KeyCommitmentProto p) => new(p.Suite, p.Digest);

    private static KeyEpochPassedProto Write(ConferenceEvent.KeyEpochPassed e)
    {
        var proto = new KeyEpochPassedProto { At = WireValues.Ticks(e.At), Epoch = e.Epoch.Number, Passage = (uint)e.Passage };
        if (e.To is { } to) proto.To = to.Number;
        return proto;
    }

    private static ConferenceEvent.KeyEpochPassed Read(KeyEpochPassedProto p) => new(new KeyEpoch(p.Epoch), (EpochPassage)p.Passage)
    {
        At = WireValues.Time(p.At),
        To = p.HasTo ? new KeyEpoch(p.To) : null,
    };

    private static LegStepProto Write(LegStep s)
    {
        var proto = new LegStepProto { Participant = s.Participant.Value, Kind = (uint)s.Kind, Epoch = s.Epoch.Number, At = WireValues.Ticks(s.At) };
        if (s.To is { } to) proto.To = to.Number;
        return proto;
    }

    private static LegStep Read(LegStepProto p) => new(new ParticipantId(p.Participant), (LegStepKind)p.Kind, new KeyEpoch(p.Epoch), WireValues.Time(p.At))
    {
        To = p.HasTo ? new KeyEpoch(p.To) : null,
    };
}
