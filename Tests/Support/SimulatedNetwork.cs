using System.Net;

namespace ConfCluster.Support;

/// <summary>What a simulated network does to a datagram: shares from 0 to 1, and a delay of Delay to Delay + Jitter (which reorders).</summary>
public sealed record NetworkConditions(double Loss, double Duplicate, TimeSpan Delay, TimeSpan Jitter)
{
    public static readonly NetworkConditions Clean = new(0, 0, TimeSpan.FromMilliseconds(1), TimeSpan.Zero);
}

/// <summary>
/// Datagrams and timers on virtual time: everything happens in the order of its due time, and of its making when that is equal. The seed
/// decides what is lost, doubled and delayed, so a run can be had again.
/// </summary>
public sealed class SimulatedNetwork(int seed, NetworkConditions conditions)
{
    private readonly Random _random = new(seed);
    private readonly PriorityQueue<Action, (TimeSpan Due, long Order)> _due = new();
    private readonly Dictionary<IPEndPoint, Action<IPEndPoint, byte[]>> _places = [];
    private long _order;

    public TimeSpan Now { get; private set; }

    public NetworkConditions Conditions { get; set; } = conditions;

    /// <summary>Says which datagrams never arrive, besides those that get lost.</summary>
    public Func<IPEndPoint, IPEndPoint, byte[], bool> Drops { get; set; } = (_, _, _) => false;

    public long Delivered { get; private set; }

    public long Lost { get; private set; }

    /// <summary>Replaces who was there before.</summary>
    public void Attach(IPEndPoint place, Action<IPEndPoint, byte[]> receive) => _places[place] = receive;

    /// <summary>A copy is taken: the sender may use its buffer again.</summary>
    public void Send(IPEndPoint from, IPEndPoint to, ReadOnlySpan<byte> datagram)
    {
        var copy = datagram.ToArray();
        if (Drops(from, to, copy)) return;
        var copies = _random.NextDouble() < Conditions.Duplicate ? 2 : 1;
        for (var i = 0; i < copies; i++)
        {
            if (_random.NextDouble() < Conditions.Loss)
            {
                Lost++;
                continue;
            }

            var bytes = copy.ToArray();
            After(Conditions.Delay + Conditions.Jitter * _random.NextDouble(), () => Deliver(from, to, bytes));
        }
    }

    public void After(TimeSpan wait, Action act) => _due.Enqueue(act, (Now + wait, _order++));

    public void RunFor(TimeSpan time) => RunUntil(Now + time);

    public void RunUntil(TimeSpan end)
    {
        while (_due.TryPeek(out var act, out var at) && at.Due <= end)
        {
            _due.Dequeue();
            Now = at.Due;
            act();
        }

        Now = end;
    }

    private void Deliver(IPEndPoint from, IPEndPoint to, byte[] bytes)
    {
        if (!_places.TryGetValue(to, out var receive)) return;
        Delivered++;
        receive(from, bytes);
    }
}
