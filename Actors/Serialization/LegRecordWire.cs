using System.Net.Sockets;
using System.Runtime.Serialization;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;
using Google.Protobuf;

namespace ConfCluster.Actors.Serialization;

/// <summary>A leg with its keys on its way to its mixer, and back to a next life of its participant.</summary>
internal static class LegRecordWire
{
    public static LegRecordProto Write(LegRecord record)
    {
        var proto = new LegRecordProto
        {
            Mixer = WireValues.Write(record.Place.Mixer),
            Rtp = WireValues.Write(record.Place.Rtp),
            Rtcp = WireValues.Write(record.Place.Rtcp),
            Media = KeyWire.Write(record.Media),
            LocalSdp = ByteString.CopyFrom(record.Local.Body.Span),
            RemoteSdp = record.RemoteText,
            Dialog = DialogFactWire.Write(record.Dialog),
            Flow = DialogFactWire.Write(record.Flow),
            LocalIsAnswer = record.LocalIsAnswer,
            Index = record.Index,
            CryptoTag = record.CryptoTag,
            Levels = (uint)record.Levels,
            Ipv6 = record.Family == AddressFamily.InterNetworkV6,
            Hidden = record.Hidden,
            Caller = CallerWire.Write(record.Caller),
            Session = Write(record.Session),
            TakesUpdate = record.TakesUpdate,
            TakesMki = record.TakesMki,
            OwnsCallId = record.OwnsCallId,
            SentSdp = ByteString.CopyFrom(record.Sent.Body.Span),
            Keying = (uint)record.Keying,
            RegisteredSsrc = record.RegisteredSsrc,
        };
        if (record.Mikey is { } mikey) proto.Mikey = Write(mikey);
        proto.Group.AddRange(record.Group.Select(KeyWire.Write));
        return proto;
    }

    public static LegRecord Read(LegRecordProto p) => new(
        new LegPlace(WireValues.Read(p.Mixer), WireValues.Read(p.Rtp), WireValues.Read(p.Rtcp)), KeyWire.ReadMedia(p.Media),
        new SdpBody(new SipBody(p.LocalSdp.ToByteArray())), p.RemoteSdp, DialogFactWire.Read(p.Dialog), DialogFactWire.Read(p.Flow))
    {
        LocalIsAnswer = p.LocalIsAnswer,
        Index = p.Index,
        CryptoTag = p.CryptoTag,
        Levels = (LevelSide)p.Levels,
        Family = p.Ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork,
        Group = [.. p.Group.Select(KeyWire.ReadGroup)],
        Hidden = p.Hidden,
        Caller = CallerWire.Read(p.Caller),
        Session = Read(p.Session),
        TakesUpdate = p.TakesUpdate,
        TakesMki = p.TakesMki,
        OwnsCallId = p.OwnsCallId,
        Mikey = p.Mikey is null ? null : Read(p.Mikey),
        Sent = p.SentSdp.IsEmpty ? SdpBody.Nothing : new SdpBody(new SipBody(p.SentSdp.ToByteArray())),
        Keying = (LegKeying)p.Keying,
        RegisteredSsrc = p.RegisteredSsrc,
    };

    /// <param name="p">Null: there is none.</param>
    public static void Wipe(LegRecordProto? p)
    {
        if (p is null) return;
        KeyWire.Wipe(p.Media);
        SipMessageWire.Wipe(p.LocalSdp);
        SipMessageWire.Wipe(p.SentSdp);
        if (p.Mikey is { } mikey) Wipe(mikey);
        foreach (var key in p.Group) KeyWire.Wipe(key);
    }

    private static KeptBundleProto Write(KeptBundle bundle) => new()
    {
        Said = ByteString.CopyFrom(bundle.Said.Span),
        Began = ByteString.CopyFrom(bundle.Began.Span),
        IsResponder = bundle.Role == BundleRole.Responder,
        Profile = bundle.Profile.Name,
        Stream = bundle.Stream,
        AtSession = bundle.AtSession,
        Ssrc = bundle.Ssrc,
        Prf = (uint)bundle.Keys.Suite.Prf,
        Encryption = ByteString.CopyFrom(bundle.Keys.Encryption.Reveal()),
        Authentication = ByteString.CopyFrom(bundle.Keys.Authentication.Reveal()),
        Salt = ByteString.CopyFrom(bundle.Keys.Salt.Reveal()),
    };

    private static KeptBundle Read(KeptBundleProto p)
    {
        var profile = SrtpProfile.Find(p.Profile) ?? throw new SerializationException($"the suite {p.Profile} is not known here");
        var suite = MikeySuite.Of((PrfFunction)p.Prf) ?? throw new SerializationException($"the PRF {p.Prf} of MIKEY is not known here");
        SecretBytes encryption = Taken(p.Encryption), authentication = Taken(p.Authentication), salt = Taken(p.Salt);
        if (MessageKeys.Of(suite, encryption, authentication, salt) is { } keys)
        {
            var role = p.IsResponder ? BundleRole.Responder : BundleRole.Initiator;
            return new KeptBundle(Octets.CopyOf(p.Said.Span), Octets.CopyOf(p.Began.Span), role, profile, p.Stream, p.AtSession, p.Ssrc, keys);
        }

        encryption.Dispose();
        authentication.Dispose();
        salt.Dispose();
        throw new SerializationException("keys of another length than their suite has");
    }

    private static SecretBytes Taken(ByteString bytes)
    {
        var secret = SecretBytes.CopyOf(bytes.Span);
        SipMessageWire.Wipe(bytes);
        return secret;
    }

    private static void Wipe(KeptBundleProto p)
    {
        SipMessageWire.Wipe(p.Encryption);
        SipMessageWire.Wipe(p.Authentication);
        SipMessageWire.Wipe(p.Salt);
    }

    private static SessionTimerProto Write(SessionTimer timer) => new()
    {
        Interval = timer.Interval.Ticks,
        WeRefresh = timer.WeRefresh,
        PeerSupports = timer.PeerSupports,
        Minimum = timer.Minimum.Ticks,
    };

    private static SessionTimer Read(SessionTimerProto p) => new(new TimeSpan(p.Interval), p.WeRefresh, p.PeerSupports, new TimeSpan(p.Minimum));
}
