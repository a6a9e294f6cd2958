using System.Net.Sockets;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
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
        };
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
    };

    /// <param name="p">Null: there is none.</param>
    public static void Wipe(LegRecordProto? p)
    {
        if (p is null) return;
        KeyWire.Wipe(p.Media);
        SipMessageWire.Wipe(p.LocalSdp);
        foreach (var key in p.Group) KeyWire.Wipe(key);
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
