using System.Net;
using Akka.Configuration;

namespace ConfCluster.Actors.Serialization;

/// <summary>How the connections between nodes are protected, by what the engine was told.</summary>
public static class InnerTransport
{
    private const string Path = "akka.remote.dot-netty.tcp";

    /// <summary>Keys may be on these connections: they are TLS, or do not leave the machine.</summary>
    public static bool IsProtected(Config engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return engine.GetBoolean($"{Path}.enable-ssl") || IsLoopback(engine.GetString($"{Path}.hostname"));
    }

    private static bool IsLoopback(string? host) => IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address);
}
