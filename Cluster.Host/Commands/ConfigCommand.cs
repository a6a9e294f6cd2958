using System.CommandLine;
using ConfCluster.Actors.Settings;
using Spectre.Console;

namespace ConfCluster.Host.Commands;

/// <summary><c>config check</c>: what is wrong with the settings, without starting anything.</summary>
internal static class ConfigCommand
{
    public static Command Create()
    {
        var settings = new SettingsOptions();
        var json = Output.JsonOption();
        var check = new Command("check", "Say what is wrong with a configuration, or show the settings that differ from the defaults.") { json };
        settings.AddTo(check);
        check.SetAction(result => Check(settings.Of(result), result.GetValue(json)));
        return new Command("config", "Look at settings.") { check };
    }

    private static int Check(ConfiguredSettings configured, bool json)
    {
        if (json)
        {
            Output.WriteJson(new { ok = configured.Problems.IsEmpty, problems = configured.Problems });
        }
        else if (!configured.Problems.IsEmpty)
        {
            Output.Table(["Where", "Found", "Problem"], configured.Problems.Select(p => new[] { p.Where, p.Found, p.Allowed }));
        }
        else
        {
            WriteChanges(configured);
        }

        return configured.Problems.IsEmpty ? ExitCode.Done : ExitCode.Failed;
    }

    private static void WriteChanges(ConfiguredSettings configured)
    {
        var reference = SettingsReader.Reference();
        var changes = SettingsReader.Keys(configured.Config!)
            .Select(key => $"{SettingsReader.Root}.{key}")
            .Select(path => new[] { path, Text(configured.Config!, path), Text(reference, path) })
            .Where(row => row[1] != row[2])
            .ToList();
        AnsiConsole.WriteLine(changes.Count == 0 ? "The configuration is sound; nothing differs from the defaults." : "The configuration is sound.");
        if (changes.Count > 0) Output.Table(["Setting", "Value", "Default"], changes);
    }

    /// <summary>Hashes of passwords are counted, never shown.</summary>
    private static string Text(Akka.Configuration.Config config, string path) =>
        path == $"{SettingsReader.Root}.auth.users"
            ? $"{config.GetStringList(path).Count} users"
            : config.GetString(path) ?? $"[{string.Join(", ", config.GetStringList(path))}]";
}
