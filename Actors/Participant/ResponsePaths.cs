using Akka.Actor;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Participant;

/// <summary>
/// Which endpoint holds the transaction of a request. A path is kept until the final response is out; that of a 2xx to an INVITE until the
/// next one, since the 2xx is repeated (RFC 3261 §13.3.1.4).
/// </summary>
internal sealed class ResponsePaths
{
    private readonly Dictionary<TransactionKey, IActorRef> _endpoints = [];

    public int Count => _endpoints.Count;

    public void Learn(TransactionKey key, IActorRef endpoint) => _endpoints[key] = endpoint;

    public void Respond(TransactionKey key, SipResponse response)
    {
        if (!_endpoints.TryGetValue(key, out var endpoint)) return;
        // The endpoint may still repeat it when the next answer has replaced this one here.
        endpoint.Tell(new Respond(key, response with { Body = response.Body.Copy() }));
        if (!response.IsFinal) return;

        if (key.Method != SipMethod.Invite || response.Class != 2) _endpoints.Remove(key);
        else Forget(key);
    }

    private void Forget(TransactionKey kept)
    {
        foreach (var key in _endpoints.Keys.Where(k => k != kept && k.Method == SipMethod.Invite).ToList()) _endpoints.Remove(key);
    }
}
