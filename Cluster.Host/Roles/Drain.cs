using System.Diagnostics;
using Akka.Actor;
using ConfCluster.Actors;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Host.Roles;

/// <summary>
/// Empties a node before it stops: no new calls, those on their way in let in, nothing new placed here, and each mixer handed to another node while it goes on
/// (so many conferences at a time; each tells its phones so many at a time). Conferences and participants follow when the node leaves the cluster; media does
/// not need them for that.
/// </summary>
internal sealed class Drain(
    ActorSystem system, NodeState state, EntityRegions regions, SipListeners listeners, ClusterView cluster, ConfClusterSettings settings, ILogger<Drain> log)
{
    /// <summary>Conferences that move their mixers at the same time.</summary>
    private const int AtOnce = 20;

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

    /// <summary>A conference that has not moved by then is asked again: it may have been on its way itself.</summary>
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(3);

    /// <summary>Longer than it takes until shards go to a node that has just come; where every shard here has a mixer, moving them is what frees one.</summary>
    private static readonly TimeSpan HomeWait = TimeSpan.FromSeconds(5);

    /// <summary>More than a call takes to come in. Those that come meanwhile by other nodes are handed to their next home by these.</summary>
    private static readonly TimeSpan SetUpWait = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A home is known to all nodes with conferences so long after it is there: they ask for shards once in a while. Until then successors would begin here.
    /// </summary>
    private TimeSpan HomeKnownAfter => settings.Media.SuspectAfter + 3 * LookAgain;

    /// <summary>Returns when nothing is left to move, or when <paramref name="patience"/> is over.</summary>
    public async Task RunAsync(CancellationToken patience)
    {
        state.SetStopping();
        regions.SipEndpoint.Tell(StopAccepting.Instance);
        var since = Stopwatch.StartNew();
        try
        {
            if (settings.Cluster.IsAlone)
            {
                while (!(await cluster.OwnIdsAsync(ParticipantRegion.TypeName) ?? []).IsEmpty) await Task.Delay(LookAgain, patience);
                return;
            }

            system.ActorSelection($"/user/{DrainWatch.Name}").Tell(BeginDraining.Instance);
            var comingIn = UntilNobodyIsComingInAsync(patience);
            var moved = settings.Cluster.Has(NodeRole.Media) ? await MoveMixersAsync(patience) : 0;
            await comingIn;
            log.LogInformation("Emptied in {Seconds:0.0} s: {Mixers} mixers are on other nodes", since.Elapsed.TotalSeconds, moved);
        }
        catch (OperationCanceledException)
        {
            log.LogWarning("Not everything was moved within {Seconds:0.0} s; the node stops all the same", since.Elapsed.TotalSeconds);
        }
    }

    /// <summary>INVITEs that this node let in are answered, and participants that live here have their dialogs stored; with a bound for each.</summary>
    private async Task UntilNobodyIsComingInAsync(CancellationToken patience)
    {
        var clock = Stopwatch.StartNew();
        while (await AreComingInAsync(clock.Elapsed)) await Task.Delay(LookAgain, patience);
    }

    private async Task<bool> AreComingInAsync(TimeSpan waited) => waited < SetUpWait && regions.SetUps.Count > 0
        || waited < settings.Sip.FocusTimeout && await listeners.AskAsync() is { Admission.Unanswered: > 0 };

    /// <summary>A node that has just come has no shards yet: a mixer that moved now would begin here again. Those in which nobody lives go there first.</summary>
    private async Task<bool> HasHomeElsewhereAsync() => await cluster.ShardsAsync(MixerRegion.TypeName) is { } stats && stats.Regions.Any(
        r => r.Value.Stats.Count > 0 && !regions.Draining.Contains(SipWay.NameOf(r.Key)));

    private async Task<int> MoveMixersAsync(CancellationToken patience)
    {
        var asked = new Dictionary<MixerId, TimeSpan>();
        var all = new HashSet<MixerId>();
        var clock = Stopwatch.StartNew();
        var (hasHome, isKnown) = (await HasHomeElsewhereAsync(), HomeKnownAfter);
        while (true)
        {
            if (!cluster.With(NodeRole.Media).Any(m => !cluster.IsSelf(m) && !regions.Draining.Contains(SipWay.NameOf(m.Address))))
            {
                log.LogWarning("There is no other node for mixers, so they end with this one");
                return all.Count - asked.Count;
            }

            if (!hasHome && (hasHome = await HasHomeElsewhereAsync())) isKnown = clock.Elapsed + HomeKnownAfter;
            if (await cluster.OwnIdsAsync(MixerRegion.TypeName) is { } ids && (hasHome && clock.Elapsed >= isKnown || ids.IsEmpty || clock.Elapsed > HomeWait))
            {
                var here = ids.Select(id => MixerId.TryParse(id, out var mixer) ? mixer : (MixerId?)null).OfType<MixerId>().ToHashSet();
                if (here.Count == 0) return all.Count;
                foreach (var gone in asked.Keys.Except(here).ToList()) asked.Remove(gone);
                foreach (var mixer in asked.Where(a => clock.Elapsed - a.Value >= AskAgain).Select(a => a.Key).ToList()) Ask(mixer);
                foreach (var mixer in here.Where(m => !asked.ContainsKey(m)).Take(AtOnce - asked.Count).ToList()) Ask(mixer);
            }

            await Task.Delay(LookAgain, patience);
        }

        void Ask(MixerId mixer)
        {
            asked[mixer] = clock.Elapsed;
            all.Add(mixer);
            regions.Conferences.Tell(new DrainMixer(mixer));
        }
    }
}
