using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;

namespace ConfCluster.Actors.Serialization;

/// <summary>How a conference shows its group keys.</summary>
internal static class KeyViewWire
{
    public static EpochViewProto Write(EpochView v) => new()
    {
        Epoch = v.Epoch.Number,
        Phase = (uint)v.Phase,
        Reason = (uint)v.Reason,
        Began = WireValues.Ticks(v.Began),
        Legs = v.Legs,
    };

    public static EpochView Read(EpochViewProto p) =>
        new(new KeyEpoch(p.Epoch), (EpochPhase)p.Phase, (RekeyReason)p.Reason, WireValues.Time(p.Began), p.Legs);

    public static LegKeyViewProto? Write(LegKeyView? v)
    {
        if (v is null) return null;
        var proto = new LegKeyViewProto { Keying = (uint)v.Keying, IsProtected = v.IsProtected };
        if (v.InUse is { } inUse) proto.InUse = inUse.Number;
        if (v.Offered is { } offered) proto.Offered = offered.Number;
        return proto;
    }

    public static LegKeyView? Read(LegKeyViewProto? p) => p is null
        ? null
        : new LegKeyView((LegKeying)p.Keying, p.HasInUse ? new KeyEpoch(p.InUse) : null, p.HasOffered ? new KeyEpoch(p.Offered) : null, p.IsProtected);
}
