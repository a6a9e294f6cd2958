using System.Collections.Immutable;
using Akka.Actor;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using Google.Protobuf;

namespace ConfCluster.Actors.Serialization;

/// <summary>One line of the wire for a message with keys: the way there and back, and how what was sent is made unreadable afterwards.</summary>
/// <param name="Spend">Zeroes the keys of a message that has gone to another node, since nobody here owns it any more.</param>
internal sealed record SecretEntry(string Manifest, Type Type, Func<object, byte[]> Write, Func<byte[], object> Read, Action<object> Spend)
{
    /// <param name="wipe">Zeroes the copies of keys in a proto.</param>
    public static SecretEntry Of<T, TProto>(string manifest, Func<T, TProto> write, Func<TProto, T> read, Action<TProto> wipe, Action<T> spend)
        where T : class
        where TProto : IMessage<TProto>, new()
    {
        var parser = new MessageParser<TProto>(() => new TProto());
        return new SecretEntry(manifest, typeof(T), Bytes, Message, o => spend((T)o));

        byte[] Bytes(object message)
        {
            var proto = write((T)message);
            var bytes = proto.ToByteArray();
            wipe(proto);
            return bytes;
        }

        object Message(byte[] bytes)
        {
            var proto = parser.ParseFrom(bytes);
            var message = read(proto);
            wipe(proto);
            return message;
        }
    }
}

/// <summary>The messages with keys that go from node to node. Their bytes are not stored, but nodes of two versions may talk: fields are only added.</summary>
internal static class SecretWire
{
    public static ImmutableArray<SecretEntry> Entries(ExtendedActorSystem system) =>
    [
        SecretEntry.Of<SipRequestArrived, SipRequestArrivedProto>(
            "s.request.1",
            m => new SipRequestArrivedProto
            {
                Participant = m.Participant.Value, Key = SipMessageWire.Write(m.Key), Request = SipMessageWire.Write(m.Request),
                Flow = DialogFactWire.Write(m.Flow), Endpoint = Akka.Serialization.Serialization.SerializedActorPath(m.Endpoint), Caller = CallerWire.Write(m.Caller),
            },
            p => new SipRequestArrived(
                new ParticipantId(p.Participant), SipMessageWire.Read(p.Key), SipMessageWire.Request(p.Request), DialogFactWire.Read(p.Flow),
                system.Provider.ResolveActorRef(p.Endpoint)) { Caller = CallerWire.Read(p.Caller) },
            p => SipMessageWire.Wipe(p.Request), m => m.Request.Body.Clear()),
        SecretEntry.Of<SipAckArrived, SipAckArrivedProto>(
            "s.ack.1",
            m => new SipAckArrivedProto { Participant = m.Participant.Value, Request = SipMessageWire.Write(m.Request), Flow = DialogFactWire.Write(m.Flow) },
            p => new SipAckArrived(new ParticipantId(p.Participant), SipMessageWire.Request(p.Request), DialogFactWire.Read(p.Flow)),
            p => SipMessageWire.Wipe(p.Request), m => m.Request.Body.Clear()),
        SecretEntry.Of<SipResponseArrived, SipResponseArrivedProto>(
            "s.response.1",
            m => new SipResponseArrivedProto { Participant = m.Participant.Value, Key = SipMessageWire.Write(m.Key), Response = SipMessageWire.Write(m.Response) },
            p => new SipResponseArrived(new ParticipantId(p.Participant), SipMessageWire.Read(p.Key), SipMessageWire.Response(p.Response)),
            p => SipMessageWire.Wipe(p.Response), m => m.Response.Body.Clear()),
        SecretEntry.Of<SendRequest, SendRequestProto>(
            "s.send.1",
            m => new SendRequestProto
            {
                Owner = m.Owner.Value,
                Request = SipMessageWire.Write(m.Request),
                Flow = DialogFactWire.Write(m.Flow),
                KeepsTransport = m.KeepsTransport,
            },
            p => new SendRequest(new ParticipantId(p.Owner), SipMessageWire.Request(p.Request), DialogFactWire.Read(p.Flow)) { KeepsTransport = p.KeepsTransport },
            p => SipMessageWire.Wipe(p.Request), m => m.Request.Body.Clear()),
        SecretEntry.Of<SendAck, SendAckProto>(
            "s.sendack.1",
            m => new SendAckProto { Request = SipMessageWire.Write(m.Request), Flow = DialogFactWire.Write(m.Flow) },
            p => new SendAck(SipMessageWire.Request(p.Request), DialogFactWire.Read(p.Flow)),
            p => SipMessageWire.Wipe(p.Request), _ => { }),
        SecretEntry.Of<Respond, RespondProto>(
            "s.respond.1",
            m => new RespondProto { Key = SipMessageWire.Write(m.Key), Response = SipMessageWire.Write(m.Response) },
            p => new Respond(SipMessageWire.Read(p.Key), SipMessageWire.Response(p.Response)),
            p => SipMessageWire.Wipe(p.Response), m => m.Response.Body.Clear()),
        SecretEntry.Of<JoinedInGroup, JoinedInGroupProto>(
            "s.joined.1",
            m => new JoinedInGroupProto { Join = ParticipantWire.Write(m.Join), Key = KeyWire.Write(m.Key) },
            p => new JoinedInGroup(ParticipantWire.Read(p.Join), KeyWire.ReadGroup(p.Key)),
            p => KeyWire.Wipe(p.Key), m => m.Key.Dispose()),
        SecretEntry.Of<OfferGroupKey, OfferGroupKeyProto>("s.offerkey.1", Write, Read, p => KeyWire.Wipe(p.Key), m => m.Key.Dispose()),
        SecretEntry.Of<SetGroupKey, SetGroupKeyProto>(
            "s.groupkey.1",
            m => new SetGroupKeyProto { Mixer = WireValues.Write(m.Mixer), Incarnation = m.Incarnation.Number, Key = KeyWire.Write(m.Key) },
            p => new SetGroupKey(WireValues.Read(p.Mixer), new Incarnation(p.Incarnation), KeyWire.ReadGroup(p.Key)),
            p => KeyWire.Wipe(p.Key), m => m.Key.Dispose()),
        SecretEntry.Of<SetTrunkKeys, SetTrunkKeysProto>(
            "s.trunk.1",
            m => new SetTrunkKeysProto
            {
                Mixer = WireValues.Write(m.Mixer), Incarnation = m.Incarnation.Number, Generation = m.Keys.Generation, Keys = { TrunkWire.Write(m.Keys) },
            },
            p => new SetTrunkKeys(WireValues.Read(p.Mixer), new Incarnation(p.Incarnation), TrunkWire.Read(p)),
            TrunkWire.Wipe, m => m.Keys.Dispose()),
        SecretEntry.Of<SetLegMedia, SetLegMediaProto>(
            "s.legmedia.1",
            m => new SetLegMediaProto { Mixer = WireValues.Write(m.Mixer), Media = KeyWire.Write(m.Media) },
            p => new SetLegMedia(WireValues.Read(p.Mixer), KeyWire.ReadMedia(p.Media)),
            p => KeyWire.Wipe(p.Media), m => m.Media.Dispose()),
        SecretEntry.Of<KeepLeg, KeepLegProto>(
            "s.keepleg.1",
            m => new KeepLegProto { Record = LegRecordWire.Write(m.Record) },
            p => new KeepLeg(LegRecordWire.Read(p.Record)),
            p => LegRecordWire.Wipe(p.Record), m => m.Record.Dispose()),
        SecretEntry.Of<LegFound, LegFoundProto>("s.legfound.1", Write, Read, p => LegRecordWire.Wipe(p.Record), m => m.Record?.Dispose()),
    ];

