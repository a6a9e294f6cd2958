using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Akka.Actor;
using ConfCluster.Actors.Participant;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Resolution;

namespace ConfCluster.Actors.Sip;

/// <summary>Where is the next hop of a request? Answered with <see cref="ServersLocated"/> to the participant's region.</summary>
public sealed record LocateServers(ParticipantId Participant, SipUri NextHop, bool IsSecure);

/// <summary>
/// Runs <see cref="SipResolution"/> beside the endpoint, one search per question, so that a slow DNS server delays nobody but those who wait
/// for it. What a search may use is what the endpoint listens on.
/// </summary>
public sealed class SipLocator : ReceiveActor
{
    private readonly EntityRegions _regions;
    private readonly Func<DnsQuestion, Task<DnsReply>> _ask;
    private readonly TimeProvider _clock;
    private readonly long _zero;
    private readonly DnsCache _cache;
    private readonly Queue<LocateServers> _waiting = [];
    private readonly Dictionary<long, Search> _searches = [];
    private long _number;

    public SipLocator(EntityRegions regions, Func<DnsQuestion, Task<DnsReply>> ask, int cacheSize, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        (_regions, _ask, _clock, _zero, _cache) = (regions, ask, clock, clock.GetTimestamp(), new DnsCache(cacheSize));
        Receive<LocateServers>(m =>
        {
            _waiting.Enqueue(m);
            _regions.SipEndpoint.Tell(GetListening.Instance);
        });
        Receive<SipListening>(OnListening);
        Receive<Answered>(OnAnswered);
    }

    private TimeSpan Now => _clock.GetElapsedTime(_zero);

    private void OnListening(SipListening listening)
    {
        if (!_waiting.TryDequeue(out var asked)) return;
        var locals = new Locals(listening, _regions.Node);
        var search = new Search(asked.Participant, locals, locals.Context());
        Go(++_number, search, SipResolution.Begin(asked.NextHop, asked.IsSecure, search.Context));
    }

    private void OnAnswered(Answered answered)
    {
        _cache.Put(answered.Reply.Answer, answered.Reply.TimeToLive, Now);
        Continue(answered.Search, answered.Reply.Answer);
    }

    private void Continue(long number, DnsAnswer answer)
    {
        if (_searches.TryGetValue(number, out var search)) Go(number, search, SipResolution.Next(search.State!, answer, search.Context));
    }

    private void Go(long number, Search search, Protocols.Sip.Transactions.Step<ResolutionState, ResolutionEffect> step)
    {
        _searches[number] = search with { State = step.State };
        foreach (var effect in step.Effects) Execute(number, search, effect);
    }

    private void Execute(long number, Search search, ResolutionEffect effect)
    {
        switch (effect)
        {
            case ResolutionEffect.Ask ask: Ask(number, ask.Question); break;
            case ResolutionEffect.Found found: End(number, search, [.. found.Targets.Select(search.Locals.Flow)], ""); break;
            case ResolutionEffect.NotFound nowhere: End(number, search, [], nowhere.Reason); break;
            default: throw new UnreachableException($"no execution for {effect.GetType().Name}");
        }
    }

    /// <summary>The answer comes as a message also when it is known, so that a search never runs inside itself.</summary>
    private void Ask(long number, DnsQuestion question)
    {
        if (_cache.TryGet(question, Now, out var known)) Self.Tell(new Answered(number, new DnsReply(known!, TimeSpan.Zero)));
        else _ask(question).PipeTo(Self, success: reply => new Answered(number, reply));
    }

    private void End(long number, Search search, ImmutableArray<SipFlow> hops, string reason)
    {
        _searches.Remove(number);
        _regions.Participants.Tell(new ServersLocated(search.Participant, hops, reason));
    }

    private sealed record Answered(long Search, DnsReply Reply);

    private sealed record Search(ParticipantId Participant, Locals Locals, ResolutionContext Context, ResolutionState? State = null);

    /// <summary>The listeners, by transport.</summary>
    private sealed class Locals(SipListening listening, string node)
    {
        public ResolutionContext Context() => new(
            transport => listening.Of(transport, AddressFamily.InterNetwork) is not null, listening.Uses(AddressFamily.InterNetwork),
            listening.Uses(AddressFamily.InterNetworkV6), RandomNumberGenerator.GetInt32);

        public SipFlow Flow(SipTarget target) =>
            new(target.Transport, listening.Of(target.Transport, target.EndPoint.AddressFamily)!, target.EndPoint) { Node = node };
    }
}
