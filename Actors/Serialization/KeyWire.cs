using System.Runtime.Serialization;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;
using Google.Protobuf;

namespace ConfCluster.Actors.Serialization;

/// <summary>Keys on their way to another node. What is read is the reader's own; the copy in the proto is zeroed at once.</summary>
internal static class KeyWire
{
    public static MasterKeyProto Write(MasterKey key) => new()
    {
        Profile = key.Profile.Name,
        KeyAndSalt = ByteString.CopyFrom(key.KeyAndSalt.Reveal()),
        Mki = key.Mki.Value,
        MkiLength = key.Mki.Length,
        Lifetime = key.Lifetime,
    };

    public static MasterKey ReadMaster(MasterKeyProto p)
    {
        var profile = SrtpProfile.Find(p.Profile) ?? throw new SerializationException($"the suite {p.Profile} is not known here");
        var secret = SecretBytes.CopyOf(p.KeyAndSalt.Span);
        SipMessageWire.Wipe(p.KeyAndSalt);
        return new MasterKey(profile, secret, new Mki(p.Mki, (byte)p.MkiLength), p.Lifetime);
    }

    public static GroupKeyProto Write(GroupKey key) =>
        new() { Epoch = key.Epoch.Number, Keys = { key.Keys.Select(Write) }, Rungs = { key.Rungs.Select(Write) } };

    public static GroupKey ReadGroup(GroupKeyProto p) =>
        GroupKey.Of(new KeyEpoch(p.Epoch), [.. p.Keys.Select(ReadMaster)], [.. p.Rungs.Select(ReadGroup)]);

    public static LegMediaProto Write(LegMedia media)
    {
        var proto = new LegMediaProto
        {
            Participant = media.Participant.Value,
            Generation = media.Generation,
            Remote = WireValues.Write(media.Remote),
            RemoteRtcp = WireValues.Write(media.RemoteRtcp),
            RtcpMux = media.RtcpMux,
            Codec = (uint)media.Codec,
            PayloadType = media.PayloadType,
            Sends = media.Direction.Send,
            Receives = media.Direction.Receive,
            PacketTime = media.PacketTime,
            Downlink = Write(media.Downlink),
            TelephoneEventRate = media.TelephoneEventRate,
            Unconfirmed = !media.IsConfirmed,
            AudioLevel = media.Extensions.AudioLevel,
            Voice = media.Extensions.Voice,
            MixedLevels = media.Extensions.MixedLevels,
        };
        if (media.TelephoneEvent is { } digits) proto.TelephoneEvent = digits;
        proto.Uplink.AddRange(media.Uplink.Select(Write));
        proto.Receive.AddRange(media.Receive.Select(c => new OfferedCodecProto { Codec = (uint)c.Codec, PayloadType = c.PayloadType }));
        return proto;
    }

    public static LegMedia ReadMedia(LegMediaProto p) => new(
        new ParticipantId(p.Participant), p.Generation, WireValues.Read(p.Remote), WireValues.Read(p.RemoteRtcp), p.RtcpMux, (AudioCodec)p.Codec,
        (byte)p.PayloadType, p.HasTelephoneEvent ? (byte)p.TelephoneEvent : null, new MediaDirection(p.Sends, p.Receives), p.PacketTime,
        [.. p.Uplink.Select(ReadMaster)], ReadMaster(p.Downlink))
    {
        Receive = [.. p.Receive.Select(c => new OfferedCodec((AudioCodec)c.Codec, (byte)c.PayloadType))],
        TelephoneEventRate = p.TelephoneEventRate,
        IsConfirmed = !p.Unconfirmed,
        Extensions = new ExtensionIds((byte)p.AudioLevel, p.Voice, (byte)p.MixedLevels),
    };

    public static void Wipe(MasterKeyProto p) => SipMessageWire.Wipe(p.KeyAndSalt);

    public static void Wipe(GroupKeyProto p)
    {
        foreach (var key in p.Keys) Wipe(key);
        foreach (var rung in p.Rungs) Wipe(rung);
    }

    public static void Wipe(LegMediaProto p)
    {
        foreach (var key in p.Uplink) Wipe(key);
        Wipe(p.Downlink);
    }
}
