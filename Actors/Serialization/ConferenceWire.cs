using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Nodes.Losses;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Nodes;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Serialization;

/// <summary>What is said to conferences, and how one shows itself.</summary>
internal static class ConferenceWire
{
    public static readonly WireEntry[] Entries =
    [
        WireEntry.Of<JoinConference, JoinConferenceProto>("m.join.1", Write, Read),
        WireEntry.Of<LeaveConference, LeaveConferenceProto>(
            "m.leave.1",
            m => new LeaveConferenceProto { Conference = m.Conference.Value, Participant = m.Participant.Value, Reason = (uint)m.Reason },
            p => new LeaveConference(new ConferenceId(p.Conference), new ParticipantId(p.Participant), (LeaveReason)p.Reason)),
        WireEntry.Of<EndConference, EndConferenceProto>(
            "m.end.1",
            m => new EndConferenceProto { Conference = m.Conference.Value, Reason = (uint)m.Reason },
            p => new EndConference(new ConferenceId(p.Conference), (EndReason)p.Reason)),
        WireEntry.Of<PlanConference, PlanConferenceProto>(
            "m.plan.1",
            m => new PlanConferenceProto { Conference = m.Conference.Value, Plan = PlanWire.Write(m.Plan) },
            p => new PlanConference(new ConferenceId(p.Conference), PlanWire.Read(p.Plan)!)),
        WireEntry.Of<GetConference, GetConferenceProto>(
            "m.get.1",
            m => new GetConferenceProto { Conference = m.Conference.Value },
            p => new GetConference(new ConferenceId(p.Conference))),
        WireEntry.Of<StopConference, NothingProto>("m.stop.1", _ => new NothingProto(), _ => StopConference.Instance),
        WireEntry.Of<ConferenceView, ConferenceViewProto>("m.view.1", Write, Read),
        WireEntry.Of<RekeyConference, RekeyConferenceProto>(
            "m.rekey.1",
            m => new RekeyConferenceProto { Conference = m.Conference.Value, Note = m.Note },
            p => new RekeyConference(new ConferenceId(p.Conference), p.Note)),
        WireEntry.Of<EvictParticipant, EvictParticipantProto>(
            "m.evict.1",
            m => new EvictParticipantProto { Conference = m.Conference.Value, Participant = m.Participant.Value },
            p => new EvictParticipant(new ConferenceId(p.Conference), new ParticipantId(p.Participant))),
        WireEntry.Of<LegKeyReport, LegKeyReportProto>(
            "m.legkey.1",
            m => new LegKeyReportProto
            {
                Conference = m.Conference.Value, Participant = m.Participant.Value, Answer = (uint)m.Answer, Epoch = m.Epoch.Number, Wait = m.Wait.Ticks,
            },
            p => new LegKeyReport(
                new ConferenceId(p.Conference), new ParticipantId(p.Participant), (LegKeyAnswer)p.Answer, new KeyEpoch(p.Epoch), new TimeSpan(p.Wait))),
        WireEntry.Of<LegMoved, LegMovedProto>(
            "m.legmoved.1",
            m => new LegMovedProto { Conference = m.Conference.Value, Participant = m.Participant.Value, Mixer = WireValues.Write(m.Mixer) },
            p => new LegMoved(new ConferenceId(p.Conference), new ParticipantId(p.Participant), WireValues.Read(p.Mixer))),
        WireEntry.Of<FindMixer, FindMixerProto>(
            "m.findmixer.1",
            m => new FindMixerProto { Conference = m.Conference.Value, Participant = m.Participant.Value, Full = m.Full is { } full ? WireValues.Write(full) : null },
            p => new FindMixer(new ConferenceId(p.Conference), new ParticipantId(p.Participant)) { Full = p.Full is { } full ? WireValues.Read(full) : null }),
        WireEntry.Of<DrainMixer, DrainMixerProto>(
            "m.drain.1", m => new DrainMixerProto { Mixer = WireValues.Write(m.Mixer) }, p => new DrainMixer(WireValues.Read(p.Mixer))),
        WireEntry.Of<NodeDraining, NodeDrainingProto>("n.draining.1", m => new NodeDrainingProto { Node = m.Node }, p => new NodeDraining(p.Node)),
        WireEntry.Of<NodeRefuses, NodeRefusesProto>(
            "n.refuses.1",
            m => new NodeRefusesProto { Node = m.Run.Address, Incarnation = m.Run.Incarnation, Finder = m.Finder },
            p => new NodeRefuses(new NodeRun(p.Node, p.Incarnation), p.Finder)),
        WireEntry.Of<RecallLegs, RecallLegsProto>(
            "m.recall.1", m => new RecallLegsProto { Conference = m.Conference.Value }, p => new RecallLegs(new ConferenceId(p.Conference))),
        WireEntry.Of<MixerReport, MixerReportProto>("m.report.1", Write, Read),
    ];

    private static JoinConferenceProto Write(JoinConference m)
    {
        var proto = new JoinConferenceProto { Conference = m.Conference.Value, Participant = m.Participant.Value, Identity = m.Identity };
        proto.Caller = CallerWire.Write(m.Caller);
        (proto.TakesMki, proto.IsProtected, proto.UserAgent) = (m.Ability.TakesMki, m.Ability.IsProtected, m.Ability.UserAgent);
        (proto.IsStream, proto.TicketSsrc, proto.Media) = (m.Ability.IsStream, m.Ability.TicketSsrc, m.Media);
        proto.TakesSsrc = m.Ability.TakesSsrc;
        if (m.DisplayName is { } name) proto.DisplayName = name;
        return proto;
    }

