using System.Collections.Immutable;
using System.Diagnostics;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>
/// All transactions of a node (RFC 3261 §17): matches messages, drives the four machines and says where their messages go. One owner, no
/// clock: timers are effects and come back through <see cref="Fired"/>. Above <paramref name="maxServerTransactions"/> a new request gets
/// a 503 that leaves nothing behind; client transactions are ours and not limited. Not here: which requests are welcome (the focus).
/// </summary>
public sealed class TransactionLayer(SipTimings timings, int maxServerTransactions)
{
    /// <summary>Seconds of Retry-After when the table is full: the time in which a transaction ends.</summary>
    private const string FullRetryAfter = "32";

    private readonly Dictionary<TransactionKey, RunningTransaction<ServerInput>> _servers = [];
    private readonly Dictionary<TransactionKey, RunningTransaction<ClientInput>> _clients = [];

    public int ServerCount => _servers.Count;

    public int ClientCount => _clients.Count;

    /// <summary>Whether a request is a copy of one that is being served, whatever may have changed since it was let in.</summary>
    public bool IsCopy(SipRequest request) => _servers.ContainsKey(TransactionKey.OfReceived(request));

    /// <summary>A request from the network. Its top Via is stamped here (RFC 3261 §18.2.1, RFC 3581 §4).</summary>
    public ImmutableArray<TransactionEffect> ReceiveRequest(SipRequest request, SipFlow flow)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(flow);
        var key = TransactionKey.OfReceived(request);
        if (_servers.TryGetValue(key, out var running))
            return Drive(key, running, request.Method == SipMethod.Ack ? new ServerInput.Ack(request) : new ServerInput.Again(), flow);

