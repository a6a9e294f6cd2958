using System.Collections.Immutable;
using ConfCluster.Actors.Nodes;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Media;

/// <summary>What a node with conferences knows of the nodes with lanes: when each answered last, and which shards of mixers it has. For any thread.</summary>
/// <param name="silent">A node from which nothing came for so long gets no new mixer.</param>
/// <param name="draining">They get none either.</param>
public sealed class MixerHomes(int shards, TimeSpan silent, DrainingNodes draining, TimeProvider clock)
{
    /// <summary>A node without room is asked again after that.</summary>
    private static readonly TimeSpan FullFor = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private ImmutableDictionary<string, long> _full = ImmutableDictionary.Create<string, long>(StringComparer.Ordinal);
    private ImmutableSortedDictionary<string, Home> _homes = ImmutableSortedDictionary.Create<string, Home>(StringComparer.Ordinal);

    /// <summary>How many there are.</summary>
    public int Shards => shards;

    /// <summary>A node answered.</summary>
    /// <param name="has">Its shards; null: it did not say.</param>
    public void Heard(string node, ImmutableHashSet<int>? has)
    {
        lock (_lock) _homes = _homes.SetItem(node, new Home(clock.GetTimestamp(), has ?? _homes.GetValueOrDefault(node).Has ?? []));
    }

    /// <summary>The node is not in the cluster any more.</summary>
    public void Forget(string node)
    {
        lock (_lock) _homes = _homes.Remove(node);
    }

    /// <summary>
    /// A mixer with nobody at it had no room, and it was placed on the lane with the least load: its node gets no new one for a while, where another can have it.
    /// </summary>
    public void NoRoom(MixerId mixer)
    {
        if (HomeOf(MixerRegion.ShardNumber(mixer, shards)) is not { } node) return;
        lock (_lock) _full = _full.SetItem(node, clock.GetTimestamp());
    }

    /// <summary>A node answers that is neither known to be full nor to be emptied.</summary>
    public bool HasRoom() => Nodes().Any(n => n.Silence < silent);

    /// <summary>The node that has a shard; null: nobody said so.</summary>
    public string? HomeOf(int shard)
    {
        lock (_lock) return _homes.FirstOrDefault(h => h.Value.Has.Contains(shard)).Key;
    }

    /// <summary>The incarnation that a conference's next mixer shall be; see <see cref="MixerChoice"/>.</summary>
    /// <param name="others">The mixers that the conference has beside it.</param>
    public long Next(MixerId before, long? lost, ImmutableArray<MixerId> others)
    {
        return MixerChoice.Next(
            before.Incarnation, lost, [.. others.Select(m => MixerRegion.ShardNumber(m, shards))],
            i => MixerRegion.ShardNumber(before with { Incarnation = i }, shards), shards, Nodes(), silent);
    }

    /// <summary>One that is to get nothing counts as silent.</summary>
    private ImmutableArray<MediaNode> Nodes()
    {
        ImmutableSortedDictionary<string, Home> homes;
        ImmutableDictionary<string, long> full;
        lock (_lock) (homes, full) = (_homes, _full);
        return [.. homes.Select(h => new MediaNode(h.Key, IsBarred(h.Key) ? TimeSpan.MaxValue : clock.GetElapsedTime(h.Value.HeardAt), h.Value.Has))];

        bool IsBarred(string node) => draining.Contains(node) || full.TryGetValue(node, out var at) && clock.GetElapsedTime(at) < FullFor;
    }

    private readonly record struct Home(long HeardAt, ImmutableHashSet<int> Has);
}
