using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Akka.Configuration;

namespace ConfCluster.Actors.Settings;

/// <summary>Where settings come from: <c>--set</c> over the file over reference.conf. Everything is linted before it is parsed.</summary>
public static partial class SettingsSource
{
    /// <summary>The merged configuration, or null and the reasons.</summary>
    public static Config? Load(string? file, IEnumerable<string> assignments, out ImmutableArray<SettingProblem> problems)
    {
        ArgumentNullException.ThrowIfNull(assignments);
        var found = ImmutableArray.CreateBuilder<SettingProblem>();
        var config = SettingsReader.Reference();
        if (file is not null) config = Parse(ReadFile(file, found), file, found)?.WithFallback(config) ?? config;
        foreach (var assignment in assignments)
            config = Parse(Statement(assignment, found), "--set", found)?.WithFallback(config) ?? config;
        problems = found.ToImmutable();
        return problems.IsEmpty ? config : null;
    }

    private static string ReadFile(string file, ImmutableArray<SettingProblem>.Builder problems)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException e)
        {
            problems.Add(new SettingProblem(file, "", e.Message));
        }
        catch (UnauthorizedAccessException e)
        {
            problems.Add(new SettingProblem(file, "", e.Message));
        }

        return "";
    }

    private static Config? Parse(string text, string source, ImmutableArray<SettingProblem>.Builder problems)
    {
        var lint = HoconLint.Check(text, source);
        problems.AddRange(lint);
        if (lint.Length > 0 || string.IsNullOrWhiteSpace(text)) return null;
        try
        {
            return ConfigurationFactory.ParseString(text);
        }
        catch (FormatException e)
        {
            problems.Add(new SettingProblem(source, "", e.Message));
        }
        catch (ConfigurationException e)
        {
            problems.Add(new SettingProblem(source, "", e.Message));
        }

        return null;
    }

    private static string Statement(string assignment, ImmutableArray<SettingProblem>.Builder problems)
    {
        var parts = assignment.Split('=', 2, StringSplitOptions.TrimEntries);
        if (parts.Length != 2 || !Path().IsMatch(parts[0]))
        {
            problems.Add(new SettingProblem("--set", assignment, "path=value, for example confcluster.sip.udp.port=5070"));
            return "";
        }

        if (!parts[0].StartsWith(SettingsReader.Root + ".", StringComparison.Ordinal) && !parts[0].StartsWith("akka.", StringComparison.Ordinal))
        {
            problems.Add(new SettingProblem("--set", assignment, $"paths begin with {SettingsReader.Root}.; did you mean {SettingsReader.Root}.{parts[0]}?"));
            return "";
        }

        return $"{parts[0]} = {(parts[1].StartsWith('[') ? parts[1] : Quote(parts[1]))}";
    }

    private static string Quote(string value) =>
        value.StartsWith('"') ? value : $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    [GeneratedRegex("^[a-z0-9-]+(\\.[a-z0-9-]+)*$")]
    private static partial Regex Path();
}
