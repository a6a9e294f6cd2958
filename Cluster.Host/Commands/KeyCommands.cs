using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ConfCluster.Host.Api;

namespace ConfCluster.Host.Commands;

/// <summary><c>conference rekey NAME --reason TEXT</c> and <c>conference evict NAME PARTICIPANT</c>, and how keys are shown.</summary>
internal static class KeyCommands
{
    public static IEnumerable<Command> Create(Option<Uri> url, Option<bool> json)
    {
        var name = new Argument<string>("NAME") { Description = "The conference: the user part of its URI." };
        var reason = new Option<string>("--reason") { Description = "Why; it is kept in the audit.", HelpName = "TEXT", Required = true };
        var rekey = new Command("rekey", "Change the group key now, whatever the minimum interval says.") { name, reason };
        rekey.SetAction((result, stop) => ConferenceCommands.WithApi(
            result.GetValue(url)!,
            api => PostAsync(
                api, $"api/v1/conferences/{Uri.EscapeDataString(result.GetValue(name)!)}/rekey", new RekeyRequest(result.GetValue(reason)), result.GetValue(json),
                _ => $"A new group key of {result.GetValue(name)} is on its way.", stop)));
        yield return rekey;

        var participant = new Argument<string>("PARTICIPANT") { Description = "Its id, or the beginning of it, as `conference show` lists it." };
        var evict = new Command("evict", "Throw somebody out: silent at once, BYE, and a new group key.") { name, participant };
        evict.SetAction((result, stop) => ConferenceCommands.WithApi(
            result.GetValue(url)!,
            api => PostAsync(
                api, $"api/v1/conferences/{Uri.EscapeDataString(result.GetValue(name)!)}/participants/{Uri.EscapeDataString(result.GetValue(participant)!)}/evict",
                new { }, result.GetValue(json), done => $"{done.GetProperty("identity").GetString()} is out.", stop)));
        yield return evict;
    }

    /// <param name="history">Names those who are not in any more.</param>
    public static void Write(ConferenceDetails details, IReadOnlyList<HistoryEntry> history)
    {
        if (details.Epochs.Count > 0)
        {
            Output.Table(
                ["Group key", "Phase", "Reason", "Began", "Participants"],
                details.Epochs.Select(e => new[] { $"epoch {e.Epoch}", e.Phase, e.Reason, Time(e.Began), e.Legs.ToString(CultureInfo.InvariantCulture) }));
        }

        if (details.RekeyDeferred) Console.Out.WriteLine("A change of the group key waits for the minimum interval, or for a key of the KMS.");
        if (details.Exposure is { } exposure) Write(exposure, history);
        Output.Table(
            ["Participant", "Id", "Key", "Hearing", "Offered", "Signalling"],
            details.Participants.Select(p => new[]
            {
                p.DisplayName is { Length: > 0 } shown ? shown : p.Identity, Short(p.Id),
                KeyOf(p.Key), p.Key?.Hearing ?? "-",
                p.Key?.Offered is { } offered ? $"epoch {offered}" : "-", p.Key is { ProtectedSignalling: true } ? "protected" : "in clear",
            }));
    }

    private static string KeyOf(KeyDetails? key) => key switch
    {
        { Epoch: { } epoch } => $"epoch {epoch}",
        { Mki: false } => "its own, no MKI",
        { Deaf: true } => "its own, was deaf",
        _ => "its own",
    };

    private static void Write(CoverageDetails exposure, IReadOnlyList<HistoryEntry> history)
    {
        var last = exposure.LastCovered is { } covered ? $"the last took {Seconds(covered.Seconds ?? 0)} ({Named(covered, history)})" : "none was yet";
        Console.Out.WriteLine($"Each join and leave is covered by a younger group key within {Seconds(exposure.BoundSeconds)}; {last}.");
        if (exposure.Uncovered.Count == 0) return;
        Output.Table(["Not covered yet", "Since"], exposure.Uncovered.Select(c => new[] { Named(c, history), Time(c.Since) }));
    }

    private static string Named(ChangeDetails change, IReadOnlyList<HistoryEntry> history)
    {
        var id = Short(change.Participant);
        return $"{change.Change} of {(history.LastOrDefault(e => e.Participant == change.Participant)?.Identity is { } name ? $"{name}, {id}" : id)}";
    }

    private static string Short(string id) => id[..Math.Min(8, id.Length)];

    private static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.###} s");

    private static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);

    private static async Task<int> PostAsync<T>(HttpClient api, string path, T body, bool json, Func<JsonElement, string> say, CancellationToken stop)
    {
        using var answer = await api.PostAsJsonAsync(new Uri(path, UriKind.Relative), body, Output.Json, stop);
        if (await ConferenceCommands.ReadAsync<JsonElement?>(answer, stop) is not { } done) return ExitCode.Failed;
        if (json) Output.WriteJson(done);
        else Console.Out.WriteLine(say(done));
        return ExitCode.Done;
    }
}
