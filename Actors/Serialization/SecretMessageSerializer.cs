using System.Collections.Immutable;
using System.Runtime.Serialization;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.Serialization;
using ConfCluster.Actors.Keys;

namespace ConfCluster.Actors.Serialization;

/// <summary>
/// The messages that hold keys, or SIP bodies with keys in them: from node to node over TLS or the loopback, and no other way. What a node says to its own
/// KMS gateway never leaves the process at all.
/// </summary>
public sealed class SecretMessageSerializer : SerializerWithStringManifest
{
    /// <summary>Between actors of one node only.</summary>
    public static readonly ImmutableArray<Type> Refused =
    [
        typeof(ResolveTicket), typeof(RequestTicket), typeof(TicketResolved), typeof(TicketGranted), typeof(CheckPreShared), typeof(PreSharedChecked),
        typeof(RequestGroupKeys), typeof(GroupKeysGranted),
    ];

    private readonly ImmutableDictionary<Type, SecretEntry> _byType;
    private readonly ImmutableDictionary<string, SecretEntry> _byManifest;
    private readonly bool _isProtected;

    public SecretMessageSerializer(ExtendedActorSystem system)
        : base(system)
    {
        ArgumentNullException.ThrowIfNull(system);
        var entries = SecretWire.Entries(system);
        (_byType, _byManifest) = (entries.ToImmutableDictionary(e => e.Type), entries.ToImmutableDictionary(e => e.Manifest, StringComparer.Ordinal));
        _isProtected = InnerTransport.IsProtected(system.Settings.Config);
        Sent = new SentSecrets(system);
    }

    /// <summary>All that are bound to this serializer.</summary>
    public ImmutableArray<Type> Types => [.. _byType.Keys, .. Refused];

    public override int Identifier => 7002;

    internal SentSecrets Sent { get; }

    public override string Manifest(object o)
    {
        ArgumentNullException.ThrowIfNull(o);
        return Find(o.GetType()).Manifest;
    }

    /// <summary>The message's keys are zeroed a while later: its receiver is elsewhere.</summary>
    public override byte[] ToBinary(object obj)
    {
        ArgumentNullException.ThrowIfNull(obj);
        var entry = Find(obj.GetType());
        var bytes = entry.Write(obj);
        Sent.Add(() => entry.Spend(obj));
        return bytes;
    }

    /// <summary>Zeroes the bytes: whoever reads owns what was read.</summary>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (!_isProtected) throw Unprotected(manifest);
        if (!_byManifest.TryGetValue(manifest, out var entry))
            throw new SerializationException($"manifest {manifest} is not known here; was it sent by a newer version?");
        try
        {
            return entry.Read(bytes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private SecretEntry Find(Type type)
    {
        if (!_byType.TryGetValue(type, out var entry)) throw new SerializationException($"{type.Name} may hold keys and stays in the process.");
        return _isProtected ? entry : throw Unprotected(type.Name);
    }

    private static SerializationException Unprotected(string what) =>
        new($"{what} may hold keys, and keys go from node to node over TLS (confcluster.cluster.tls) or the loopback only.");
}
