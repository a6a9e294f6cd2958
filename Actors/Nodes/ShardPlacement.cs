using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;

namespace ConfCluster.Actors.Nodes;

/// <summary>Shards of a kind of entity of which the node that has them says that nothing lives in them. One that is not in it may be full of calls.</summary>
public delegate Task<IImmutableSet<string>> IdleShards(string typeName);

/// <summary>
/// A shard begins on the node with the fewest, and moves for balance only while nothing lives in it: a call is not interrupted so that two numbers
/// become equal. A shard of which nobody says so is not taken for empty.
/// </summary>
/// <param name="draining">Whether a node is being emptied: no shard begins there, and those in which nobody lives go first (its calls go before it stops).</param>
/// <param name="reachable">Whether the cluster has heard of a node lately; a shard that would begin on one that it has not would have to wait for its removal.</param>
public sealed class ShardPlacement(string typeName, IdleShards idle, Predicate<Address> reachable, Predicate<Address> draining) : IShardAllocationStrategy
{
    /// <summary>Shards that move at a time, at most.</summary>
    private const int AtOnce = 20;

    /// <inheritdoc />
    public Task<IActorRef> AllocateShard(IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations) =>
        Task.FromResult(currentShardAllocations.OrderBy(r => !reachable(r.Key.Path.Address)).ThenBy(r => draining(r.Key.Path.Address)).ThenBy(r => r.Value.Count)
            .ThenBy(r => r.Key.Path.ToStringWithAddress(), StringComparer.Ordinal).First().Key);

    /// <inheritdoc />
    public async Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress)
    {
        var kept = currentShardAllocations.Where(r => !draining(r.Key.Path.Address)).ToList();
        var leaving = kept.Count == 0 ? [] : currentShardAllocations.Where(r => draining(r.Key.Path.Address)).SelectMany(r => r.Value).ToList();
        var counts = kept.Select(r => r.Value.Count).ToList();
        var isEven = counts.Count < 2 || counts.Max() - counts.Min() < 2;
        if (rebalanceInProgress.Count > 0 || isEven && leaving.Count == 0) return ImmutableHashSet<string>.Empty;
        var empty = await idle(typeName);
        if (leaving.Count > 0) return [.. leaving.Where(empty.Contains).Take(AtOnce)];
        var share = (counts.Sum() + counts.Count - 1) / counts.Count;
        return [.. kept.SelectMany(r => r.Value.Where(empty.Contains).Take(Math.Max(0, r.Value.Count - share))).Take(AtOnce)];
    }
}
