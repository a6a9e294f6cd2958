using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using ConfCluster.Actors;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ClusterSettings = ConfCluster.Actors.Settings.ClusterSettings;

namespace ConfCluster.Host;

/// <summary>What this node knows of the others, and what it can ask them in the words of the engine.</summary>
internal sealed class ClusterView(ActorSystem system, EntityRegions regions)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(system);

    /// <summary>This node is in the cluster and the others can reach it.</summary>
    public bool IsUp => !Cluster.IsTerminated && Cluster.SelfMember.Status == MemberStatus.Up && !IsUnreachable(Cluster.SelfMember);

    public ImmutableArray<Member> Members => [.. Cluster.State.Members.OrderBy(m => m.Address.Host, StringComparer.Ordinal).ThenBy(m => m.Address.Port)];

    public bool IsUnreachable(Member member) => Cluster.State.Unreachable.Contains(member);

    public bool IsSelf(Member member) => member.UniqueAddress == Cluster.SelfUniqueAddress;

    public bool IsLeader(Member member) => Cluster.State.Leader == member.Address;

    /// <summary>Another node is up and can be reached.</summary>
    public bool HasOthers => Members.Any(m => !IsSelf(m) && m.Status == MemberStatus.Up && !IsUnreachable(m));

    /// <summary>Members with a role that are up and can be reached.</summary>
    public ImmutableArray<Member> With(NodeRole role) =>
        [.. Members.Where(m => m.HasRole(ClusterSettings.NameOf(role)) && m.Status is MemberStatus.Up or MemberStatus.Leaving && !IsUnreachable(m))];

    /// <summary>Every kind of entity has a node to live on, and this node knows the way there.</summary>
    public async Task<bool> ReachesRegionsAsync() =>
        (await Task.WhenAll(Regions.Values.Select(region => AskAsync<CurrentRegions>(region, GetCurrentRegions.Instance)))).All(r => r is { Regions.Count: > 0 });

    /// <summary>Entities by node and shard; it may lack any node, or all. Null: nobody answered.</summary>
    public async Task<ClusterShardingStats?> ShardsAsync(string typeName) =>
        await AskAsync<ClusterShardingStats>(Regions[typeName], new GetClusterShardingStats(Patience / 2));

    /// <summary>
    /// Shards of which their own node says that nothing lives in them. The engine's answer leaves out nodes that have not registered with a coordinator that has
    /// just come, and when one node is late, all.
    /// </summary>
    public async Task<IImmutableSet<string>> IdleShardsAsync(string typeName) =>
        [.. (await ShardsAsync(typeName))?.Regions.Values.SelectMany(r => r.Stats).Where(s => s.Value == 0).Select(s => s.Key) ?? []];

    /// <summary>Ids of the entities that live anywhere.</summary>
    public async Task<ImmutableHashSet<string>> IdsAsync(string typeName, NodeRole role)
    {
        var asked = With(role).Select(m => AskAsync<CurrentShardRegionState>(
            system.ActorSelection(new RootActorPath(m.Address) / "system" / "sharding" / typeName), GetShardRegionState.Instance));
        return [.. (await Task.WhenAll(asked)).OfType<CurrentShardRegionState>().SelectMany(s => s.Shards).SelectMany(s => s.EntityIds)];
    }

    /// <summary>Ids of the entities that live on this node; null: it did not say.</summary>
    public async Task<ImmutableHashSet<string>?> OwnIdsAsync(string typeName) =>
        await AskAsync<CurrentShardRegionState>(Regions[typeName], GetShardRegionState.Instance) is { } state ? [.. state.Shards.SelectMany(s => s.EntityIds)] : null;

    private Dictionary<string, IActorRef> Regions => new()
    {
        [ConferenceRegion.TypeName] = regions.Conferences,
        [ParticipantRegion.TypeName] = regions.Participants,
        [MixerRegion.TypeName] = regions.Mixers,
    };

    private static async Task<T?> AskAsync<T>(ICanTell whom, object question)
        where T : class
    {
        try
        {
            return await whom.Ask<T>(question, Patience);
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }
}
