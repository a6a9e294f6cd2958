using System.Runtime.InteropServices;
using System.Runtime.Serialization;
using System.Security.Cryptography;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;
using Google.Protobuf;

namespace ConfCluster.Actors.Serialization;

/// <summary>SIP messages between the nodes that hold sockets and those that hold dialogs; fields travel as they were written.</summary>
internal static class SipMessageWire
{
    /// <summary>Borrows the body: the bytes are made from it before anything else happens to it.</summary>
    public static SipMessageProto Write(SipMessage message)
    {
        var proto = message switch
        {
            SipRequest r => new SipMessageProto { Method = r.Method.Name, Uri = SipWriter.Write(r.RequestUri) },
            SipResponse r => new SipMessageProto { Status = r.StatusCode, Reason = r.Reason },
            _ => throw new SerializationException($"{message.GetType().Name} is neither request nor response"),
        };
        proto.Headers.AddRange(message.Headers.Fields.Select(f => new SipHeaderProto { Name = f.Name, Value = f.Value }));
        if (!message.Body.IsEmpty) proto.Body = ByteString.CopyFrom(message.Body.Span);
        return proto;
    }

    public static SipRequest Request(SipMessageProto p) => SipReader.TryReadUri(p.Uri, out var uri)
        ? new SipRequest(new SipMethod(p.Method), uri!) { Headers = Headers(p), Body = Body(p) }
        : throw new SerializationException("a request between nodes has no readable URI");

    public static SipResponse Response(SipMessageProto p) => new(p.Status, p.Reason) { Headers = Headers(p), Body = Body(p) };

    public static TransactionKeyProto Write(TransactionKey key) =>
        new() { IsServer = key.IsServer, Branch = key.Branch, SentBy = key.SentBy, Method = key.Method.Name };

    public static TransactionKey Read(TransactionKeyProto p) => new(p.IsServer, p.Branch, p.SentBy, new SipMethod(p.Method));

    /// <summary>Of a message that was written or read: its bytes are its own and are of no more use.</summary>
    public static void Wipe(SipMessageProto proto) => Wipe(proto.Body);

    /// <summary>Nobody else has these bytes: they were copied in when the message was made, or parsed.</summary>
    public static void Wipe(ByteString bytes)
    {
        if (MemoryMarshal.TryGetArray(bytes.Memory, out var array)) CryptographicOperations.ZeroMemory(array.AsSpan());
    }

    private static SipHeaders Headers(SipMessageProto p) => new([.. p.Headers.Select(h => new SipHeader(h.Name, h.Value))]);

    private static SipBody Body(SipMessageProto p) => p.Body.IsEmpty ? SipBody.Empty : new SipBody(p.Body.ToByteArray());
}
