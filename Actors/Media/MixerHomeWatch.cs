using System.Collections.Immutable;
using System.Globalization;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Event;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ClusterSettings = ConfCluster.Actors.Settings.ClusterSettings;

namespace ConfCluster.Actors.Media;

/// <summary>
/// On a node with conferences: asks the shard region of each node with lanes how it is (<see cref="MixerHomeProbe"/>), and sees to it that every shard of mixers has a
/// home and that this node's region knows it. So a mixer can be replaced while who gives homes is gone.
/// </summary>
public sealed class MixerHomeWatch : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    /// <summary>Looks after which a shard that still has no home is opened again.</summary>
    private const int OpenEvery = 10;

    private readonly Dictionary<string, IActorRef> _probes = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> _known = [];
    private string _said = "";
    private int _looks;

    /// <param name="probe">Of a node, by its name and its region.</param>
    public MixerHomeWatch(MixerHomes homes, EntityRegions regions, Func<string, ActorSelection, Props> probe) => Receive<Look>(_ =>
    {
        var members = Akka.Cluster.Cluster.Get(Context.System).State.Members
            .Where(m => m.Status == MemberStatus.Up && m.HasRole(ClusterSettings.NameOf(NodeRole.Media))).ToDictionary(m => SipWay.NameOf(m.Address), m => m.Address);
        foreach (var gone in _probes.Keys.Except(members.Keys).ToList())
        {
            _probes.Remove(gone, out var ended);
            Context.Stop(ended!);
            homes.Forget(gone);
        }

        foreach (var (name, address) in members.Where(m => !_probes.ContainsKey(m.Key)))
            _probes.Add(name, Context.ActorOf(probe(name, Context.ActorSelection(new RootActorPath(address) / "system" / "sharding" / MixerRegion.TypeName))));

        // The region asks again by itself while nobody can give a home.
        var isTime = _looks++ % OpenEvery == 0;
        var isOpen = members.Count > 0;
        for (var shard = 0; shard < homes.Shards && members.Count > 0; shard++)
        {
            var home = homes.HomeOf(shard);
            if (home is not null && _known.GetValueOrDefault(shard) == home) continue;
            isOpen = false;
            if (home is null && _known.Remove(shard) | isTime || home is not null)
                regions.Mixers.Tell(new ShardRegion.StartEntity(ShardOpener.IdOf(shard)), ActorRefs.NoSender);
            if (home is not null) _known[shard] = home;
        }

        if (isOpen) Say();
    });

    public ITimerScheduler Timers { get; set; } = null!;

    private void Say()
    {
        var spread = string.Join(
            ", ", _known.Values.GroupBy(h => h, StringComparer.Ordinal).OrderBy(h => h.Key, StringComparer.Ordinal).Select(h => $"{h.Key} ({h.Count()})"));
        if (spread == _said) return;
        _said = spread;
        Context.GetLogger().Info("The shards of mixers are at home on {0}", spread);
    }

    protected override void PreStart() => Timers.StartPeriodicTimer(Look.Instance, Look.Instance, TimeSpan.Zero, LookEvery);

    private sealed class Look
    {
        public static readonly Look Instance = new();
    }
}

/// <summary>Asks the mixers' region of one node: often whether it is there, and now and then which shards it has.</summary>
public sealed class MixerHomeProbe : ReceiveActor, IWithTimers
{
    /// <summary>What is asked for shards costs that node a message for each.</summary>
    private const int ShardsEvery = 4;

    private readonly TimeSpan _interval;
    private int _asked;

    public MixerHomeProbe(string node, ActorSelection region, MixerHomes homes, TimeSpan interval)
    {
        _interval = interval;
        Receive<Ask>(_ => region.Tell(_asked++ % ShardsEvery == 0 ? GetShardRegionStats.Instance : GetCurrentRegions.Instance, Self));
        Receive<CurrentRegions>(_ => homes.Heard(node, null));
        Receive<ShardRegionStats>(stats => homes.Heard(node, [.. stats.Stats.Keys.Select(Number)]));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(Ask.Instance, Ask.Instance, TimeSpan.Zero, _interval);

    private static int Number(string shard) => int.Parse(shard, CultureInfo.InvariantCulture);

    private sealed class Ask
    {
        public static readonly Ask Instance = new();
    }
}
