using System.Collections.Immutable;
using System.Net;
using Akka.Actor;
using Akka.Cluster;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ClusterSettings = ConfCluster.Actors.Settings.ClusterSettings;

namespace ConfCluster.Host.Roles;

/// <summary>How a node gets into its cluster: alone by itself, else by its seeds, for as long as that takes.</summary>
internal sealed class ClusterEntry(ClusterSettings settings, DnsSettings dns, ILogger<ClusterEntry> log)
{
    private static readonly TimeSpan AlonePatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SayAgain = TimeSpan.FromSeconds(15);

    /// <summary>Null when the node is Up; else why it is not.</summary>
    public async Task<string?> JoinAsync(ActorSystem system, CancellationToken stop)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        try
        {
            if (settings.IsAlone)
            {
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
                patience.CancelAfter(AlonePatience);
                await cluster.JoinAsync(cluster.SelfAddress, patience.Token);
                return null;
            }

            var seeds = await SeedsAsync(stop);
            log.LogInformation("Joining the cluster at {Seeds}", string.Join(", ", seeds));
            var joined = cluster.JoinSeedNodesAsync(seeds.Select(s => cluster.SelfAddress.WithHost(s.Address.ToString()).WithPort(s.Port)), stop);
            while (await Task.WhenAny(joined, system.WhenTerminated, Task.Delay(SayAgain, stop)) is var done && done != joined && !stop.IsCancellationRequested)
            {
                if (done == system.WhenTerminated) return "The engine of this node ended before the cluster took the node in; what it said last stands above.";
                log.LogWarning(
                    "No node of the cluster at {Seeds} has taken this one in yet; is another up, and are all certificates of one root?", string.Join(", ", seeds));
            }

            await joined;
            // Who was there first is right.
            return cluster.State.Members.Where(m => m.UniqueAddress != cluster.SelfUniqueAddress && m.IsOlderThan(cluster.SelfMember))
                .Select(m => ClusterAgreement.Refusal(cluster.SelfRoles, SipWay.NameOf(m.Address), m.Roles)).FirstOrDefault(r => r is not null);
        }
        catch (Exception e) when (e is ClusterJoinFailedException or OperationCanceledException)
        {
            return stop.IsCancellationRequested
                ? "Stopped before the cluster took the node in."
                : $"The node could not form its cluster within {AlonePatience.TotalSeconds:0} s.";
        }
    }

    private async Task<ImmutableArray<IPEndPoint>> SeedsAsync(CancellationToken stop)
    {
        var search = SeedSearch.Of(dns);
        while (true)
        {
            var found = await search.FindAsync(settings.Seeds, settings.Address.AddressFamily);
            if (!found.IsEmpty) return found;
            log.LogWarning("None of the names in confcluster.cluster.seeds has an address yet: {Seeds}", string.Join(", ", settings.Seeds));
            await Task.Delay(LookAgain, stop);
        }
    }
}
