using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using System.Text.Json;
using ConfCluster.Host.Api;

namespace ConfCluster.Host.Commands;

/// <summary><c>conference list | show NAME | end NAME | …</c>: questions to a running node over its management API.</summary>
internal static class ConferenceCommands
{
    public static Command Create()
    {
        var url = new Option<Uri>("--url")
        {
            Description = "The node's management API.",
            HelpName = "URL",
            Recursive = true,
            DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080"),
            CustomParser = ReadUrl,
        };
        var json = Output.JsonOption();
        json.Recursive = true;
        var name = new Argument<string>("NAME") { Description = "The conference: the user part of its URI." };

        var list = new Command("list", "The conferences of the cluster.");
        list.SetAction((result, stop) => WithApi(result.GetValue(url)!, api => ListAsync(api, result.GetValue(json), stop)));
        var show = new Command("show", "One conference: who is in it, how the media is, and what happened.") { name };
        show.SetAction((result, stop) => WithApi(result.GetValue(url)!, api => ShowAsync(api, result.GetValue(name)!, result.GetValue(json), stop)));
        var end = new Command("end", "End a conference: every participant is sent BYE.") { name };
        end.SetAction((result, stop) => WithApi(result.GetValue(url)!, api => EndAsync(api, result.GetValue(name)!, result.GetValue(json), stop)));
        var conference = new Command("conference", "Look at conferences, call somebody into one, throw somebody out, change its key, end one.")
        {
            list, show, CreateCommand.Create(url, json), InviteCommand.Create(url, json), end, url, json,
        };
        foreach (var command in KeyCommands.Create(url, json)) conference.Add(command);
        return conference;
    }

    internal static Uri? ReadUrl(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https") return url;
        argument.AddError($"'{text}' is no http:// address of a node.");
        return null;
    }

    internal static async Task<int> WithApi(Uri url, Func<HttpClient, Task<int>> act)
    {
        using var api = new HttpClient { BaseAddress = url, Timeout = TimeSpan.FromSeconds(15) };
        try
        {
            return await act(api);
        }
        catch (HttpRequestException e)
        {
            return Output.Fail($"No node answers at {url}: {e.Message}. Is one running? --url names another.");
        }
        catch (TaskCanceledException)
        {
            return Output.Fail($"The node at {url} did not answer within {api.Timeout.TotalSeconds:0} s.");
        }
    }

    private static async Task<int> ListAsync(HttpClient api, bool json, CancellationToken stop)
    {
        var conferences = await GetAsync<List<ConferenceSummary>>(api, "api/v1/conferences", stop);
        if (conferences is null) return ExitCode.Failed;
        if (json)
        {
            Output.WriteJson(conferences);
            return ExitCode.Done;
        }

        Output.Table(
            ["Conference", "Participants", "Since", "Mixer"],
            conferences.Select(c => new[] { c.Name, Text(c.Participants), Text(c.Since), c.Mixer ?? "-" }));
        return ExitCode.Done;
    }

    private static async Task<int> ShowAsync(HttpClient api, string name, bool json, CancellationToken stop)
    {
        var path = $"api/v1/conferences/{Uri.EscapeDataString(name)}";
        var history = await GetAsync<List<HistoryEntry>>(api, $"{path}/events", stop);
        if (history is null) return ExitCode.Failed;
        using var answer = await api.GetAsync(new Uri(path, UriKind.Relative), stop);
        var details = answer.StatusCode == HttpStatusCode.NotFound ? null : await ReadAsync<ConferenceDetails>(answer, stop);
        if (json)
        {
            Output.WriteJson(new { conference = details, events = history });
            return ExitCode.Done;
        }

        var state = details is { Active: true } ? $"{details.Participants.Count} participants, {MixersOf(details)}" : null;
        Console.Out.WriteLine(state is null ? $"{name} is not active." : $"{name}: {state}");
        if (details is { Plan: { } plan }) Console.Out.WriteLine(CreateCommand.Summary(plan));
        if (details is { Mixers.Count: > 1 }) WriteMixers(details);
        if (details is { Participants.Count: > 0 }) WriteParticipants(details);
        if (details is { Participants.Count: > 0 }) KeyCommands.Write(details, history);
        if (details is { Invitations.Count: > 0 }) WriteInvitations(details);
        Output.Table(
            ["#", "Time", "Event", "Participant", "Detail"],
            history.Select(e => new[] { Text(e.Number), Text(e.At), e.Event, e.Identity ?? e.Participant ?? "", e.Detail ?? "" }));
        return ExitCode.Done;
    }

