using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Remote;
using Akka.Remote.Transport;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Settings;
using ConfCluster.Cluster.Tests.Processes;
using ConfCluster.Protocols.Conference;
using Microsoft.Data.Sqlite;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.InProcess.Engines;

/// <summary>
/// A cluster in this process: engines on 127.0.0.1, .2 and so on that reach each other over the project's own connections with TLS, with something in between that can make
/// one direction of one of them silent or slow. Said by the roles of each node, as <c>StartAsync(output, ["focus", "media", ""])</c>; an empty text is both. Nodes are
/// counted from 1. When a test fails, the logs of all nodes are in its output. Every wait is bounded; that one returns is the barrier behind it.
/// </summary>
internal sealed class EngineCluster : IAsyncDisposable
{
    private const int Shards = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    /// <summary>As hocon/akka.conf, but for what makes a cluster slow to form. A loss is seen later, since all nodes share a process that others may hold up.</summary>
    private static readonly string[] Settings =
    [
        "akka.stdout-loglevel=OFF", "akka.remote.dot-netty.tcp.applied-adapters=[\"trttl\"]", "akka.remote.retry-gate-closed-for=200ms",
        "akka.cluster.gossip-interval=100ms", "akka.cluster.leader-actions-interval=100ms", "akka.cluster.unreachable-nodes-reaper-interval=100ms",
        "akka.cluster.periodic-tasks-initial-delay=100ms", "akka.cluster.split-brain-resolver.stable-after=2s", "confcluster.cluster.cut-off-after=500ms",
        "akka.cluster.failure-detector.acceptable-heartbeat-pause=5s", "akka.cluster.sharding.rebalance-interval=500ms", "akka.coordinated-shutdown.run-by-actor-system-terminate=off",
        $"confcluster.conference.shards={Shards}", "confcluster.conference.keys.rekey.min-interval=0s", "confcluster.conference.mixer-suspect-after=1500ms",
    ];

    private readonly TemporaryDirectory _directory = new();
    private readonly ITestOutputHelper _output;
    private readonly List<EngineNode> _nodes = [];

    private EngineCluster(ITestOutputHelper output) => _output = output;

    public EngineEdge Edge { get; } = new();

    public EngineNode this[int number] => _nodes[number - 1];

    public IReadOnlyList<EngineNode> Nodes => _nodes;

    /// <summary>Returns when all nodes are up, know each other's regions, and mixers can be anywhere.</summary>
    /// <param name="set">Settings of all nodes, as <c>path=value</c>.</param>
    public static async Task<EngineCluster> StartAsync(ITestOutputHelper output, string[] roles, params string[] set)
    {
        var cluster = new EngineCluster(output);
        var isReady = false;
        try
        {
            await cluster.WatchAsync(() => cluster.BeginAsync(roles, [.. Settings, .. set]));
            isReady = true;
            return cluster;
        }
        finally
        {
            if (!isReady) await cluster.DisposeAsync();
        }
    }

    /// <summary>Runs a part of a test; whatever it throws comes with the logs of all nodes.</summary>
    public async Task WatchAsync(Func<Task> part)
    {
        try
        {
            await part();
        }
        catch (Exception e) when (Told(e))
        {
            throw;
        }
    }

    /// <summary>A phone that is in and is sent media.</summary>
    public async Task<EnginePhone> CallAsync(string conference, int node, double tone)
    {
        var phone = Edge.Make(tone);
        phone.Dial(conference, this[node]);
        await UntilAsync(() => phone.IsTalking && phone.Statistics.PacketsReceived > 10, () => $"the call of {tone} Hz to be answered; {phone.End}");
        return phone;
    }

    /// <summary>Every phone hears all others.</summary>
    public Task UntilAllHearAsync() => UntilAsync(
        () => Edge.Phones.All(p => Deaf(p).Count == 0),
        () => $"everybody to be heard: {string.Join("; ", Edge.Phones.Select(p => $"{p.Tone} Hz does not hear {string.Join(", ", Deaf(p))} {p.End}"))}");

    /// <summary>What a node says of a conference once it is as it shall be.</summary>
    public async Task<ConferenceView> UntilShownAsync(string conference, int asked, Predicate<ConferenceView> isSo, string what)
    {
        ConferenceView? seen = null;
        await UntilAsync(async () =>
        {
            seen = await AskAsync(conference, asked) ?? seen;
            return seen is not null && isSo(seen);
        }, () => $"{conference}: {what}; it is {seen}, epochs {string.Join(", ", seen?.Epochs ?? [])}, {string.Join("; ", seen?.Participants.Select(p => $"{p} {p.Key}") ?? [])}");
        return seen!;
    }

