using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using ConfCluster.Protocols.Nodes;

namespace ConfCluster.Actors.Nodes.Losses;

/// <summary>
/// Ends a node that has been on the smaller side of a parted cluster for a while. The split-brain resolver on the other side waits longer than that before it
/// lets what lived here begin there, so that nothing lives twice; nobody has to wait again after it has decided (<see cref="EndedNodeWatch"/> does not at all).
/// </summary>
public sealed class CutOffWatch : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);

    /// <param name="after">As in <see cref="CutOff"/>.</param>
    public CutOffWatch(TimeSpan after, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        var (cutOff, started) = (new CutOff(after), clock.GetTimestamp());
        Receive<Look>(_ =>
        {
            var state = Cluster.State;
            var unheard = state.Unreachable.Select(m => m.UniqueAddress).ToHashSet();
            var members = state.Members.Where(m => m.Status is MemberStatus.Up or MemberStatus.Leaving).OrderBy(m => m.Address, Member.AddressOrdering)
                .Select(m => (m.UniqueAddress.ToString(), !unheard.Contains(m.UniqueAddress))).ToList();
            if (!cutOff.Look(members, clock.GetElapsedTime(started))) return;
            Context.GetLogger().Error(
                "This node hears of {0} of {1} nodes only, and the others go on without it: it ends itself", members.Count(m => m.Item2), members.Count);
            Cluster.Down(Cluster.SelfAddress);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(Context.System);

    protected override void PreStart() => Timers.StartPeriodicTimer(Look.Instance, Look.Instance, LookEvery);

    private sealed class Look
    {
        public static readonly Look Instance = new();
    }
}
