using System.CommandLine;
using ConfCluster.Host.Api;

namespace ConfCluster.Host.Commands;

/// <summary><c>conference create NAME --blueprint B --set rekey.min-interval=10s</c>: the rules of a conference, before anybody calls it.</summary>
internal static class CreateCommand
{
    public static Command Create(Option<Uri> url, Option<bool> json)
    {
        var name = new Argument<string>("NAME") { Description = "The conference: the user part of its URI." };
        var blueprint = new Option<string>("--blueprint") { Description = "Whose rules it begins with. Without: those for such a name.", HelpName = "NAME" };
        var set = new Option<string[]>("--set") { Description = "A rule that differs, for example rekey.min-interval=10s; may be repeated.", HelpName = "RULE=VALUE" };
        set.Validators.Add(result =>
        {
            var given = result.GetValueOrDefault<string[]>() ?? [];
            if (given.FirstOrDefault(s => s.IndexOf('=', StringComparison.Ordinal) <= 0) is { } bad) result.AddError($"'{bad}' is not RULE=VALUE.");
            else if (given.GroupBy(s => Split(s).Name).FirstOrDefault(g => g.Count() > 1) is { } twice) result.AddError($"{twice.Key} is set twice.");
        });
        var command = new Command("create", "Settle the rules of a conference before anybody calls it; they are kept.") { name, blueprint, set };
        command.SetAction((result, stop) => ConferenceCommands.WithApi(
            result.GetValue(url)!,
            api => CreateAsync(
                api, result.GetValue(name)!,
                new CreateRequest(result.GetValue(blueprint), (result.GetValue(set) ?? []).Select(Split).ToDictionary(s => s.Name, s => s.Value)),
                result.GetValue(json), stop)));
        return command;
    }

    /// <summary>Which rules hold, in a line.</summary>
    public static string Summary(PlanDetails plan) => plan.Set.Count == 0
        ? $"Rules: blueprint {plan.Blueprint}."
        : $"Rules: blueprint {plan.Blueprint} with {string.Join(", ", plan.Set.Select(s => $"{s.Key}={s.Value}"))}.";

    private static async Task<int> CreateAsync(HttpClient api, string name, CreateRequest request, bool json, CancellationToken stop)
    {
        using var answer = await api.PostAsJsonAsync(new Uri($"api/v1/conferences/{Uri.EscapeDataString(name)}", UriKind.Relative), request, Output.Json, stop);
        if (await ConferenceCommands.ReadAsync<ConferenceDetails>(answer, stop) is not { Plan: { } plan } details) return ExitCode.Failed;
        if (json)
        {
            Output.WriteJson(details);
            return ExitCode.Done;
        }

        Console.Out.WriteLine($"{details.Name} is there. {Summary(plan)}");
        Output.Table(["Rule", "Value"], plan.Policy.Select(p => new[] { p.Key, p.Value }));
        return ExitCode.Done;
    }

    private static (string Name, string Value) Split(string setting)
    {
        var at = setting.IndexOf('=', StringComparison.Ordinal);
        return (setting[..at].Trim(), setting[(at + 1)..].Trim());
    }
}
