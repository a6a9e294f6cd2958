using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.RegularExpressions;
using ConfCluster.Actors.Nodes;
using ConfCluster.Cluster.Tests.Wire;
using ConfCluster.Host.Trial;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Nodes get other certificates while they have calls.</summary>
[Collection("clusters")]
public sealed partial class CertificateRenewalTests(ITestOutputHelper output)
{
    private static readonly string[] Reload = ["--set", "confcluster.cluster.tls.reload-interval=500ms"];

    [SkippableFact]
    public async Task Two_nodes_take_renewed_certificates_and_a_third_joins_with_one_and_a_stranger_does_not()
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, "", "", "", "");
        await cluster.WatchAsync(async () =>
        {
            foreach (var number in (int[])[1, 2]) cluster.Start(number, null, Reload);
            foreach (var number in (int[])[1, 2]) await cluster[number].UntilReadyAsync();
            Task<PhoneResult>[] calls = [cluster.CallAsync("renewed", 1, 440, "20s", "--mki"), cluster.CallAsync("renewed", 2, 1000, "20s", "--mki")];
            await cluster.UntilTalkingAsync(1, "renewed", participants: 2);
            List<string> before = [await ShownAsync(cluster, 1), await ShownAsync(cluster, 2)];
            Assert.Equal(before, new List<string> { OnDisk(cluster, 1), OnDisk(cluster, 2) });

            var directory = Path.GetDirectoryName(cluster.Plan.Authority.PathOf(ClusterAuthority.RootFile))!;
            var (exit, said) = await NodeProcess.RunAsync("tls", "init", "--renew", "--out", directory, "--nodes", "127.0.0.1,127.0.0.2,127.0.0.3");
            Assert.True(exit == 0, said);
            foreach (var number in (int[])[1, 2])
            {
                await cluster[number].UntilAsync(async () => await ShownAsync(cluster, number) == OnDisk(cluster, number), "the new certificate");
                Assert.DoesNotContain(await ShownAsync(cluster, number), before);
            }

            cluster.Start(3, null, Reload);
            await cluster[3].UntilReadyAsync();
            var foreign = new ClusterAuthority(Path.Combine(cluster.Directory, "foreign"), TimeProvider.System);
            foreign.Make([TrialCluster.AddressOf(4)]);
            var stranger = cluster.Start(4, foreign, Reload);
            await cluster[1].UntilAsync(() => Task.FromResult(Refused().IsMatch(cluster[1].Log)), "the refusal of the stranger");
            Assert.Equal(["127.0.0.1", "127.0.0.2", "127.0.0.3"], await MembersAsync(cluster, 1));
            Assert.False((await stranger.Http.GetAsync(new Uri("/readyz", UriKind.Relative))).IsSuccessStatusCode);
            Assert.True((await cluster.CallAsync("renewed", 3, 1500, "2s", "--mki")).WasKept);

            foreach (var call in await Task.WhenAll(calls))
            {
                output.WriteLine($"{call}");
                Assert.True(call is { WasKept: true, Undecryptable: 0, LongestGap: < 1000 }, $"{call}");
            }

            foreach (var (tone, other) in new[] { (440.0, 1000.0), (1000.0, 440.0) })
                Assert.True(cluster.SecondsOf("renewed", tone, other) >= 16, $"{tone} Hz heard {other} Hz for {cluster.SecondsOf("renewed", tone, other)} s");
            await cluster.AuditIsCleanAsync(1);
        });
    }

    private static Task<string> ShownAsync(ProcessCluster cluster, int node) =>
        ShownCertificate.OfAsync(new IPEndPoint(IPAddress.Parse(TrialCluster.AddressOf(node)), cluster.Plan.Ports.Cluster));

    private static string OnDisk(ProcessCluster cluster, int node)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(cluster.Plan.Authority.CertificateOf(TrialCluster.AddressOf(node)));
        return certificate.Thumbprint;
    }

    [GeneratedRegex(@"127\.0\.0\.4:\d+ is no node of this cluster: it does not lead to a root of the cluster")]
    private static partial Regex Refused();

    private static async Task<string[]> MembersAsync(ProcessCluster cluster, int asked)
    {
        using var status = JsonDocument.Parse(await cluster[asked].Http.GetStringAsync(new Uri("/api/v1/cluster", UriKind.Relative)));
        return [.. status.RootElement.GetProperty("nodes").EnumerateArray().Select(n => n.GetProperty("node").GetString()!.Split(':')[0]).Order(StringComparer.Ordinal)];
    }
}
