using ConfCluster.Actors.Conference;
using ConfCluster.Host.Api;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Host.Roles;

/// <summary>The orderly stop: no new calls, every conference ended, and a bounded wait until its callers are told.</summary>
internal sealed class Farewell(NodeState state, ActiveConferences places, ConferenceQueries conferences)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

    /// <summary>Returns when nobody is left or <paramref name="patience"/> is over.</summary>
    public async Task SayAsync(CancellationToken patience)
    {
        state.SetStopping();
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
