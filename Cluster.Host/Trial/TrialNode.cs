using System.Collections.Immutable;
using ConfCluster.Actors.Nodes;

namespace ConfCluster.Host.Trial;

/// <summary>Ports of every node of a cluster on one machine; each node has an address of the loopback for itself.</summary>
internal sealed record TrialPorts(int Sip, int SipTls, int Http, int Cluster)
{
    public static readonly TrialPorts Usual = new(5060, 5061, 8080, 4053);
}

/// <summary>What the nodes of a cluster on one machine share.</summary>
/// <param name="Directory">Of their data, one below for each.</param>
/// <param name="Nodes">How many.</param>
internal sealed record TrialCluster(string Directory, int Nodes, TrialPorts Ports, ClusterAuthority Authority, string ConnectionString, string PasswordFile)
{
    /// <summary>Address of the node with that number, from 1.</summary>
    public static string AddressOf(int number) => $"127.0.0.{number}";

    public ImmutableArray<string> Addresses => [.. Enumerable.Range(1, Nodes).Select(AddressOf)];

    /// <summary>Where the journal is.</summary>
    public ImmutableArray<string> Journal =>
    [
        "--set", "confcluster.journal.kind=postgresql", "--set", $"confcluster.journal.connection-string={ConnectionString}",
        .. PasswordFile.Length > 0 ? (string[])["--set", $"confcluster.journal.password-file={PasswordFile}"] : [],
    ];

    /// <summary>What makes a node that node.</summary>
    /// <param name="roles">Empty: all.</param>
    /// <param name="authority">Whose certificate it shows; null: that of the cluster.</param>
    public ImmutableArray<string> Arguments(int number, IReadOnlyCollection<string> roles, ClusterAuthority? authority = null)
    {
        var (address, issuer) = (AddressOf(number), authority ?? Authority);
        List<string> settings =
        [
            $"node-name=n{number}", $"data-dir={Path.Combine(Directory, $"n{number}")}", $"cluster.address={address}", $"cluster.port={Ports.Cluster}",
            $"cluster.seeds=[{string.Join(", ", Addresses.Select(a => $"\"{a}:{Ports.Cluster}\""))}]",
            $"cluster.key-file={Authority.PathOf(ClusterAuthority.ClusterKeyFile)}", $"cluster.tls.certificate={issuer.CertificateOf(address)}",
            $"cluster.tls.key={issuer.KeyOf(address)}", $"cluster.tls.trust={issuer.PathOf(ClusterAuthority.RootFile)}",
            $"sip.udp.address={address}", $"sip.udp.port={Ports.Sip}", $"sip.tcp.address={address}", $"sip.tcp.port={Ports.Sip}",
            $"sip.tls.address={address}", $"sip.tls.port={Ports.SipTls}", $"media.address={address}", $"http.address={address}", $"http.port={Ports.Http}",
        ];
        if (roles.Count > 0) settings.Add($"cluster.roles=[{string.Join(", ", roles.Select(r => $"\"{r}\""))}]");
        return [.. settings.SelectMany(s => new[] { "--set", $"confcluster.{s}" }), .. Journal];
    }
}
