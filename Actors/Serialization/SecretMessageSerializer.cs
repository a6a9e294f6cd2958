using System.Collections.Immutable;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;

namespace ConfCluster.Actors.Serialization;

/// <summary>Refuses the messages that hold keys, or SIP bodies with keys in them: there is no protected way between nodes yet.</summary>
public sealed class SecretMessageSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    public static readonly ImmutableArray<Type> Types =
    [
        typeof(SetLegMedia), typeof(SipRequestArrived), typeof(SipAckArrived), typeof(SipResponseArrived), typeof(SendRequest),
        typeof(SendAck), typeof(Respond), typeof(JoinedInGroup), typeof(OfferGroupKey), typeof(SetGroupKey),
        typeof(TicketResolved),
    ];

    public override int Identifier => 7002;

    public override string Manifest(object o) => "secret";

    public override byte[] ToBinary(object obj) => throw Refusal(obj?.GetType().Name ?? "nothing");

    public override object FromBinary(byte[] bytes, string manifest) => throw Refusal(manifest);

    private static SerializationException Refusal(string what) =>
        new($"{what} may hold keys, and keys do not leave the process until the connections between nodes are protected by TLS.");
}
