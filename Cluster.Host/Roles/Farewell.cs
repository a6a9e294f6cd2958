using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Settings;
using ConfCluster.Host.Api;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Host.Roles;

/// <summary>
/// The orderly stop: no new calls; the last node with conferences ends every one of them and waits, for so long, until its callers are told. While there is
/// another such node, conferences move there as this one leaves the cluster.
/// </summary>
internal sealed class Farewell(NodeState state, ActiveConferences places, ConferenceQueries conferences, ClusterView cluster, ConfClusterSettings settings)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

    /// <summary>Returns when nobody is left or <paramref name="patience"/> is over.</summary>
    public async Task SayAsync(CancellationToken patience)
    {
        state.SetStopping();
        if (!settings.Cluster.Has(NodeRole.Focus) || cluster.With(NodeRole.Focus).Any(m => !cluster.IsSelf(m))) return;
        places.Close();
        try
        {
            var told = new HashSet<ConferenceId>();
            for (var active = await conferences.ActiveAsync(); !active.IsEmpty; active = await conferences.ActiveAsync())
            {
                foreach (var view in active.Where(v => told.Add(v.Conference))) conferences.End(view.Conference, EndReason.NodeShutdown);
                await Task.Delay(LookAgain, patience);
            }
        }
        catch (OperationCanceledException)
        {
            // The bound of shutdown-timeout: whoever is left finds out by its session timer.
        }
    }
}
