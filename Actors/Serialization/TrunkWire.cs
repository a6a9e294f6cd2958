using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Serialization;

/// <summary>What mixers of one conference are told and say of each other.</summary>
internal static class TrunkWire
{
    public static TrunkPlanProto? Write(TrunkPlan? plan) => plan is null ? null : new TrunkPlanProto
    {
        Generation = plan.Generation,
        Peers =
        {
            plan.Peers.Select(p => new TrunkPeerProto { Mixer = WireValues.Write(p.Mixer), Address = p.Address is { } at ? WireValues.Write(at) : null }),
        },
    };

    public static TrunkPlan? Read(TrunkPlanProto? p) => p is null
        ? null
        : new TrunkPlan(p.Generation, [.. p.Peers.Select(e => new TrunkPeer(WireValues.Read(e.Mixer), e.Address is null ? null : WireValues.Read(e.Address)))]);

    /// <summary>Of a mixer that has none beside it nothing is written.</summary>
    public static TrunkReportProto? Write(TrunkReport report) => report == default ? null : new TrunkReportProto
    {
        Address = report.Address is { } at ? WireValues.Write(at) : null,
        Generation = report.Generation,
        Sent = report.Sent,
        Received = report.Received,
        Refused = report.Refused,
        DelayMilliseconds = report.DelayMilliseconds,
    };

    public static TrunkReport Read(TrunkReportProto? p) => p is null
        ? default
        : new TrunkReport(p.Address is null ? null : WireValues.Read(p.Address), p.Generation, p.Sent, p.Received, p.Refused)
        {
            DelayMilliseconds = p.DelayMilliseconds,
        };

    public static MixerViewProto Write(MixerView view) =>
        new() { Mixer = WireValues.Write(view.Mixer), Loss = (uint)view.Loss, Legs = view.Legs, Trunk = Write(view.Trunk) };

    public static MixerView Read(MixerViewProto p) => new(WireValues.Read(p.Mixer), (MixerLoss)p.Loss, p.Legs, Read(p.Trunk));

    public static IEnumerable<TrunkKeyProto> Write(TrunkKeys keys) =>
        keys.Keys.Select(k => new TrunkKeyProto { Mixer = WireValues.Write(k.Mixer), Key = KeyWire.Write(k.Key) });

    public static TrunkKeys Read(SetTrunkKeysProto p) => new(p.Generation, [.. p.Keys.Select(k => (WireValues.Read(k.Mixer), KeyWire.ReadMaster(k.Key)))]);

    public static void Wipe(SetTrunkKeysProto p)
    {
        foreach (var key in p.Keys) KeyWire.Wipe(key.Key);
    }
}
