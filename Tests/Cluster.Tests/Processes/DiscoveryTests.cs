using System.Text.Json;
using ConfCluster.Support;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Nodes that know one name and no address find each other through a name server.</summary>
[Collection("clusters")]
public sealed class DiscoveryTests(ITestOutputHelper output)
{
    private const string Name = "nodes.confcluster.test";

    [SkippableFact]
    public async Task Nodes_find_each_other_by_one_name_and_one_whose_name_is_not_known_yet_joins_once_it_is()
    {
        using var names = new SmallDnsServer(timeToLive: 1);
        await using var cluster = await ProcessCluster.MakeAsync(output, "", "", "");
        await cluster.WatchAsync(async () =>
        {
            // As the record of a service grows: the third node asks for a name that is not there when it starts.
            names.Host(Name, "127.0.0.1").Host(Name, "127.0.0.2");
            foreach (var (number, name) in ((int, string)[])[(1, Name), (2, Name), (3, $"late.{Name}")])
            {
                cluster.Start(
                    number, null, "--set", $"confcluster.cluster.seeds=[\"{name}:{cluster.Plan.Ports.Cluster}\"]",
                    "--set", $"confcluster.sip.dns.servers=[\"{names.Address}\"]");
            }

            foreach (var number in (int[])[1, 2]) await cluster[number].UntilReadyAsync();
            Assert.True(names.Questions > 0);
            Assert.Equal(["127.0.0.1", "127.0.0.2"], await MembersAsync(cluster, 1));
            await cluster[3].UntilLoggedAsync("None of the names in confcluster.cluster.seeds has an address yet");
            names.Host($"late.{Name}", "127.0.0.2");
            await cluster[3].UntilReadyAsync();
            for (var asked = 1; asked <= 3; asked++) Assert.Equal(["127.0.0.1", "127.0.0.2", "127.0.0.3"], await MembersAsync(cluster, asked));
            foreach (var number in (int[])[1, 2, 3]) Assert.True((await cluster.CallAsync("found", number, 440, "2s", "--mki")).WasKept);
        });
    }

    private static async Task<string[]> MembersAsync(ProcessCluster cluster, int asked)
    {
        using var status = JsonDocument.Parse(await cluster[asked].Http.GetStringAsync(new Uri("/api/v1/cluster", UriKind.Relative)));
        return [.. status.RootElement.GetProperty("nodes").EnumerateArray().Select(n => n.GetProperty("node").GetString()!.Split(':')[0]).Order(StringComparer.Ordinal)];
    }
}
