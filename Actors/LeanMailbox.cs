using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;

namespace ConfCluster.Actors;

/// <summary>
/// The mailbox of every actor that asks for none: unbounded, first in first out. The engine's own holds room for 32 messages from its first one on, a
/// kilobyte for each of some ten thousands of actors that wait nearly always; this one takes what waits.
/// </summary>
public sealed class LeanMailbox(Akka.Actor.Settings settings, Config config) : MailboxType(settings, config), IProducesMessageQueue<LeanMessageQueue>
{
    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new LeanMessageQueue();
}

/// <summary>Many put, one takes.</summary>
public sealed class LeanMessageQueue : IMessageQueue, IUnboundedMessageQueueSemantics
{
    /// <summary>Room for more than so many messages is given back when the last is taken.</summary>
    private const int KeptRoom = 64;

    private readonly Lock _lock = new();
    private Queue<Envelope> _waiting = new();
    private int _count;

    public bool HasMessages => Volatile.Read(ref _count) > 0;

    public int Count => Volatile.Read(ref _count);

    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        lock (_lock)
        {
            _waiting.Enqueue(envelope);
            Volatile.Write(ref _count, _waiting.Count);
        }
    }

    public bool TryDequeue(out Envelope envelope)
    {
        lock (_lock)
        {
            var any = _waiting.TryDequeue(out envelope);
            Volatile.Write(ref _count, _waiting.Count);
            if (_waiting.Count == 0 && _waiting.Capacity > KeptRoom) _waiting = new Queue<Envelope>();
            return any;
        }
    }

    public void CleanUp(IActorRef owner, IMessageQueue deadletters)
    {
        ArgumentNullException.ThrowIfNull(deadletters);
        while (TryDequeue(out var envelope)) deadletters.Enqueue(owner, envelope);
    }
}
