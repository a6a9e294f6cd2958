using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;

namespace ConfCluster.Actors.Nodes;

/// <summary>Which shards of a kind of entity have living entities, on whatever node; null: it could not be found out.</summary>
public delegate Task<IImmutableSet<string>?> BusyShards(string typeName);

/// <summary>
/// A shard begins on the node with the fewest, and moves for balance only while nothing lives in it: a call is not interrupted so that two numbers
/// become equal. When it cannot be found out which shards are busy, all are.
/// </summary>
/// <param name="reachable">Whether the cluster has heard of a node lately; a shard that would begin on one that it has not would have to wait for its removal.</param>
public sealed class ShardPlacement(string typeName, BusyShards busy, Predicate<Address> reachable) : IShardAllocationStrategy
{
    /// <summary>Shards that move at a time, at most.</summary>
    private const int AtOnce = 20;

    /// <inheritdoc />
    public Task<IActorRef> AllocateShard(IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations) =>
        Task.FromResult(currentShardAllocations.OrderBy(r => !reachable(r.Key.Path.Address)).ThenBy(r => r.Value.Count)
            .ThenBy(r => r.Key.Path.ToStringWithAddress(), StringComparer.Ordinal).First().Key);

    /// <inheritdoc />
    public async Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress)
    {
        var counts = currentShardAllocations.Values.Select(s => s.Count).ToList();
        if (rebalanceInProgress.Count > 0 || counts.Count < 2 || counts.Max() - counts.Min() < 2 || await busy(typeName) is not { } held)
            return ImmutableHashSet<string>.Empty;
        var share = (counts.Sum() + counts.Count - 1) / counts.Count;
        return [.. currentShardAllocations.Values.SelectMany(s => s.Where(shard => !held.Contains(shard)).Take(Math.Max(0, s.Count - share))).Take(AtOnce)];
    }
}
