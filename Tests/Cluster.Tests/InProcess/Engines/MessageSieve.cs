using Akka.Actor;

namespace ConfCluster.Cluster.Tests.InProcess.Engines;

/// <summary>
/// Stands before the regions of a node: what this node sends to conferences, participants and mixers goes through it, and a test says which message is lost or waits.
/// </summary>
internal sealed class MessageSieve
{
    private readonly Lock _lock = new();
    private readonly List<SieveRule> _rules = [];

    /// <summary>The first such message is lost.</summary>
    public SieveRule LoseOne(Predicate<object> which) => Add(new SieveRule(which, 1, IsLost: true));

    /// <summary>Every such message is lost until <see cref="SieveRule.LetGo"/>.</summary>
    public SieveRule LoseAll(Predicate<object> which) => Add(new SieveRule(which, int.MaxValue, IsLost: true));

    /// <summary>The first such message stands still until <see cref="SieveRule.LetGo"/>; those after it overtake it.</summary>
    public SieveRule HoldOne(Predicate<object> which) => Add(new SieveRule(which, 1, IsLost: false));

    /// <summary>What stands before a region from now on.</summary>
    public IActorRef Before(ActorSystem system, IActorRef region) => system.ActorOf(Props.Create(() => new Gate(this, region)));

    private SieveRule Add(SieveRule rule)
    {
        lock (_lock) _rules.Add(rule);
        return rule;
    }

    private bool Takes(object message, IActorRef sender, IActorRef region)
    {
        lock (_lock) return _rules.Any(r => r.Takes(message, sender, region));
    }

    private sealed class Gate(MessageSieve sieve, IActorRef region) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (!sieve.Takes(message, Sender, region)) region.Forward(message);
        }
    }
}

/// <summary>What a test wants of some messages. For any thread.</summary>
internal sealed record SieveRule(Predicate<object> Which, int Times, bool IsLost)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource<object> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<(object Message, IActorRef Sender, IActorRef Region)> _held = [];
    private bool _isOver;

    /// <summary>The first one, when it has come: a barrier for a test.</summary>
    public Task<object> Came => _first.Task;

    public int Count { get; private set; }

    /// <summary>Nothing more is taken; what was held goes on, now.</summary>
    public void LetGo()
    {
        lock (_lock)
        {
            _isOver = true;
            foreach (var (message, sender, region) in _held) region.Tell(message, sender);
            _held.Clear();
        }
    }

    public bool Takes(object message, IActorRef sender, IActorRef region)
    {
        lock (_lock)
        {
            if (_isOver || Count == Times || !Which(message)) return false;
            Count++;
            if (!IsLost) _held.Add((message, sender, region));
            _first.TrySetResult(message);
            return true;
        }
    }
}
