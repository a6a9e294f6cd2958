using System.Collections.Immutable;

namespace ConfCluster.Protocols.Sip.Resolution;

/// <summary>The order in which the servers of an SRV answer are tried (RFC 2782, "Usage rules").</summary>
public static class SrvOrder
{
    /// <summary>More servers than a call would ever wait for.</summary>
    private const int MaxServers = 16;

    public static ImmutableArray<DnsRecord.Srv> Of(IEnumerable<DnsRecord.Srv> records, Func<int, int> randomBelow)
    {
        ArgumentNullException.ThrowIfNull(randomBelow);
        return [.. records.GroupBy(r => r.Priority).OrderBy(g => g.Key).SelectMany(g => ByWeight(g, randomBelow)).Take(MaxServers)];
    }

    /// <summary>
    /// RFC 2782: those of weight 0 stand first, a number from 0 to the sum of all weights is drawn, and the first record whose running
    /// sum reaches it is taken; again with what remains.
    /// </summary>
    private static IEnumerable<DnsRecord.Srv> ByWeight(IEnumerable<DnsRecord.Srv> records, Func<int, int> randomBelow)
    {
        var left = records.OrderBy(r => r.Weight == 0 ? 0 : 1).ToList();
        while (left.Count > 0)
        {
            var drawn = randomBelow(left.Sum(r => r.Weight) + 1);
            var (index, running) = (0, left[0].Weight);
            while (running < drawn) running += left[++index].Weight;
            yield return left[index];
            left.RemoveAt(index);
        }
    }
}
