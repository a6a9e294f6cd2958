using System.Net.Sockets;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Serialization;

/// <summary>What is said to mixers, but for keys.</summary>
internal static class MixerWire
{
    public static readonly WireEntry[] Entries =
    [
        WireEntry.Of<SetMixerState, MixerStateProto>("m.state.1", m => Write(m.State), p => new SetMixerState(Read(p))),
        WireEntry.Of<OpenLeg, LegPlaceProto>(
            "m.open.1", Write, p => new OpenLeg(
                WireValues.Read(p.Mixer), new ParticipantId(p.Participant), p.Ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork)
                {
                    Uplink = [.. p.Uplink.Chunk(4).Where(w => w.Length == 4).Select(w => new KeyFingerprint(w[0], w[1], w[2], w[3]))],
                }),
        WireEntry.Of<ConfirmMixer, ConfirmMixerProto>(
            "m.confirm.1",
            m => new ConfirmMixerProto { Mixer = WireValues.Write(m.Mixer), Incarnation = m.Incarnation.Number, Answer = m.Answer },
            p => new ConfirmMixer(WireValues.Read(p.Mixer), new Incarnation(p.Incarnation), p.Answer)),
        WireEntry.Of<FindLeg, LegPlaceProto>(
            "m.findleg.1", m => Place(m.Mixer, m.Participant), p => new FindLeg(WireValues.Read(p.Mixer), new ParticipantId(p.Participant))),
        WireEntry.Of<SetForwardedLeg, ForwardedLegProto>("m.forward.1", Write, Read),
        WireEntry.Of<CloseLeg, LegPlaceProto>(
            "m.close.1", m => Place(m.Mixer, m.Participant), p => new CloseLeg(WireValues.Read(p.Mixer), new ParticipantId(p.Participant))),
    ];

    private static LegPlaceProto Place(MixerId mixer, ParticipantId participant) =>
        new() { Mixer = WireValues.Write(mixer), Participant = participant.Value };

    private static LegPlaceProto Write(OpenLeg open)
    {
        var place = Place(open.Mixer, open.Participant);
        place.Ipv6 = open.Family == AddressFamily.InterNetworkV6;
        place.Uplink.AddRange(open.Uplink.SelectMany(k => k.Words));
        return place;
    }

    private static MixerStateProto Write(MixerState state)
    {
        var proto = new MixerStateProto
        {
            Mixer = WireValues.Write(state.Mixer),
            Incarnation = state.Incarnation.Number,
            Version = state.Version,
            Last = state.IsLast,
            Born = (ulong)state.Born,
            Found = state.IsFound,
            Trunk = TrunkWire.Write(state.Trunk),
        };
        if (state.ForwardsFrom is { } from) proto.ForwardsFrom = from.Number;
        proto.Legs.AddRange(state.Legs.Select(Write));
        proto.Epochs.AddRange(state.Epochs.Select(e => e.Number));
        proto.SharedSsrcs.AddRange(state.SharedSsrcs.Select(s => s.Value));
        proto.Resumes.AddRange(state.Resumes.Select(LegWire.Write));
        return proto;
    }

    private static MixerState Read(MixerStateProto p) => new(
        WireValues.Read(p.Mixer), new Incarnation(p.Incarnation), p.Version,
        [.. p.Legs.Select(Read)])
    {
        IsLast = p.Last,
        Born = (long)p.Born,
        IsFound = p.Found,
        Trunk = TrunkWire.Read(p.Trunk),
        ForwardsFrom = p.HasForwardsFrom ? new KeyEpoch(p.ForwardsFrom) : null,
        Epochs = [.. p.Epochs.Select(e => new KeyEpoch(e))],
        SharedSsrcs = [.. p.SharedSsrcs.Select(s => new Ssrc(s))],
        Resumes = [.. p.Resumes.Select(LegWire.Read)],
    };

    private static ForwardedLegProto Write(SetForwardedLeg m)
    {
        var leg = m.Leg;
        var proto = new ForwardedLegProto
        {
            Mixer = WireValues.Write(m.Mixer),
            Participant = leg.Participant.Value,
            Generation = leg.Generation,
            Remote = WireValues.Write(leg.Remote),
            RemoteRtcp = WireValues.Write(leg.RemoteRtcp),
            RtcpMux = leg.RtcpMux,
            Sends = leg.Direction.Send,
            Receives = leg.Direction.Receive,
            PayloadType = leg.PayloadType,
            Suite = leg.Suite.Name,
            AudioLevel = leg.AudioLevel,
            Unconfirmed = !leg.IsConfirmed,
        };
        if (leg.TelephoneEvent is { } digits) proto.TelephoneEvent = digits;
        return proto;
    }

    private static SetForwardedLeg Read(ForwardedLegProto p) => new(
        WireValues.Read(p.Mixer),
        new ForwardedLeg(
            new ParticipantId(p.Participant), p.Generation, WireValues.Read(p.Remote), WireValues.Read(p.RemoteRtcp), p.RtcpMux,
            new MediaDirection(p.Sends, p.Receives), (byte)p.PayloadType,
            SrtpProfile.Find(p.Suite) ?? throw new System.Runtime.Serialization.SerializationException($"the suite {p.Suite} is not known here"))
        {
            TelephoneEvent = p.HasTelephoneEvent ? (byte)p.TelephoneEvent : null,
            AudioLevel = (byte)p.AudioLevel,
            IsConfirmed = !p.Unconfirmed,
        });

    private static MixerLegProto Write(MixerLeg leg) => new()
    {
        Participant = leg.Participant.Value,
        Ssrc = leg.Ssrc.Value,
        KeyMode = (uint)leg.Key.Mode,
        Epoch = leg.Key.Epoch.Number,
        Uplink = leg.Uplink.Value,
    };

    private static MixerLeg Read(MixerLegProto p) =>
        new(new ParticipantId(p.Participant), new Ssrc(p.Ssrc), new LegKeyUse((LegKeyMode)p.KeyMode, new KeyEpoch(p.Epoch)))
        {
            Uplink = new Ssrc(p.Uplink),
        };
}
