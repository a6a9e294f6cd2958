using Akka.Actor.Setup;

namespace ConfCluster.Actors.Nodes.Links;

/// <summary>Brings the certificates to <see cref="NodeTransport"/>, which the engine makes by the name of its class.</summary>
public sealed class NodeTlsSetup(NodeTls tls) : Setup
{
    public NodeTls Tls => tls;
}
