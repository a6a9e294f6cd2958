using System.Collections.Immutable;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using ConfCluster.Actors;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Host.Logs;
using Member = Akka.Cluster.Member;

namespace ConfCluster.Host.Api;

/// <summary><c>/api/v1/cluster</c>: the nodes, what they do, and what lives on them, as the node that is asked sees it.</summary>
internal static class ClusterApi
{
    private static readonly ImmutableArray<(string Type, NodeRole Role)> Kinds =
        [(ConferenceRegion.TypeName, NodeRole.Focus), (ParticipantRegion.TypeName, NodeRole.Focus), (MixerRegion.TypeName, NodeRole.Media)];

    private const double MaxSeconds = 3600;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/cluster", async (ClusterView cluster, EntityRegions regions) => await OfAsync(cluster, regions.Draining));
        routes.MapPost("/api/v1/drain", Drain);
    }

    private static IResult Drain(DrainRequest request, NodeState state, NodeName node, ConfClusterSettings settings, ClusterView cluster)
    {
        if (request.Seconds is not (null or >= 1 and <= MaxSeconds)) return Results.BadRequest(new ApiProblem($"seconds is from 1 to {MaxSeconds}."));
        var deadline = request.Seconds is { } seconds ? TimeSpan.FromSeconds(seconds) : settings.DrainTimeout;
        return state.AskDrain(deadline)
            ? Results.Accepted(value: new DrainDetails(node.Value, deadline.TotalSeconds, settings.Cluster.IsAlone || cluster.HasOthers))
            : Results.Conflict(new ApiProblem($"{node.Value} is being emptied already."));
    }

    private static async Task<ClusterDetails> OfAsync(ClusterView cluster, DrainingNodes draining)
    {
        var stats = await Task.WhenAll(Kinds.Select(k => cluster.ShardsAsync(k.Type)));
        var places = Kinds.Zip(stats, (kind, found) => (kind.Type, Found: found)).Where(p => p.Found is not null)
            .SelectMany(p => Places(p.Type, p.Found!)).ToLookup(p => p.Node);
        return new ClusterDetails([.. cluster.Members.Select(m => Node(m, cluster, draining, places[SipWay.NameOf(m.Address)]))], stats.All(s => s is not null));
    }

    private static IEnumerable<(string Node, string Type, int Shards, int Entities)> Places(string type, ClusterShardingStats stats) => stats.Regions
        .Where(r => r.Value.Stats.Count > 0).Select(r => (SipWay.NameOf(r.Key), type, r.Value.Stats.Count, r.Value.Stats.Values.Sum()));

    private static NodeDetails Node(
        Member member, ClusterView cluster, DrainingNodes draining, IEnumerable<(string Node, string Type, int Shards, int Entities)> places) => new(
        SipWay.NameOf(member.Address),
        draining.Contains(SipWay.NameOf(member.Address)) && member.Status == MemberStatus.Up ? "draining" : member.Status.ToString().ToLowerInvariant(),
        !cluster.IsUnreachable(member), cluster.IsSelf(member), cluster.IsLeader(member),
        [.. member.Roles.Where(r => Enum.TryParse<NodeRole>(r, ignoreCase: true, out _)).Order(StringComparer.Ordinal)],
        places.ToDictionary(p => p.Type, p => new PlaceDetails(p.Shards, p.Entities)));
}

/// <param name="Seconds">How long that may take; null: drain-timeout.</param>
internal sealed record DrainRequest(double? Seconds);

/// <param name="Seconds">How long it may take.</param>
/// <param name="KeepsCalls">False: it is the last of its cluster, and calls end with it. A node alone lets them end by themselves.</param>
internal sealed record DrainDetails(string Node, double Seconds, bool KeepsCalls);

/// <param name="Complete">False: a kind of entity did not say where it lives.</param>
internal sealed record ClusterDetails(IReadOnlyList<NodeDetails> Nodes, bool Complete);

/// <param name="Node">Address and port of its inner interface.</param>
/// <param name="Status">As the cluster has it (up, leaving, …), or draining: it is being emptied.</param>
/// <param name="Self">It is the one that was asked.</param>
/// <param name="Shards">By kind: conference, participant, mixer.</param>
internal sealed record NodeDetails(
    string Node, string Status, bool Reachable, bool Self, bool Leader, IReadOnlyList<string> Roles, IReadOnlyDictionary<string, PlaceDetails> Shards);

/// <summary>What of a kind lives on a node.</summary>
internal sealed record PlaceDetails(int Shards, int Entities);