        // RFC 3261 §13.2.2.4: the ACK to a 2xx is no part of the INVITE's transaction.
        if (request.Method == SipMethod.Ack) return [new TransactionEffect.PassAck(request, flow)];
        return _servers.Count >= maxServerTransactions ? [Overloaded(request, flow)] : Open(key, ViaStamp.Stamp(request, flow.Remote), flow);
    }

    /// <summary>A response from the network.</summary>
    public ImmutableArray<TransactionEffect> ReceiveResponse(SipResponse response, SipFlow flow)
    {
        ArgumentNullException.ThrowIfNull(response);
        var key = TransactionKey.OfResponse(response);

        // RFC 3261 §8.1.3.3: a second Via names somebody else as the one who sent the request.
        return response.Headers.Vias.Length == 1 && _clients.TryGetValue(key, out var running)
            ? Drive(key, running, new ClientInput.Received(response), flow)
            : [new TransactionEffect.StrayResponse(response)];
    }

    /// <summary>The core answers; nothing happens when the transaction is over.</summary>
    public ImmutableArray<TransactionEffect> Respond(TransactionKey key, SipResponse response) =>
        _servers.TryGetValue(key, out var running) ? Drive(key, running, new ServerInput.Respond(response), running.Flow) : [];

    /// <summary>A request of ours with its Via, whose branch is new, on top. Not for ACK.</summary>
    public ImmutableArray<TransactionEffect> Request(SipRequest request, SipFlow flow)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(flow);
        var key = TransactionKey.OfSent(request);
        if (request.Method == SipMethod.Ack || _clients.ContainsKey(key))
            throw new InvalidOperationException($"{request.Method} with a branch in use, or an ACK, cannot begin a transaction.");

        var timing = new TransactionTimings(timings, flow.IsReliable);
        var (running, first) = request.Method == SipMethod.Invite
            ? Run<InviteClientState, ClientInput>(InviteClient.Begin(request, timing), InviteClient.Next, timing, flow)
            : Run<NonInviteClientState, ClientInput>(NonInviteClient.Begin(request, timing), NonInviteClient.Next, timing, flow);
        _clients.Add(key, running);
        return Address(key, first, flow, flow);
    }

    /// <summary>A timer that was started and not cancelled; a late one is ignored.</summary>
    public ImmutableArray<TransactionEffect> Fired(TransactionKey key, SipTimer timer)
    {
        if (_servers.TryGetValue(key, out var server)) return Drive(key, server, new ServerInput.Fired(timer), server.Flow);
        return _clients.TryGetValue(key, out var client) ? Drive(key, client, new ClientInput.Fired(timer), client.Flow) : [];
    }

    /// <summary>A message of this transaction could not be sent (RFC 3261 §18.4).</summary>
    public ImmutableArray<TransactionEffect> TransportFailed(TransactionKey key)
    {
        if (_servers.TryGetValue(key, out var server)) return Drive(key, server, new ServerInput.TransportError(), server.Flow);
        return _clients.TryGetValue(key, out var client) ? Drive(key, client, new ClientInput.TransportError(), client.Flow) : [];
    }

    /// <summary>A response that leaves no state behind (RFC 3261 §8.2.7): also for requests that are refused before the table.</summary>
    public static TransactionEffect.Send Stateless(SipRequest request, SipFlow flow, int status, string reason, SipHeaders extra)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(flow);
        ArgumentNullException.ThrowIfNull(extra);
        // In this order: a refused message may hold fields that must not be read a second time.
        var response = request.CreateResponse(status, reason, StatelessTag.Of(request));
        var headers = ViaStamp.Stamp(response.Headers, request.Headers.Vias, flow.Remote);
        response = response with { Headers = new SipHeaders(headers.Fields.AddRange(extra.Fields)) };
        return new TransactionEffect.Send(response, ViaStamp.ResponseFlow(request, flow));
    }

    /// <summary>A request of ours that could not be sent and goes another way: the transaction ends, and nobody is told.</summary>
    public ImmutableArray<TransactionEffect> Withdraw(TransactionKey key) =>
        [.. TransportFailed(key).Where(e => e is not TransactionEffect.Failed)];

    private static TransactionEffect.Send Overloaded(SipRequest request, SipFlow flow) =>
        Stateless(request, flow, 503, "Too Many Transactions", SipHeaders.Empty.Append("Retry-After", FullRetryAfter));

    private ImmutableArray<TransactionEffect> Open(TransactionKey key, SipRequest request, SipFlow flow)
    {
        var back = ViaStamp.ResponseFlow(request, flow);
        var timing = new TransactionTimings(timings, flow.IsReliable);
        var (running, first) = request.Method == SipMethod.Invite
            ? Run<InviteServerState, ServerInput>(InviteServer.Begin(request), InviteServer.Next, timing, back)
            : Run<NonInviteServerState, ServerInput>(NonInviteServer.Begin(request, timing), NonInviteServer.Next, timing, back);
        _servers.Add(key, running);
        return Address(key, first, back, flow);
    }

    private static (RunningTransaction<TInput>, ImmutableArray<MachineEffect>) Run<TState, TInput>(
        Step<TState, MachineEffect> begin, Func<TState, TInput, TransactionTimings, Step<TState, MachineEffect>> table, TransactionTimings timing,
        SipFlow flow)
        where TState : ITransactionState =>
        (new RunningTransaction<TState, TInput>(begin.State, table, timing, flow), begin.Effects);

    private ImmutableArray<TransactionEffect> Drive<TInput>(TransactionKey key, RunningTransaction<TInput> running, TInput input, SipFlow from)
    {
        var effects = Address(key, running.Next(input), running.Flow, from);
        if (!running.IsTerminated) return effects;
        _ = key.IsServer ? _servers.Remove(key) : _clients.Remove(key);
        return effects.Add(new TransactionEffect.Ended(key));
    }

    private static ImmutableArray<TransactionEffect> Address(TransactionKey key, ImmutableArray<MachineEffect> effects, SipFlow to, SipFlow from)
    {
        var addressed = ImmutableArray.CreateBuilder<TransactionEffect>(effects.Length + 1);
        foreach (var effect in effects)
        {
            addressed.Add(effect switch
            {
                MachineEffect.Send send => new TransactionEffect.Send(send.Message, to) { Key = key },
                MachineEffect.PassRequest pass => new TransactionEffect.PassRequest(key, pass.Request, from),
                MachineEffect.PassAck pass => new TransactionEffect.PassAck(pass.Request, from),
                MachineEffect.PassResponse pass => new TransactionEffect.PassResponse(key, pass.Response, from),
                MachineEffect.Failed failed => new TransactionEffect.Failed(key, failed.Reason),
                MachineEffect.Start start => new TransactionEffect.Start(key, start.Timer, start.After),
                MachineEffect.Cancel cancel => new TransactionEffect.Cancel(key, cancel.Timer),
                _ => throw new UnreachableException($"no address for {effect.GetType().Name}"),
            });
        }

        return addressed.DrainToImmutable();
    }
}
