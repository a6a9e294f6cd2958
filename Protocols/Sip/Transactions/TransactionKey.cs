using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>
/// Matches messages to transactions (RFC 3261 §17.1.3, §17.2.3): side, branch, sent-by (server side) and method, where ACK matches its
/// INVITE and CANCEL is a transaction of its own. A branch without the magic cookie is replaced by the fields that RFC 3261 §17.2.3
/// lists for RFC 2543 peers.
/// </summary>
public readonly record struct TransactionKey(bool IsServer, string Branch, string SentBy, SipMethod Method)
{
    public override string ToString() => $"{(IsServer ? "server" : "client")} {Method} {Branch}";
}