    private static LegFoundProto Write(LegFound m)
    {
        var proto = new LegFoundProto { Participant = m.Participant.Value, Mixer = WireValues.Write(m.Mixer), IsGone = m.IsGone };
        if (m.Record is { } record) proto.Record = LegRecordWire.Write(record);
        return proto;
    }

    private static LegFound Read(LegFoundProto p) =>
        new(new ParticipantId(p.Participant), WireValues.Read(p.Mixer), p.Record is null ? null : LegRecordWire.Read(p.Record), p.IsGone);

    private static OfferGroupKeyProto Write(OfferGroupKey m)
    {
        var proto = new OfferGroupKeyProto { Participant = m.Participant.Value, Conference = m.Conference.Value, Key = KeyWire.Write(m.Key), Switches = m.Switches };
        if (m.InUse is { } inUse) proto.InUse = inUse.Number;
        if (m.Taken is { } taken) proto.Taken = taken.Number;
        proto.Streams.AddRange(m.Streams.Select(LegWire.Write));
        return proto;
    }

    private static OfferGroupKey Read(OfferGroupKeyProto p) => new(
        new ParticipantId(p.Participant), new ConferenceId(p.Conference), KeyWire.ReadGroup(p.Key), p.HasInUse ? new KeyEpoch(p.InUse) : null)
    {
        Taken = p.HasTaken ? new KeyEpoch(p.Taken) : null,
        Switches = p.Switches,
        Streams = [.. p.Streams.Select(LegWire.Read)],
    };
}
