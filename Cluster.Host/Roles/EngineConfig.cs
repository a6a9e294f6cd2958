using Akka.Configuration;
using ConfCluster.Actors.Nodes.Links;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Host.Roles;

/// <summary>How Akka runs: what the settings say of the cluster, over what the user's own configuration says about <c>akka</c>, over akka.conf.</summary>
internal static class EngineConfig
{
    /// <param name="agreed">Roles that tell what all nodes of the cluster have alike; see <see cref="Actors.Nodes.ClusterAgreement"/>.</param>
    public static Config Of(Config user, ClusterSettings cluster, IEnumerable<string> agreed) =>
        Cluster(cluster, agreed).WithFallback(user).WithFallback(ConfigurationFactory.ParseString(Text()));

    private static Config Cluster(ClusterSettings cluster, IEnumerable<string> agreed) => ConfigurationFactory.ParseString(
        $$"""
        akka {
          remote.dot-netty.tcp {
            hostname = "{{cluster.Address}}"
            port = {{cluster.Port}}
            enable-ssl = {{(cluster.Tls is null ? "off" : "on")}}
            {{(cluster.Tls is null ? "" : $"transport-class = \"{typeof(NodeTransport).FullName}, {typeof(NodeTransport).Assembly.GetName().Name}\"")}}
          }
          cluster.roles = [{{string.Join(", ", cluster.Roles.Select(ClusterSettings.NameOf).Concat(agreed).Select(r => $"\"{r}\""))}}]
        }
        """);

    private static string Text()
    {
        using var stream = typeof(EngineConfig).Assembly.GetManifestResourceStream("akka.conf")
            ?? throw new InvalidOperationException("akka.conf is not built in");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
