using System.CommandLine;
using System.Security.Cryptography;
using ConfCluster.Actors.Nodes;

namespace ConfCluster.Host.Commands;

/// <summary><c>tls init</c>: what the nodes of a cluster prove themselves to each other with.</summary>
internal static class TlsCommand
{
    public static Command Create()
    {
        var directory = new Option<string>("--out")
        {
            Description = "Directory to write to; one that has a root already gets certificates of it.",
            HelpName = "DIR",
            Required = true,
        };
        var nodes = new Option<string[]>("--nodes")
        {
            Description = "Addresses or names of nodes, with commas.",
            HelpName = "a,b,c",
            Required = true,
            CustomParser = argument =>
            {
                var names = argument.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).ToArray();
                if (names.FirstOrDefault(n => !ClusterAuthority.IsName(n)) is { } bad) argument.AddError($"'{bad}' is neither an address nor a host name.");
                if (names.Distinct(StringComparer.OrdinalIgnoreCase).Count() != names.Length) argument.AddError("Each node is named once.");
                return names;
            },
        };
        var renew = new Option<bool>("--renew")
        {
            Description = "Make another certificate and key for nodes that have one. A node that runs takes them for new connections.",
        };
        var json = Output.JsonOption();
        const string What = "Make a small certificate authority, a certificate for each node, and the secret that the nodes share.";
        var init = new Command("init", What) { directory, nodes, renew, json };
        init.SetAction(result => Init(result.GetValue(directory)!, result.GetValue(nodes)!, result.GetValue(renew), result.GetValue(json)));
        return new Command("tls", "Certificates for the connections between nodes.") { init };
    }

    private static int Init(string directory, string[] nodes, bool renews, bool json)
    {
        var authority = new ClusterAuthority(Path.GetFullPath(directory), TimeProvider.System);
        try
        {
            var made = authority.Make(nodes, renews);
            if (json) Output.WriteJson(new { directory = Path.GetFullPath(directory), made });
            else Tell(authority, nodes, made);
            return ExitCode.Done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return Output.Fail(e.Message);
        }
    }

    private static void Tell(ClusterAuthority authority, string[] nodes, IEnumerable<string> made)
    {
        foreach (var file in made) Console.Out.WriteLine(file);
        Console.Out.WriteLine();
        Console.Out.WriteLine(
            $"Each node gets its own two files, {ClusterAuthority.RootFile} and {ClusterAuthority.ClusterKeyFile}; {ClusterAuthority.RootKeyFile} goes to none.");
        foreach (var node in nodes)
        {
            Console.Out.WriteLine($"""

                # {node}
                confcluster.cluster.tls.certificate = "{authority.CertificateOf(node)}"
                confcluster.cluster.tls.key = "{authority.KeyOf(node)}"
                confcluster.cluster.tls.trust = "{authority.PathOf(ClusterAuthority.RootFile)}"
                confcluster.cluster.key-file = "{authority.PathOf(ClusterAuthority.ClusterKeyFile)}"
                """);
        }
    }
}