    /// <summary>Null: nobody answers.</summary>
    public async Task<ConferenceView?> AskAsync(string conference, int asked)
    {
        try
        {
            return await this[asked].Regions.Conferences.Ask<ConferenceView>(new GetConference(new ConferenceId(conference)), TimeSpan.FromSeconds(1));
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    /// <summary>The nodes with a living entity of a kind, such as <c>conference</c>, as they say themselves.</summary>
    public async Task<IReadOnlyList<int>> HomesAsync(string kind, string id)
    {
        var found = new List<int>();
        foreach (var node in _nodes.Where(n => !n.System.WhenTerminated.IsCompleted))
            if (await node.View.OwnIdsAsync(kind) is { } ids && ids.Contains(id))
                found.Add(node.Number);
        return found;
    }

    /// <summary>Nothing of what a node sends to another comes there any more, though the other way is open.</summary>
    public Task SilenceAsync(int from, int to) => ThrottleAsync(from, to, Blackhole.Instance);

    /// <summary>Nodes of two groups do not hear each other.</summary>
    public async Task PartAsync(int[] one, int[] other)
    {
        foreach (var a in one)
        {
            foreach (var b in other)
            {
                await SilenceAsync(a, b);
                await SilenceAsync(b, a);
            }
        }
    }

    /// <summary>So many octets a second come from a node to each other one.</summary>
    public async Task SlowAsync(int from, int rate)
    {
        foreach (var to in _nodes.Where(n => n.Number != from)) await ThrottleAsync(from, to.Number, new TokenBucket(rate, rate, 0, 0));
    }

    /// <summary>All ways between nodes that still run are open again.</summary>
    public async Task HealAsync()
    {
        foreach (var from in _nodes)
            foreach (var to in _nodes.Where(n => n != from))
                await ThrottleAsync(from.Number, to.Number, Unthrottled.Instance);
    }

    public static Task UntilAsync(Func<bool> isSo, Func<string> what) => UntilAsync(() => Task.FromResult(isSo()), what);

    public static async Task UntilAsync(Func<Task<bool>> isSo, Func<string> what)
    {
        for (var since = Stopwatch.StartNew(); !await isSo(); await Task.Delay(LookAgain))
            Assert.True(since.Elapsed < Patience, $"waited {Patience.TotalSeconds} s for {what()}");
    }

    /// <summary>No phone lost its call or was sent anything that it could not open or had had already, and the audit of that node finds the rules kept.</summary>
    /// <param name="wasSplit">Two halves had the phones: one may have told a phone keys that the other one does not know of, so it may get packets under a key it has not.</param>
    public void NothingIsBroken(string conference, int asked, bool wasSplit = false)
    {
        foreach (var phone in Edge.Phones)
        {
            var heard = phone.Statistics;
            _output.WriteLine($"{phone.Tone} Hz: {heard.PacketsReceived} received, longest gap {heard.LongestGap.TotalMilliseconds} ms, {heard.Mkis} keys, {heard.UnknownMki} under another, SSRCs {string.Join(", ", heard.Ssrcs)}");
            Assert.True(phone.End is null, $"{phone.Tone} Hz: {phone.End}");
            Assert.Equal((0UL, 0UL), (heard.AuthFailures, heard.Replays));
            Assert.True(wasSplit || heard.UnknownMki == 0, $"{heard.UnknownMki} packets under keys that it does not have");
        }

        Assert.Empty(this[asked].Violations(conference));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        await Edge.DisposeAsync();
        SqliteConnection.ClearAllPools();
        _directory.Dispose();
    }

    private async Task BeginAsync(string[] roles, string[] set)
    {
        var authority = new ClusterAuthority(Path.Combine(_directory.Path, "tls"), TimeProvider.System);
        authority.Make([.. roles.Select((_, i) => $"127.0.0.{i + 1}")]);
        Assert.Null(JournalBootstrap.Prepare(JournalDatabase.InDirectory(_directory.Path)));
        for (var i = 0; i < roles.Length; i++) _nodes.Add(await EngineNode.StartAsync(i + 1, roles[i], Edge, _directory.Path, authority, set));
        using var patience = new CancellationTokenSource(Patience);
        await Task.WhenAll(_nodes.Select(n => n.Cluster.JoinAsync(this[1].Address, patience.Token)));
        await UntilAsync(() => _nodes.All(n => n.Cluster.State.Members.Count(m => m.Status == MemberStatus.Up) == roles.Length), () => "all nodes to be up");
        foreach (var node in _nodes) await UntilAsync(node.View.ReachesRegionsAsync, () => $"node {node.Number} to reach the regions");
        // The nodes would do it by themselves a few seconds later.
        for (var shard = 0; shard < Shards; shard++) this[1].Regions.Mixers.Tell(new ShardRegion.StartEntity(ShardOpener.IdOf(shard)), ActorRefs.NoSender);
        var lanes = _nodes.Where(n => n.Has(NodeRole.Media)).ToList();
        foreach (var focus in _nodes.Where(n => n.Has(NodeRole.Focus)))
        {
            await UntilAsync(
                () => focus.Log.Split('\n').LastOrDefault(l => l.Contains("shards of mixers are at home on", StringComparison.Ordinal)) is { } said
                    && lanes.All(n => said.Contains(n.Name, StringComparison.Ordinal)), () => $"node {focus.Number} to know shards of mixers on all nodes with lanes");
        }
    }

    private List<double> Deaf(EnginePhone phone) => [.. Edge.Phones.Where(p => p != phone && !phone.Hears(p)).Select(p => p.Tone)];

    private async Task ThrottleAsync(int from, int to, ThrottleMode mode)
    {
        if (this[from].System.WhenTerminated.IsCompleted) return;
        var command = new SetThrottle(this[to].Address, ThrottleTransportAdapter.Direction.Send, mode);
        Assert.True(await ((IRemoteActorRefProvider)((ExtendedActorSystem)this[from].System).Provider).Transport.ManagementCommand(command).WaitAsync(Patience));
    }

    /// <summary>Always false: the exception goes on.</summary>
    private bool Told(Exception e)
    {
        _output.WriteLine($"{e.GetType().Name}: {e.Message}");
        foreach (var node in _nodes) _output.WriteLine($"--- n{node.Number}\n{node.Log}");
        return false;
    }
}