    private static JoinConference Read(JoinConferenceProto p) =>
        new(new ConferenceId(p.Conference), new ParticipantId(p.Participant), p.Identity, p.HasDisplayName ? p.DisplayName : null)
        {
            Caller = CallerWire.Read(p.Caller),
            Ability = new LegAbility(p.TakesMki, p.IsProtected, p.UserAgent) { IsStream = p.IsStream, TicketSsrc = p.TicketSsrc, TakesSsrc = p.TakesSsrc },
            Media = p.Media,
        };

    private static ConferenceViewProto Write(ConferenceView m)
    {
        var proto = new ConferenceViewProto
        {
            Conference = m.Conference.Value,
            IsActive = m.IsActive,
            Incarnation = m.Incarnation.Number,
            Mixer = m.Mixer is { } mixer ? WireValues.Write(mixer) : null,
            Version = m.Version,
            AppliedVersion = m.AppliedVersion,
        };
        if (m.Since is { } since) proto.Since = WireValues.Ticks(since);
        if (m.Speaker is { } speaker) proto.Speaker = speaker.Value;
        proto.Participants.AddRange(m.Participants.Select(Write));
        proto.Callouts.AddRange(m.Callouts.Select(Write));
        proto.Epochs.AddRange(m.Epochs.Select(KeyViewWire.Write));
        proto.RekeyDeferred = m.IsRekeyDeferred;
        if (m.Plan is { } plan) proto.Plan = PlanWire.Write(plan);
        proto.Exposure = KeyViewWire.Write(m.Exposure);
        proto.MixerLoss = (uint)m.MixerLoss;
        proto.Mixers.AddRange(m.Mixers.Select(TrunkWire.Write));
        return proto;
    }

    private static ConferenceView Read(ConferenceViewProto p) => new(
        new ConferenceId(p.Conference), p.IsActive, new Incarnation(p.Incarnation), p.Mixer is null ? null : WireValues.Read(p.Mixer),
        p.Version, p.AppliedVersion, p.HasSince ? WireValues.Time(p.Since) : null, [.. p.Participants.Select(Read)])
    {
        Callouts = [.. p.Callouts.Select(Read)],
        Speaker = p.HasSpeaker ? new ParticipantId(p.Speaker) : null,
        Epochs = [.. p.Epochs.Select(KeyViewWire.Read)],
        IsRekeyDeferred = p.RekeyDeferred,
        Plan = PlanWire.Read(p.Plan),
        Exposure = KeyViewWire.Read(p.Exposure),
        MixerLoss = (MixerLoss)p.MixerLoss,
        Mixers = [.. p.Mixers.Select(TrunkWire.Read)],
    };

    private static CalloutProto Write(Callout c) => new()
    {
        Participant = c.Participant.Value,
        Target = c.Target,
        State = (uint)c.State,
        Status = c.Status,
        Reason = c.Reason,
        At = WireValues.Ticks(c.At),
    };

    private static Callout Read(CalloutProto p) =>
        new(new ParticipantId(p.Participant), p.Target, (CalloutState)p.State, p.Status, p.Reason, WireValues.Time(p.At));

    private static ParticipantViewProto Write(ParticipantView v)
    {
        var proto = new ParticipantViewProto
        {
            Participant = v.Participant.Value,
            Identity = v.Identity,
            Ssrc = v.Ssrc,
            JoinedAt = WireValues.Ticks(v.JoinedAt),
            Media = v.Media is { } media ? LegWire.Write(media) : null,
            Caller = CallerWire.Write(v.Caller),
            Key = KeyViewWire.Write(v.Key),
            IsMoving = v.IsMoving,
        };
        if (v.DisplayName is { } name) proto.DisplayName = name;
        return proto;
    }

    private static ParticipantView Read(ParticipantViewProto p) => new(
        new ParticipantId(p.Participant), p.Identity, p.HasDisplayName ? p.DisplayName : null, p.Ssrc, WireValues.Time(p.JoinedAt),
        p.Media is null ? null : LegWire.Read(p.Media))
    {
        Caller = CallerWire.Read(p.Caller),
        Key = KeyViewWire.Read(p.Key),
        IsMoving = p.IsMoving,
    };

    private static MixerReportProto Write(MixerReport m)
    {
        var proto = new MixerReportProto
        {
            Mixer = WireValues.Write(m.Mixer),
            Incarnation = m.Incarnation.Number,
            AppliedVersion = m.AppliedVersion,
            IsPartial = m.IsPartial,
            SsrcsLeft = m.Shared.SsrcsLeft,
            GroupKeyPackets = m.Shared.KeyPackets,
            Rest = m.Rest.Ticks,
            Born = (ulong)m.Born,
            Question = m.Question,
            Trunk = TrunkWire.Write(m.Trunk),
        };
        if (m.Speaker is { } speaker) proto.Speaker = speaker.Value;
        proto.Legs.AddRange(m.Legs.Select(LegWire.Write));
        return proto;
    }

    private static MixerReport Read(MixerReportProto p) => new(
        WireValues.Read(p.Mixer), new Incarnation(p.Incarnation), p.AppliedVersion,
        [.. p.Legs.Select(LegWire.Read)])
    {
        IsPartial = p.IsPartial,
        Shared = new SharedReport(p.SsrcsLeft, p.GroupKeyPackets),
        Speaker = p.HasSpeaker ? new ParticipantId(p.Speaker) : null,
        Rest = new TimeSpan(p.Rest),
        Born = (long)p.Born,
        Question = p.Question,
        Trunk = TrunkWire.Read(p.Trunk),
    };
}
