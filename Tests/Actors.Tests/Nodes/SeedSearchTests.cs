using System.Net;
using System.Net.Sockets;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Resolution;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

public sealed class SeedSearchTests
{
    private readonly Dictionary<DnsQuestion, string[]> _zone = [];
    private readonly Dictionary<string, string[]> _hosts = [];

    [Fact]
    public async Task One_name_with_several_addresses_is_the_whole_cluster()
    {
        _zone[new DnsQuestion(DnsType.A, "cluster.example")] = ["192.0.2.3", "192.0.2.20", "192.0.2.1"];
        Assert.Equal(["192.0.2.1:4053", "192.0.2.3:4053", "192.0.2.20:4053"], await FindAsync(new SeedAddress("cluster.example", 4053)));
    }

    [Fact]
    public async Task Every_node_sorts_the_seeds_the_same_way_however_they_are_written()
    {
        _zone[new DnsQuestion(DnsType.A, "b.example")] = ["192.0.2.2"];
        SeedAddress[] seeds = [new("192.0.2.9", 4053), new("b.example", 4054), new("192.0.2.2", 4053), new("192.0.2.2", 4053)];
        string[] sorted = ["192.0.2.2:4053", "192.0.2.2:4054", "192.0.2.9:4053"];
        Assert.Equal(sorted, await FindAsync(seeds));
        Assert.Equal(sorted, await FindAsync([.. seeds.Reverse()]));
    }

    [Fact]
    public async Task What_the_DNS_does_not_know_the_system_may()
    {
        _hosts["node-1"] = ["2001:db8::1", "192.0.2.1"];
        Assert.Equal(["192.0.2.1:4053"], await FindAsync(new SeedAddress("node-1", 4053)));
        Assert.Empty(await FindAsync(new SeedAddress("nowhere", 4053)));
    }

    private async Task<string[]> FindAsync(params SeedAddress[] seeds)
    {
        var search = new SeedSearch(
            question => Task.FromResult(new DnsReply(
                new DnsAnswer(question, [.. Of(_zone, question).Select(a => new DnsRecord.Address(a))]), TimeSpan.Zero)),
            host => Task.FromResult(Of(_hosts, host)));
        return [.. (await search.FindAsync([.. seeds], AddressFamily.InterNetwork)).Select(e => e.ToString())];
    }

    private static IPAddress[] Of<T>(Dictionary<T, string[]> known, T key)
        where T : notnull =>
        [.. known.GetValueOrDefault(key, []).Select(IPAddress.Parse)];
}
