namespace ConfCluster.Protocols.Nodes;

/// <summary>Which side of a cluster that is parted has to end itself.</summary>
public static class CutOff
{
    /// <summary>Whether those that a node hears of, itself among them, are fewer than half of all, or half without the lowest address.</summary>
    /// <param name="heard">In the order of addresses as the engine has it, each with whether it is heard of.</param>
    public static bool IsMinority(IReadOnlyList<bool> heard)
    {
        ArgumentNullException.ThrowIfNull(heard);
        var side = heard.Count(h => h);
        return 2 * side < heard.Count || (2 * side == heard.Count && side > 0 && !heard[0]);
    }
}
