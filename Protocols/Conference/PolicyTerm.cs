using System.Globalization;

namespace ConfCluster.Protocols.Conference;

/// <summary>One rule of a conference as settings, blueprints and operators name it.</summary>
/// <param name="Name">As a blueprint has it: <c>rekey.min-interval</c>.</param>
/// <param name="Path">As it stands below <c>confcluster.conference</c>, where every conference's default is.</param>
/// <param name="Allowed">What may be said, for whoever said something else.</param>
/// <param name="IsList">Its text is a list, joined with <c>;</c>.</param>
public sealed record PolicyTerm(
    string Name, string Path, string Allowed, Func<ConferencePolicy, string, ConferencePolicy?> Set, Func<ConferencePolicy, string> Get, bool IsList = false)
{
    /// <returns>False: not one of <see cref="Allowed"/>.</returns>
    public bool TrySet(ConferencePolicy policy, string text, out ConferencePolicy next)
    {
        ArgumentNullException.ThrowIfNull(text);
        var set = Set(policy, text.Trim());
        next = set ?? policy;
        return set is not null;
    }

    internal static PolicyTerm Number(
        string name, string path, int min, int max, Func<ConferencePolicy, int, ConferencePolicy> set, Func<ConferencePolicy, long> get) => new(
        name, path, string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}"),
        (policy, text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? set(policy, value)
            : null,
        policy => get(policy).ToString(CultureInfo.InvariantCulture));

    internal static PolicyTerm Duration(
        string name, string path, TimeSpan min, TimeSpan max, Func<ConferencePolicy, TimeSpan, ConferencePolicy> set, Func<ConferencePolicy, TimeSpan> get) =>
        new(
            name, path, $"a duration such as 500ms, 10s, 5m, 1h or 1d, from {DurationText.Write(min)} to {DurationText.Write(max)}",
            (policy, text) => DurationText.TryRead(text, out var value) && value >= min && value <= max ? set(policy, value) : null,
            policy => DurationText.Write(get(policy)));

    internal static PolicyTerm Switch(string name, string path, Func<ConferencePolicy, bool, ConferencePolicy> set, Func<ConferencePolicy, bool> get) =>
        OneOf(name, path, set, get, ("on", true), ("off", false), ("true", true), ("false", false));

    internal static PolicyTerm OneOf<T>(
        string name, string path, Func<ConferencePolicy, T, ConferencePolicy> set, Func<ConferencePolicy, T> get, params (string Name, T Value)[] allowed) => new(
        name, path, $"allowed: {string.Join(", ", allowed.Select(a => a.Name))}",
        (policy, text) =>
        {
            foreach (var (word, value) in allowed)
                if (string.Equals(word, text, StringComparison.OrdinalIgnoreCase))
                    return set(policy, value);
            return null;
        },
        policy => allowed.First(a => EqualityComparer<T>.Default.Equals(a.Value, get(policy))).Name);
}
