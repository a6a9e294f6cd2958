using System.Collections.Immutable;
using System.Net.Sockets;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Media;

/// <summary>What a lane is made of; tests put in another clock or other sockets.</summary>
internal sealed record LaneOptions(
    MediaSettings Media, ImmutableArray<MediaHome> Homes, SocketBudget Budget, TimeProvider WallClock, Func<IMediaSockets> Sockets, Func<ILaneClock> Clock);

/// <summary>An address that media may have, with the ports there.</summary>
internal sealed record MediaHome(MediaBinding Binding, PortRange Ports)
{
    public AddressFamily Family => Binding.Address.AddressFamily;

    public static ImmutableArray<MediaHome> Of(MediaSettings settings, TimeProvider clock) =>
        [.. settings.Bindings.Select(b => new MediaHome(b, new PortRange(settings.PortMin, settings.PortMax, clock)))];
}

/// <summary>Figures of one lane; totals since it began.</summary>
/// <param name="RealTime">Its thread has real-time priority.</param>
/// <param name="Rebased">Pauses so long that ticks were left out.</param>
public sealed record LaneSnapshot(
    int Number, bool Failed, bool RealTime, int Mixers, int Legs, long PacketsIn, long PacketsOut, long SendFailures, long Cut, long Ticks,
    long Rebased, TimeSpan LatenessMedian, TimeSpan LatenessP99, TimeSpan LatenessMax)
{
    /// <summary>A quarter of a frame: what a jitter buffer does not notice.</summary>
    public static readonly TimeSpan Late = TimeSpan.FromMilliseconds(5);

    /// <summary>Ticks that came more than <see cref="Late"/> late.</summary>
    public long LateTicks { get; init; }

    public LegTotals Media { get; init; } = LegTotals.None;

    /// <summary>What was done to send, by the streams that it was done for.</summary>
    public IReadOnlyDictionary<StreamName, StreamWork> Streams { get; init; } = new Dictionary<StreamName, StreamWork>();
}

/// <summary>Figures of a node's media.</summary>
public sealed record MediaPlaneSnapshot(ImmutableArray<LaneSnapshot> Lanes)
{
    public int Mixers => Lanes.Sum(l => l.Mixers);

    public int Legs => Lanes.Sum(l => l.Legs);

    public long PacketsIn => Lanes.Sum(l => l.PacketsIn);

    public long PacketsOut => Lanes.Sum(l => l.PacketsOut);

    public long AuthFailures => Lanes.Sum(l => l.Media.AuthFailures);
}

/// <summary>What bounds the participants of a node.</summary>
/// <param name="Ports">Pairs of ports, of both families together.</param>
/// <param name="Files">Pairs of sockets that the limit on open files allows.</param>
/// <param name="Places">Legs of all lanes.</param>
public sealed record MediaRoom(int Ports, int Files, int Places)
{
    /// <summary>Where they are: an address, and how many pairs of ports it has.</summary>
    public ImmutableArray<string> Homes { get; init; } = [];

    public int Participants => Math.Min(Ports, Math.Min(Files, Places));

    public override string ToString() =>
        $"room for {Participants} participants, bounded by " + (Participants == Places ? "confcluster.media.max-legs-per-lane"
            : Participants == Ports ? "confcluster.media.port-min and port-max" : "the limit on open files (ulimit -n, LimitNOFILE)");
}
