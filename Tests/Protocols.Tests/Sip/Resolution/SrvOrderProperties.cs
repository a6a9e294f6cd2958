using ConfCluster.Protocols.Sip.Resolution;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Resolution;

[Trait("RFC", "2782")]
public sealed class SrvOrderProperties
{
    private static readonly Gen<DnsRecord.Srv[]> Records =
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 100], (priority, weight) => (priority, weight)).Array[0, 12]
            .Select(pairs => pairs.Select((p, i) => new DnsRecord.Srv(p.priority, p.weight, 5060 + i, $"s{i}")).ToArray());

    [Fact]
    public void Every_server_is_tried_once_and_none_before_one_of_a_lower_priority_number() => Gen.Select(Records, Gen.Int[0, 1 << 20]).Sample(
        (records, seed) =>
        {
            var order = SrvOrder.Of(records, Draws(seed));
            Assert.Equal(records.OrderBy(r => r.Port), order.OrderBy(r => r.Port));
            Assert.Equal(order.Select(r => r.Priority).Order(), order.Select(r => r.Priority));
        });

    [Fact]
    public void A_server_of_three_times_the_weight_is_first_three_times_as_often()
    {
        DnsRecord.Srv[] records = [new(0, 75, 1, "heavy"), new(0, 25, 2, "light")];
        var draws = Enumerable.Range(0, 101).Select(drawn => SrvOrder.Of(records, limit => drawn % limit)[0].Target).ToList();
        Assert.Equal(76, draws.Count(t => t == "heavy"));
        Assert.Equal(25, draws.Count(t => t == "light"));
    }

    [Fact]
    public void A_server_of_weight_zero_has_a_very_small_chance_beside_others()
    {
        DnsRecord.Srv[] records = [new(0, 10, 1, "ten"), new(0, 0, 2, "zero")];
        Assert.Equal("zero", SrvOrder.Of(records, _ => 0)[0].Target);
        Assert.All(Enumerable.Range(1, 10), drawn => Assert.Equal("ten", SrvOrder.Of(records, limit => Math.Min(drawn, limit - 1))[0].Target));
    }

    [Fact]
    public void A_long_answer_is_cut()
    {
        var many = Enumerable.Range(0, 500).Select(i => new DnsRecord.Srv(0, 0, 1 + i, $"s{i}"));
        Assert.Equal(16, SrvOrder.Of(many, _ => 0).Length);
    }

    private static Func<int, int> Draws(int seed)
    {
        var state = (uint)seed;
        return limit => (int)((state = unchecked((state * 1664525) + 1013904223)) >> 8) % limit;
    }
}
