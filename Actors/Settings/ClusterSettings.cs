using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace ConfCluster.Actors.Settings;

/// <summary>What a node does for its cluster. Each name is also a role of the engine's members.</summary>
public enum NodeRole : byte
{
    /// <summary>Sockets for SIP, transactions; no call state.</summary>
    Sip,

    /// <summary>Conferences and participants.</summary>
    Focus,

    /// <summary>Mixers, sockets for RTP.</summary>
    Media,

    /// <summary>Key management server, where kms.enabled is on.</summary>
    Kms,
}

/// <summary>Another node to ask for the cluster: a host that is an address, or a name that stands for several.</summary>
public sealed record SeedAddress(string Host, int Port)
{
    internal static bool TryRead(string text, out SeedAddress? seed)
    {
        seed = null;
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
            return false;
        var host = text[..colon].Trim('[', ']');
        if (!IPAddress.TryParse(host, out _) && Uri.CheckHostName(host) != UriHostNameType.Dns) return false;
        seed = new SeedAddress(host, port);
        return true;
    }

    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

/// <summary>How nodes prove to each other that they belong to the cluster.</summary>
/// <param name="Certificate">Of this node.</param>
/// <param name="Trust">PEM file with the cluster's own roots; nobody else's count.</param>
/// <param name="ReloadInterval">How often the files are looked at again.</param>
public sealed record ClusterTls(CertificateFiles Certificate, string Trust, TimeSpan ReloadInterval);

/// <summary>The node among others.</summary>
/// <param name="Address">Of the inner interface; the others know the node by it.</param>
/// <param name="Port">0: any free one, for a node that is alone.</param>
/// <param name="Seeds">Empty: the node is alone.</param>
/// <param name="KeyFile">The secret that all nodes share, from which tags of dialogs are made; null: made at each start.</param>
/// <param name="Tls">Null: the inner interface is not protected.</param>
/// <param name="RefusalIsEnd">Whether a node whose port refuses connections is taken for ended.</param>
/// <param name="CutOffAfter">So long a node hears of less than half of all before it ends itself; zero: for ever.</param>
public sealed record ClusterSettings(
    ImmutableArray<NodeRole> Roles, IPAddress Address, int Port, ImmutableArray<SeedAddress> Seeds, string? KeyFile, ClusterTls? Tls, bool RefusalIsEnd,
    TimeSpan CutOffAfter)
{
    public bool IsAlone => Seeds.IsEmpty;

    public bool Has(NodeRole role) => Roles.Contains(role);

    internal static ClusterSettings Read(SettingsScope read) => new(
        [.. read.List("cluster.roles", Names.Select(n => n.Name), name => Names.FirstOrDefault(n => n.Name == name)).Select(n => n.Role)],
        read.Address("cluster.address"), read.Number("cluster.port", 0, 65535),
        read.Readable<SeedAddress>("cluster.seeds", "host:port of other nodes, such as \"192.0.2.11:4053\" or \"confcluster.example:4053\"", SeedAddress.TryRead),
        OrNull(read.Text("cluster.key-file")), ReadTls(read),
        read.Switch("cluster.refusal-is-end"), read.Duration("cluster.cut-off-after", TimeSpan.Zero, TimeSpan.FromMinutes(1)));

    private static ClusterTls? ReadTls(SettingsScope read)
    {
        var (certificate, key) = (OrNull(read.Text("cluster.tls.certificate")), OrNull(read.Text("cluster.tls.key")));
        var (password, trust) = (OrNull(read.Text("cluster.tls.password-file")), OrNull(read.Text("cluster.tls.trust")));
        var reload = read.Duration("cluster.tls.reload-interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1));
        if (certificate is not null && trust is not null) return new ClusterTls(new CertificateFiles(certificate, key, password), trust, reload);
        if (certificate is not null) read.Refuse("cluster.tls.trust", "", "needed when cluster.tls.certificate is set: the cluster's own root", 0);
        else if (trust is not null || key is not null) read.Refuse("cluster.tls.certificate", "", "needed when cluster.tls.trust or cluster.tls.key is set", 0);
        return null;
    }

    private static readonly ImmutableArray<RoleName> Names = [.. Enum.GetValues<NodeRole>().Select(r => new RoleName(NameOf(r), r))];

    /// <summary>As in the settings, and as the members of the cluster know it.</summary>
    public static string NameOf(NodeRole role) => role.ToString().ToLowerInvariant();

    private static string? OrNull(string text) => text.Length == 0 ? null : text;

    private sealed record RoleName(string Name, NodeRole Role);
}

/// <summary>What must hold between a node's place in a cluster and everything else.</summary>
internal static class ClusterRules
{
    public static void Check(ConfClusterSettings settings, SettingsScope scope)
    {
        var cluster = settings.Cluster;
        if (cluster.Address.Equals(IPAddress.Any) || cluster.Address.Equals(IPAddress.IPv6Any))
            Say(scope, "cluster.address", $"{cluster.Address}", "one address of this machine, by which the other nodes know it");
        if (cluster.Tls is null && !(cluster.IsAlone && IPAddress.IsLoopback(cluster.Address)))
        {
            Say(scope, "cluster.tls.certificate", "",
                "needed: keys go from node to node, so a node that is not alone on loopback proves itself by TLS; confcluster tls init makes the certificates");
        }

        if (cluster.IsAlone)
        {
            foreach (var role in new[] { NodeRole.Sip, NodeRole.Focus, NodeRole.Media })
                if (!cluster.Has(role))
                    Say(
                        scope, "cluster.roles", string.Join(", ", cluster.Roles.Select(ClusterSettings.NameOf)),
                        $"{ClusterSettings.NameOf(role)} as well, for there is no other node: cluster.seeds is empty");
            return;
        }

        if (cluster.Port == 0) Say(scope, "cluster.port", "0", "a fixed port, since the other nodes look for it there (4053 is usual)");
        if (cluster.KeyFile is null)
            Say(scope, "cluster.key-file", "", "needed: all nodes share one secret, so that each knows the dialogs of the others; confcluster tls init makes it");
        if (settings.Journal.Kind == JournalKind.Sqlite)
            Say(scope, "journal.kind", "sqlite", "postgresql: a SQLite file serves one node, and a conference must be found by the node that takes it over");
    }

    private static void Say(SettingsScope scope, string path, string found, string allowed) => scope.Refuse(path, found, allowed, 0);
}
