using System.Globalization;
using Akka.Actor;
using Akka.Cluster.Sharding;

namespace ConfCluster.Actors.Nodes;

/// <summary>An entity that is started so that its shard is, and goes at once.</summary>
public sealed class ShardOpener : UntypedActor
{
    /// <summary>No mixer's id (those have a slash) and no participant's (those are tags of ours).</summary>
    private const string Prefix = "shard:";

    public static string IdOf(int shard) => $"{Prefix}{shard.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>The shard that it opens; null: it is the id of something else.</summary>
    public static string? ShardOf(string entityId)
    {
        ArgumentNullException.ThrowIfNull(entityId);
        return entityId.StartsWith(Prefix, StringComparison.Ordinal) && !entityId.Contains('/', StringComparison.Ordinal) ? entityId[Prefix.Length..] : null;
    }

    protected override void PreStart() => Context.Parent.Tell(new Passivate(PoisonPill.Instance));

    protected override void OnReceive(object message) => Unhandled(message);
}
