using System.Collections.Immutable;

namespace ConfCluster.Protocols.Conference;

/// <summary>A node with the role media, as a node with conferences sees it.</summary>
/// <param name="Silence">Since it last answered.</param>
/// <param name="Shards">Of mixers, that are at home there.</param>
public sealed record MediaNode(string Name, TimeSpan Silence, ImmutableHashSet<int> Shards);

/// <summary>
/// Which incarnation of a mixer is the next. Each belongs to a shard, and shards have homes that are known before anybody needs them: so a mixer that is lost with its
/// node begins on another node at once, before the cluster has noticed anything and without asking who gives homes, who may be lost with the same node. Numbers may
/// be left out: all that counts is that they rise.
/// </summary>
public static class MixerChoice
{
    /// <summary>
    /// The first after <paramref name="before"/> whose shard is on a node that answers and, when it replaces a mixer that was lost, is not the one that had
    /// that. Where there is none: on any node that has just answered; in a shard without a home, which gets one then; the next number.
    /// </summary>
    /// <param name="before">The highest incarnation before; 0: there was none.</param>
    /// <param name="lost">That of the mixer which was lost; null: none was.</param>
    /// <param name="others">Shards of the conference's other mixers: the node with the fewest of them comes first, so that a conference is not lost as a whole.</param>
    /// <param name="shardOf">Of an incarnation, from 0 to <paramref name="shards"/> - 1, and all of them by as many incarnations in a row.</param>
    /// <param name="silent">A node that said nothing for so long is not trusted with a mixer.</param>
    public static long Next(
        long before, long? lost, ImmutableArray<int> others, Func<long, int> shardOf, int shards, ImmutableArray<MediaNode> nodes, TimeSpan silent)
    {
        ArgumentNullException.ThrowIfNull(shardOf);
        var next = checked(before + 1);
        if (nodes.IsEmpty) return next;
        var fled = lost is { } incarnation ? HomeOf(nodes, shardOf(incarnation)) : null;
        for (var beside = 0; beside <= others.Length; beside++)
            if (Find(h => h is not null && h.Silence < silent && h != fled && others.Count(h.Shards.Contains) == beside) is { } apart)
                return apart;
        return Find(h => h is not null && h.Silence < silent / 2) ?? Find(h => h is null) ?? next;

        long? Find(Predicate<MediaNode?> isGood)
        {
            for (var i = 0; i < shards; i++)
                if (isGood(HomeOf(nodes, shardOf(next + i))))
                    return next + i;
            return null;
        }
    }

    /// <summary>The one heard of last, should two say that they have it.</summary>
    private static MediaNode? HomeOf(ImmutableArray<MediaNode> nodes, int shard)
    {
        MediaNode? home = null;
        foreach (var node in nodes)
            if (node.Shards.Contains(shard) && (home is null || node.Silence < home.Silence))
                home = node;
        return home;
    }
}
