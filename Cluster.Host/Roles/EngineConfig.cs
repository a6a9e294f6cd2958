using Akka.Configuration;
using ConfCluster.Actors.Nodes.Links;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Host.Roles;

/// <summary>How Akka runs: what the settings say of the cluster, over what the user's own configuration says about <c>akka</c>, over akka.conf.</summary>
internal static class EngineConfig
{
    private const string Resolver = "akka.cluster.split-brain-resolver";

    /// <param name="agreed">Roles that tell what all nodes of the cluster have alike; see <see cref="Actors.Nodes.ClusterAgreement"/>.</param>
    public static Config Of(Config user, ClusterSettings cluster, IEnumerable<string> agreed) =>
        Cluster(cluster, agreed).WithFallback(user).WithFallback(ConfigurationFactory.ParseString(Text()));

    /// <summary>A sentence when the greater side of a parted cluster would begin what lives on the smaller one before that has ended itself.</summary>
    public static string? Refusal(Config user, ClusterSettings cluster)
    {
        var akka = Of(user, cluster, []);
        var (stable, margin) = (akka.GetTimeSpan($"{Resolver}.stable-after"), akka.GetTimeSpan("akka.cluster.down-removal-margin"));
        if (cluster.IsAlone || cluster.CutOffAfter == TimeSpan.Zero || stable + (margin > TimeSpan.Zero ? margin : stable) > cluster.CutOffAfter) return null;
        return $"{Resolver}.stable-after is {stable.TotalSeconds} s; it must be longer than confcluster.cluster.cut-off-after ({cluster.CutOffAfter.TotalSeconds} s), "
            + "or what lives on a node that is cut off would live twice.";
    }

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
