using System.Collections.Immutable;

namespace ConfCluster.Protocols.Conference;

/// <summary>What was settled for a conference before anybody called it, for all its instances.</summary>
/// <param name="Blueprint">Its name at that time.</param>
/// <param name="Set">What differs from it.</param>
/// <param name="Policy">All rules that follow, so that it does not matter what becomes of the blueprint.</param>
public sealed record ConferencePlan(string Blueprint, ImmutableArray<PolicySetting> Set, ImmutableArray<PolicySetting> Policy)
{
    public bool Equals(ConferencePlan? other) =>
        other is not null && Blueprint == other.Blueprint && Set.AsSpan().SequenceEqual(other.Set.AsSpan()) && Policy.AsSpan().SequenceEqual(other.Policy.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Blueprint, Set.Length, Policy.Length);
}

/// <summary>Names that begin, end or are like this; <c>*</c> stands for any letters, none included.</summary>
public sealed record NamePattern(string Pattern, string Blueprint)
{
    public bool Fits(string name) => Fits(Pattern, name);

    private static bool Fits(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        // Where the last star began to take letters, and how many it has.
        var (p, n, star, taken) = (0, 0, -1, 0);
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*') (star, taken, p) = (p, n, p + 1);
            else if (p < pattern.Length && pattern[p] == name[n]) (p, n) = (p + 1, n + 1);
            else if (star >= 0) (p, n) = (star + 1, ++taken);
            else return false;
        }

        return pattern[p..].IndexOfAnyExcept('*') < 0;
    }
}

/// <summary>Named sets of rules, and which names of conferences get which (RFC 5239 §3: conference blueprint).</summary>
public sealed record Blueprints(
    ConferencePolicy Default, ImmutableSortedDictionary<string, ConferencePolicy> Named, ImmutableArray<NamePattern> ByName)
{
    /// <summary>The rules under <c>confcluster.conference</c>.</summary>
    public const string DefaultName = "default";

    public static Blueprints Only(ConferencePolicy policy) => new(policy, ImmutableSortedDictionary<string, ConferencePolicy>.Empty, []);

    /// <summary>The first pattern that fits counts.</summary>
    public string NameFor(ConferenceId conference) => ByName.FirstOrDefault(b => b.Fits(conference.Value))?.Blueprint ?? DefaultName;

    public ConferencePolicy PolicyOf(string blueprint) => Named.GetValueOrDefault(blueprint, Default);

    /// <summary>What was settled, or what holds for such a name.</summary>
    public ConferencePolicy PolicyFor(ConferenceId conference, ConferencePlan? plan) =>
        plan is null ? PolicyOf(NameFor(conference)) : PolicyTerms.Read(plan.Policy, Default);

    /// <summary>For the operator to see: also where nothing was settled.</summary>
    public ConferencePlan PlanOf(ConferenceId conference, ConferencePlan? plan) =>
        plan ?? new ConferencePlan(NameFor(conference), [], PolicyTerms.Write(PolicyFor(conference, null)));

    /// <param name="blueprint">Null: the one for such a name.</param>
    /// <param name="problems">Everything that is wrong, each in a sentence; empty: nothing.</param>
    /// <returns>Null when there are problems.</returns>
    public ConferencePlan? Plan(
        ConferenceId conference, string? blueprint, IEnumerable<PolicySetting> set, out ImmutableArray<string> problems)
    {
        ArgumentNullException.ThrowIfNull(set);
        var wrong = ImmutableArray.CreateBuilder<string>();
        var name = blueprint ?? NameFor(conference);
        if (name != DefaultName && !Named.ContainsKey(name))
            wrong.Add($"There is no blueprint {name}; there are: {string.Join(", ", Named.Keys.Prepend(DefaultName))}.");

        var (policy, changes, seen) = (PolicyOf(name), ImmutableArray.CreateBuilder<PolicySetting>(), new HashSet<string>());
        foreach (var setting in set)
        {
            if (PolicyTerms.Find(setting.Name) is not { } term) wrong.Add(Unknown(setting.Name));
            else if (!seen.Add(term.Name)) wrong.Add($"{setting.Name} is set twice.");
            else if (!term.TrySet(policy, setting.Value, out policy)) wrong.Add($"{setting.Name} = {setting.Value}: {term.Allowed}.");
            else changes.Add(new PolicySetting(term.Name, term.Get(policy)));
        }

        problems = wrong.ToImmutable();
        return wrong.Count == 0 ? new ConferencePlan(name, changes.ToImmutable(), PolicyTerms.Write(policy)) : null;
    }

    private static string Unknown(string name)
    {
        var hint = PolicyTerms.Nearest(name) is { } meant ? $"did you mean {meant}?" : $"there are: {string.Join(", ", PolicyTerms.All.Select(t => t.Name))}.";
        return $"A conference has no setting {name}; {hint}";
    }
}
