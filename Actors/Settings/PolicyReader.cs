using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;

namespace ConfCluster.Actors.Settings;

/// <summary>Reads the rules of conferences: those of every conference, and the blueprints that differ from them.</summary>
internal static class PolicyReader
{
    public const string List = "blueprint-by-name";

    private const string Root = "blueprints";

    public static Blueprints Read(SettingsScope read)
    {
        var policy = new ConferencePolicy(2) { Keys = GroupKeyPolicy.Individual };
        foreach (var term in PolicyTerms.All) policy = Set(read, policy, term, $"conference.{term.Path}");

        var named = ImmutableSortedDictionary.CreateBuilder<string, ConferencePolicy>(StringComparer.Ordinal);
        foreach (var path in read.Under(Root))
        {
            var dot = path.IndexOf('.', StringComparison.Ordinal);
            var (blueprint, name) = dot < 0 ? (path, "") : (path[..dot], path[(dot + 1)..]);
            if (blueprint == Blueprints.DefaultName) read.Refuse($"{Root}.{path}", "", "default is the block conference; give it another name", 0);
            var before = named.GetValueOrDefault(blueprint, policy);
            if (PolicyTerms.Find(name) is { } term) named[blueprint] = Set(read, before, term, $"{Root}.{path}");
            else Unknown(read, $"{Root}.{path}", name);
        }

        var patterns = read.Readable<NamePattern>(List, "\"board-* = BLUEPRINT\"", TryPattern);
        foreach (var pattern in patterns.Where(p => p.Blueprint != Blueprints.DefaultName && !named.ContainsKey(p.Blueprint)))
            read.Refuse(List, pattern.Blueprint, $"one of {string.Join(", ", named.Keys.Prepend(Blueprints.DefaultName))}", 0);
        return new Blueprints(policy, named.ToImmutable(), patterns);
    }

    private static ConferencePolicy Set(SettingsScope read, ConferencePolicy policy, PolicyTerm term, string path)
    {
        var text = term.IsList ? string.Join("; ", read.TextOrTexts(path)) : read.Text(path);
        return term.TrySet(policy, text, out var next) ? next : read.Refuse(path, text, term.Allowed, policy);
    }

    private static void Unknown(SettingsScope read, string path, string name)
    {
        read.Text(path);
        var hint = PolicyTerms.Nearest(name) is { } meant ? $"did you mean {meant}?" : $"there are {string.Join(", ", PolicyTerms.All.Select(t => t.Name))}";
        read.Refuse(path, "", $"a blueprint has no such key; {hint}", 0);
    }

    private static bool TryPattern(string text, out NamePattern? pattern)
    {
        pattern = null;
        var equals = text.LastIndexOf('=');
        if (equals <= 0) return false;
        var (names, blueprint) = (text[..equals].Trim().ToLowerInvariant(), text[(equals + 1)..].Trim());
        if (names.Length == 0 || blueprint.Length == 0) return false;
        pattern = new NamePattern(names, blueprint);
        return true;
    }
}
