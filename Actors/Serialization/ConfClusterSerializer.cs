using Akka.Actor;
using Akka.Serialization;

namespace ConfCluster.Actors.Serialization;

/// <summary>Protobuf with explicit manifests for every stored fact and every message without secrets.</summary>
public sealed class ConfClusterSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>Stands in the journal: never changed.</summary>
    public override int Identifier => 7001;

    public override string Manifest(object o)
    {
        ArgumentNullException.ThrowIfNull(o);
        return WireTable.Of(o.GetType()).Manifest;
    }

    public override byte[] ToBinary(object obj)
    {
        ArgumentNullException.ThrowIfNull(obj);
        return WireTable.Of(obj.GetType()).Write(obj);
    }

    public override object FromBinary(byte[] bytes, string manifest) => WireTable.Of(manifest).Read(bytes);
}