    private static string MixersOf(ConferenceDetails details) =>
        details.Mixers.Count > 1 ? $"{details.Mixers.Count} mixers" : $"mixer {details.Mixer ?? "none"}";

    private static void WriteMixers(ConferenceDetails details) => Output.Table(
        ["Mixer", "Participants", "Takes from others at", "Keys", "Sent", "Received", "Not authentic", "Delay"],
        details.Mixers.Select(m => new[]
        {
            m.Mixer, Text(m.Legs), m.Trunk?.Address ?? "-", Text(m.Trunk?.Generation), Text(m.Trunk?.Sent), Text(m.Trunk?.Received), Text(m.Trunk?.Refused),
            m.Trunk is { } trunk ? $"{trunk.DelayMilliseconds} ms" : "-",
        }));

    private static void WriteParticipants(ConferenceDetails details)
    {
        WriteRoster(details);
        if (details.Participants.Any(p => p.Media is not null)) QualityTable.Write(details);
    }

    private static void WriteRoster(ConferenceDetails details) => Output.Table(
        ["Participant", "Identity", "Proof", "Since", "From", "Received", "Sent", "Lost", "Not authentic", "Replayed"],
        details.Participants.Select(p => new[]
        {
            p.DisplayName is { Length: > 0 } shown ? $"{shown} <{p.Identity}>" : p.Identity, p.ProvenName ?? "-",
            $"{p.Proof?.ToString().ToLowerInvariant() ?? "invited"}{(p.Private ? ", private" : "")}",
            Text(p.JoinedAt), p.Media?.Remote ?? "-", Text(p.Media?.PacketsReceived),
            Text(p.Media?.PacketsSent), Text(p.Media?.PacketsLost), Text(p.Media?.AuthFailures), Text(p.Media?.Replays),
        }));

    private static void WriteInvitations(ConferenceDetails details) => Output.Table(
        ["Invited", "State", "Status", "Reason", "Time"],
        details.Invitations.Select(i => new[] { i.Uri, i.State.ToString().ToLowerInvariant(), i.Status == 0 ? "-" : Text(i.Status), i.Reason, Text(i.At) }));

    private static async Task<int> EndAsync(HttpClient api, string name, bool json, CancellationToken stop)
    {
        using var answer = await api.PostAsync(new Uri($"api/v1/conferences/{Uri.EscapeDataString(name)}/end", UriKind.Relative), null, stop);
        if (await ReadAsync<JsonElement?>(answer, stop) is not { } done) return ExitCode.Failed;
        if (json) Output.WriteJson(done);
        else Console.Out.WriteLine($"{name} is ended; its participants are sent BYE.");
        return ExitCode.Done;
    }

    internal static async Task<T?> GetAsync<T>(HttpClient api, string path, CancellationToken stop)
    {
        using var answer = await api.GetAsync(new Uri(path, UriKind.Relative), stop);
        return await ReadAsync<T>(answer, stop);
    }

    internal static async Task<T?> ReadAsync<T>(HttpResponseMessage answer, CancellationToken stop)
    {
        try
        {
            if (answer.IsSuccessStatusCode) return await answer.Content.ReadFromJsonAsync<T>(Output.Json, stop);
            var problem = await answer.Content.ReadFromJsonAsync<ApiProblem>(Output.Json, stop);
            Output.Fail(problem?.Error ?? $"The node answered {(int)answer.StatusCode}.");
        }
        catch (JsonException)
        {
            Output.Fail($"What answers at {answer.RequestMessage?.RequestUri} is no node of ours: status {(int)answer.StatusCode}.");
        }

        return default;
    }

    private static string Text(IFormattable? value) => value switch
    {
        null => "-",
        DateTimeOffset time => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
        _ => value.ToString(null, CultureInfo.InvariantCulture),
    };
}
