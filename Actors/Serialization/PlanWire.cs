using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Serialization;

/// <summary>The rules of a conference.</summary>
internal static class PlanWire
{
    public static PlanProto Write(ConferencePlan plan) => new()
    {
        Blueprint = plan.Blueprint,
        Set = { plan.Set.Select(Write) },
        Policy = { plan.Policy.Select(Write) },
    };

    public static ConferencePlan? Read(PlanProto? p) => p is null ? null : new ConferencePlan(p.Blueprint, [.. p.Set.Select(Read)], [.. p.Policy.Select(Read)]);

    private static PolicySettingProto Write(PolicySetting setting) => new() { Name = setting.Name, Value = setting.Value };

    private static PolicySetting Read(PolicySettingProto p) => new(p.Name, p.Value);
}
