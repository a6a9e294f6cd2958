using System.CommandLine;
using System.Globalization;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Host.Api;

namespace ConfCluster.Host.Commands;

/// <summary><c>status</c>: the nodes of the cluster, their roles, and what lives on them, as one of them sees it.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var url = new Option<Uri>("--url")
        {
            Description = "The management API of any node.",
            HelpName = "URL",
            DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080"),
            CustomParser = ConferenceCommands.ReadUrl,
        };
        var json = Output.JsonOption();
        var status = new Command("status", "The nodes of the cluster, their roles, and what lives on them.") { url, json };
        status.SetAction((result, stop) => ConferenceCommands.WithApi(result.GetValue(url)!, api => ShowAsync(api, result.GetValue(json), stop)));
        return status;
    }

    private static async Task<int> ShowAsync(HttpClient api, bool json, CancellationToken stop)
    {
        if (await ConferenceCommands.GetAsync<ClusterDetails>(api, "api/v1/cluster", stop) is not { } cluster) return ExitCode.Failed;
        if (json)
        {
            Output.WriteJson(cluster);
            return ExitCode.Done;
        }

        Output.Table(
            ["Node", "Status", "Roles", "Conferences", "Calls", "Mixers", "Shards"],
            cluster.Nodes.Select(n => new[]
            {
                n.Node + (n.Self ? " *" : ""), n.Reachable ? n.Status : $"{n.Status}, UNREACHABLE", string.Join(", ", n.Roles),
                Count(n, ConferenceRegion.TypeName), Count(n, ParticipantRegion.TypeName), Count(n, MixerRegion.TypeName),
                n.Shards.Values.Sum(s => s.Shards).ToString(CultureInfo.InvariantCulture),
            }));
        Console.Out.WriteLine(cluster.Complete ? "* the node that was asked" : "* the node that was asked; it could not find out yet where everything lives");
        return ExitCode.Done;
    }

    private static string Count(NodeDetails node, string type) =>
        node.Shards.TryGetValue(type, out var place) ? place.Entities.ToString(CultureInfo.InvariantCulture) : "";
}
