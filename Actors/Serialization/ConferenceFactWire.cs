using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Serialization;

/// <summary>The stored facts of a conference.</summary>
internal static class ConferenceFactWire
{
    public static readonly WireEntry[] Entries =
    [
        WireEntry.Of<ConferenceEvent.Created, CreatedProto>(
            "c.created.1",
            e => new CreatedProto { At = WireValues.Ticks(e.At), Conference = e.Conference.Value },
            p => new ConferenceEvent.Created(new ConferenceId(p.Conference)) { At = WireValues.Time(p.At) }),
        WireEntry.Of<ConferenceEvent.Planned, PlannedProto>(
            "c.planned.1",
            e => new PlannedProto { At = WireValues.Ticks(e.At), Plan = PlanWire.Write(e.Plan) },
            p => new ConferenceEvent.Planned(PlanWire.Read(p.Plan)!) { At = WireValues.Time(p.At) }),
        WireEntry.Of<ConferenceEvent.Taken, TakenProto>(
            "c.taken.1",
            e => new TakenProto { At = WireValues.Ticks(e.At), Incarnation = e.Incarnation.Number },
            p => new ConferenceEvent.Taken(new Incarnation(p.Incarnation)) { At = WireValues.Time(p.At) }),
        WireEntry.Of<ConferenceEvent.ParticipantJoined, ParticipantJoinedProto>("c.joined.1", Write, Read),
        WireEntry.Of<ConferenceEvent.ParticipantLeft, ParticipantLeftProto>(
            "c.left.1",
            e => new ParticipantLeftProto { At = WireValues.Ticks(e.At), Participant = e.Participant.Value, Reason = (uint)e.Reason },
            p => new ConferenceEvent.ParticipantLeft(new ParticipantId(p.Participant), (LeaveReason)p.Reason)
            {
                At = WireValues.Time(p.At),
            }),
        WireEntry.Of<ConferenceEvent.ParticipantMoved, ParticipantMovedProto>(
            "c.moved.1",
            e => new ParticipantMovedProto { At = WireValues.Ticks(e.At), Participant = e.Participant.Value, Mixer = e.Mixer, Ssrc = e.Ssrc.Value },
            p => new ConferenceEvent.ParticipantMoved(new ParticipantId(p.Participant), p.Mixer, new Ssrc(p.Ssrc)) { At = WireValues.Time(p.At) }),
        WireEntry.Of<ConferenceEvent.MixerPlaced, MixerPlacedProto>(
            "c.mixer.1",
            e => new MixerPlacedProto
            {
                At = WireValues.Ticks(e.At), MixerIncarnation = e.MixerIncarnation, Loss = (uint)e.Loss, Number = e.Number,
                Ssrcs = { e.Ssrcs.Select(s => new MemberSsrcProto { Participant = s.Participant.Value, Ssrc = s.Ssrc.Value }) },
            },
            p => new ConferenceEvent.MixerPlaced(p.MixerIncarnation)
            {
                At = WireValues.Time(p.At), Loss = (MixerLoss)p.Loss, Number = p.Number,
                Ssrcs = [.. p.Ssrcs.Select(s => new MemberSsrc(new ParticipantId(s.Participant), new Ssrc(s.Ssrc)))],
            }),
        WireEntry.Of<ConferenceEvent.Ended, EndedProto>(
            "c.ended.1",
            e => new EndedProto { At = WireValues.Ticks(e.At), Reason = (uint)e.Reason },
            p => new ConferenceEvent.Ended((EndReason)p.Reason) { At = WireValues.Time(p.At) }),
        .. KeyFactWire.Entries,
    ];

    private static ParticipantJoinedProto Write(ConferenceEvent.ParticipantJoined e)
    {
        var proto = new ParticipantJoinedProto
        {
            At = WireValues.Ticks(e.At),
            Participant = e.Participant.Value,
            Identity = e.Identity,
            Ssrc = e.Ssrc.Value,
            Caller = CallerWire.Write(e.Caller),
            Keying = (uint)e.Keying,
            IsProtected = e.IsProtected,
            LacksMki = e.LacksMki,
            TakesLadder = e.TakesLadder,
            Mixer = e.Mixer,
            Uplink = e.Uplink.Value,
            Media = e.Media ?? "",
        };
        if (e.DisplayName is { } name) proto.DisplayName = name;
        return proto;
    }

    private static ConferenceEvent.ParticipantJoined Read(ParticipantJoinedProto p) =>
        new(new ParticipantId(p.Participant), p.Identity, p.HasDisplayName ? p.DisplayName : null, new Ssrc(p.Ssrc))
        {
            At = WireValues.Time(p.At),
            Caller = CallerWire.Read(p.Caller),
            Keying = (LegKeying)p.Keying,
            IsProtected = p.IsProtected,
            LacksMki = p.LacksMki,
            TakesLadder = p.TakesLadder,
            Mixer = p.Mixer,
            Uplink = new Ssrc(p.Uplink),
            Media = p.Media.Length == 0 ? null : p.Media,
        };
}
