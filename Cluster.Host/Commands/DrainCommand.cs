using System.CommandLine;
using System.Diagnostics;
using System.Net.Http.Json;
using ConfCluster.Host.Api;

namespace ConfCluster.Host.Commands;

/// <summary><c>drain</c>: a node takes no new calls, hands over those that it has, and stops.</summary>
internal static class DrainCommand
{
    /// <summary>For what follows the emptying: leaving the cluster, closing the journal.</summary>
    private static readonly TimeSpan StopMargin = TimeSpan.FromSeconds(40);

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        var url = new Option<Uri>("--url")
        {
            Description = "The management API of the node that is to be emptied.",
            HelpName = "URL",
            DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080"),
            CustomParser = ConferenceCommands.ReadUrl,
        };
        var deadline = new Option<TimeSpan?>("--deadline")
        {
            Description = "It stops after so long all the same; without it drain-timeout of the node.",
            HelpName = "TIME",
            CustomParser = result => CallCommand.ReadTime(result),
        };
        var goOn = new Option<bool>("--no-wait") { Description = "Return when the node has begun." };
        var json = Output.JsonOption();
        var drain = new Command("drain", "Let a node hand its calls to the others and stop.") { url, deadline, goOn, json };
        drain.SetAction((result, stop) => ConferenceCommands.WithApi(
            result.GetValue(url)!,
            api => DrainAsync(api, result.GetValue(deadline), !result.GetValue(goOn), result.GetValue(json), stop)));
        return drain;
    }

    private static async Task<int> DrainAsync(HttpClient api, TimeSpan? deadline, bool wait, bool json, CancellationToken stop)
    {
        var since = Stopwatch.StartNew();
        using var answer = await api.PostAsJsonAsync(new Uri("api/v1/drain", UriKind.Relative), new DrainRequest(deadline?.TotalSeconds), Output.Json, stop);
        if (await ConferenceCommands.ReadAsync<DrainDetails>(answer, stop) is not { } begun) return ExitCode.Failed;
        var patience = TimeSpan.FromSeconds(begun.Seconds) + StopMargin;
        while (wait && since.Elapsed < patience && await IsThereAsync(api, stop)) await Task.Delay(LookAgain, stop);
        var took = Math.Round(since.Elapsed.TotalSeconds, 1);
        if (wait && since.Elapsed >= patience) return Output.Fail($"{begun.Node} is still there after {took} s.");
        if (json) Output.WriteJson(new { begun.Node, stopped = wait, seconds = took, begun.KeepsCalls });
        else Console.Out.WriteLine(wait && !begun.KeepsCalls
            ? $"{begun.Node} ends, after {took} s, and its calls with it: there was no other node to hand them to."
            : wait ? $"{begun.Node} has handed over its calls and ends, after {took} s."
            : $"{begun.Node} is being emptied; 'status' at another node tells how it goes.");
        return ExitCode.Done;
    }

    private static async Task<bool> IsThereAsync(HttpClient api, CancellationToken stop)
    {
        try
        {
            using var alive = await api.GetAsync(new Uri("livez", UriKind.Relative), stop);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
