using ConfCluster.Actors.Media;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Serialization;

/// <summary>What is said to mixers, but for keys.</summary>
internal static class MixerWire
{
    public static readonly WireEntry[] Entries =
    [
        WireEntry.Of<SetMixerState, MixerStateProto>("m.state.1", m => Write(m.State), p => new SetMixerState(Read(p))),
        WireEntry.Of<OpenLeg, LegPlaceProto>(
            "m.open.1", m => Place(m.Mixer, m.Participant), p => new OpenLeg(WireValues.Read(p.Mixer), new ParticipantId(p.Participant))),
        WireEntry.Of<CloseLeg, LegPlaceProto>(
            "m.close.1", m => Place(m.Mixer, m.Participant), p => new CloseLeg(WireValues.Read(p.Mixer), new ParticipantId(p.Participant))),
    ];

    private static LegPlaceProto Place(MixerId mixer, ParticipantId participant) =>
        new() { Mixer = WireValues.Write(mixer), Participant = participant.Value };

    private static MixerStateProto Write(MixerState state)
    {
        var proto = new MixerStateProto
        {
            Mixer = WireValues.Write(state.Mixer),
            Incarnation = state.Incarnation.Number,
            Version = state.Version,
            Last = state.IsLast,
        };
        proto.Legs.AddRange(state.Legs.Select(l => new MixerLegProto { Participant = l.Participant.Value, Ssrc = l.Ssrc.Value }));
        return proto;
    }

    private static MixerState Read(MixerStateProto p) => new(
        WireValues.Read(p.Mixer), new Incarnation(p.Incarnation), p.Version,
        [.. p.Legs.Select(l => new MixerLeg(new ParticipantId(l.Participant), new Ssrc(l.Ssrc)))])
    {
        IsLast = p.Last,
    };
}
