using Akka.Actor;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Host;

/// <param name="Cluster">This node is Up and not unreachable.</param>
/// <param name="Listeners">Every SIP listener that is configured is bound.</param>
/// <param name="Journal">A read of the journal answered, on a node that writes it.</param>
/// <param name="Regions">Conferences, participants and mixers have nodes to live on, and they are known.</param>
internal sealed record Readiness(bool Ready, bool Cluster, bool Listeners, bool Journal, bool Regions);

/// <summary>
/// <c>/livez</c>: the process is worth keeping. <c>/readyz</c>: calls can be sent here; asked anew each time, so that a node that lost its
/// journal or its place in the cluster says so.
/// </summary>
internal sealed class Health(ActorSystem system, NodeState state, SipListeners listeners, JournalCheck journal, ClusterView cluster, ConfClusterSettings settings)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/livez", (Health health) => health.IsAlive ? Results.Text("ok") : Results.Text("the actor system has ended", statusCode: 503));
        routes.MapGet("/readyz", async (Health health) =>
        {
            var readiness = await health.ReadinessAsync();
            return Results.Json(readiness, statusCode: readiness.Ready ? 200 : 503);
        });
    }

    private bool IsAlive => !system.WhenTerminated.IsCompleted;

    private async Task<Readiness> ReadinessAsync()
    {
        var up = IsAlive && cluster.IsUp;
        var stored = !settings.Cluster.Has(NodeRole.Focus) || await journal.AnswersAsync();
        var bound = !settings.Cluster.Has(NodeRole.Sip) || (IsAlive && await listeners.AskAsync() is { Refusal: null });
        var reached = up && await cluster.ReachesRegionsAsync();
        return new Readiness(up && bound && stored && reached && !state.IsStopping, up, bound, stored, reached);
    }
}

/// <summary>Whether the node says goodbye already.</summary>
internal sealed class NodeState
{
    private readonly TaskCompletionSource<TimeSpan> _drain = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isStopping;

    /// <summary>An operator wants the node to be emptied and to stop, within that time.</summary>
    public Task<TimeSpan> DrainAsked => _drain.Task;

    /// <summary>False: somebody asked before.</summary>
    public bool AskDrain(TimeSpan deadline) => _drain.TrySetResult(deadline);

    public bool IsStopping => _isStopping;

    public void SetStopping() => _isStopping = true;
}
