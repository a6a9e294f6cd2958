using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
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
        var proto = new LegKeyViewProto { Keying = (uint)v.Keying, IsProtected = v.IsProtected, LacksMki = v.LacksMki, IsDeaf = v.IsDeaf };
        if (v.InUse is { } inUse) proto.InUse = inUse.Number;
        if (v.Offered is { } offered) proto.Offered = offered.Number;
        return proto;
    }

    public static LegKeyView? Read(LegKeyViewProto? p) => p is null
        ? null
        : new LegKeyView((LegKeying)p.Keying, p.HasInUse ? new KeyEpoch(p.InUse) : null, p.HasOffered ? new KeyEpoch(p.Offered) : null, p.IsProtected)
        {
            LacksMki = p.LacksMki,
            IsDeaf = p.IsDeaf,
        };

    public static ExposureViewProto? Write(ExposureView? v)
    {
        if (v is null) return null;
        var proto = new ExposureViewProto { Bound = v.Bound.Ticks };
        if (v.LastCovered is { } covered) (proto.LastCovered, proto.LastExposure) = (Write(covered.Change), covered.Exposure.Ticks);
        proto.Uncovered.AddRange(v.Uncovered.Select(Write));
        return proto;
    }

    public static ExposureView? Read(ExposureViewProto? p) => p is null
        ? null
        : new ExposureView(
            new TimeSpan(p.Bound), p.LastCovered is null ? null : new CoveredChange(Read(p.LastCovered), new TimeSpan(p.LastExposure)),
            [.. p.Uncovered.Select(Read)]);

    private static KeyChangeProto Write(KeyChange c) => new()
    {
        Kind = (uint)c.Kind,
        Participant = c.Participant.Value,
        At = WireValues.Ticks(c.At),
        After = c.After.Number,
    };

    private static KeyChange Read(KeyChangeProto p) =>
        new((KeyChangeKind)p.Kind, new ParticipantId(p.Participant), WireValues.Time(p.At), new KeyEpoch(p.After));
}
