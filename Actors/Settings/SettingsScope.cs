using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Akka.Configuration;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Settings;

/// <summary>Reads single values, remembers which keys were read, and collects what is wrong instead of stopping at the first.</summary>
internal sealed class SettingsScope(Config config)
{
    private readonly ImmutableArray<SettingProblem>.Builder _problems = ImmutableArray.CreateBuilder<SettingProblem>();
    private readonly HashSet<string> _read = [];

    public IReadOnlySet<string> Read => _read;

    public ImmutableArray<SettingProblem> Problems => _problems.ToImmutable();

    public string Text(string path)
    {
        if (!_read.Add(path)) throw new InvalidOperationException($"{path} is read twice");
        if (!config.HasPath(path)) return Refuse(path, "", "has no value", "");
        return config.GetString(path) ?? Refuse(path, "", "one value is allowed, not a block or a list", "");
    }

    public int Number(string path, int min, int max)
    {
        var text = Text(path);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : Refuse(path, text, $"a whole number from {min} to {max}", min);
    }

    public bool Switch(string path) => OneOf(path, ("on", true), ("off", false), ("true", true), ("false", false));

    public T OneOf<T>(string path, params ReadOnlySpan<(string Name, T Value)> allowed)
    {
        var text = Text(path);
        foreach (var (name, value) in allowed)
        {
            if (string.Equals(name, text, StringComparison.OrdinalIgnoreCase)) return value;
        }

        return Refuse(path, text, $"allowed: {string.Join(", ", allowed.ToArray().Select(a => a.Name))}", allowed[0].Value);
    }

    public TimeSpan Duration(string path, TimeSpan min, TimeSpan max)
    {
        var text = Text(path);
        return DurationText.TryRead(text, out var value) && value >= min && value <= max
            ? value
            : Refuse(path, text, $"a duration such as 500ms, 10s, 5m, 1h or 1d, from {DurationText.Write(min)} to {DurationText.Write(max)}", min);
    }

    public IPAddress Address(string path)
    {
        var text = Text(path);
        return IPAddress.TryParse(text, out var address) ? address : Refuse(path, text, "an IPv4 or IPv6 address", IPAddress.Loopback);
    }

    public IPAddress? OptionalAddress(string path)
    {
        var text = Text(path);
        if (text.Length == 0) return null;
        return IPAddress.TryParse(text, out var address) ? address : Refuse<IPAddress?>(path, text, "an IPv4 or IPv6 address, or empty", null);
    }

    /// <summary>A list that may be empty and hold anything.</summary>
    public ImmutableArray<string> Texts(string path)
    {
        if (!_read.Add(path)) throw new InvalidOperationException($"{path} is read twice");
        return config.HasPath(path) ? [.. config.GetStringList(path)] : [];
    }

    /// <summary>A list that may be empty, or one value in its place.</summary>
    public ImmutableArray<string> TextOrTexts(string path)
    {
        if (!_read.Add(path)) throw new InvalidOperationException($"{path} is read twice");
        if (!config.HasPath(path)) return Refuse<ImmutableArray<string>>(path, "", "has no value", []);
        return config.GetValue(path).IsArray() ? [.. config.GetStringList(path)] : config.GetString(path) is { Length: > 0 } one ? [one] : [];
    }

    /// <summary>Every key below that holds a value, by its path from there.</summary>
    public IReadOnlyList<string> Under(string path) =>
        config.HasPath(path) ? [.. SettingsReader.Keys(config.GetValue(path), "").Where(k => k.Length > 0)] : [];

    public ImmutableArray<T> List<T>(string path, IEnumerable<string> allowed, Func<string, T?> find)
        where T : class
    {
        if (!_read.Add(path)) throw new InvalidOperationException($"{path} is read twice");
        var names = config.HasPath(path) ? config.GetStringList(path) : [];
        if (names.Count == 0) return Refuse<ImmutableArray<T>>(path, "[]", $"a list of at least one of {string.Join(", ", allowed)}", []);
        if (names.FirstOrDefault(n => find(n) is null) is { } unknown)
            return Refuse<ImmutableArray<T>>(path, unknown, $"allowed: {string.Join(", ", allowed)}", []);
        if (names.Distinct(StringComparer.OrdinalIgnoreCase).Count() != names.Count)
            return Refuse<ImmutableArray<T>>(path, string.Join(", ", names), "each at most once", []);
        return [.. names.Select(n => find(n)!)];
    }

    public delegate bool TryRead<T>(string text, out T? value);

    /// <summary>A list that may be empty, or one value in its place.</summary>
    public ImmutableArray<T> Readable<T>(string path, string allowed, TryRead<T> tryRead)
        where T : class
    {
        if (!_read.Add(path)) throw new InvalidOperationException($"{path} is read twice");
        if (!config.HasPath(path)) return Refuse<ImmutableArray<T>>(path, "", "has no value", []);
        var texts = config.GetValue(path).IsArray() ? config.GetStringList(path) : config.GetString(path) is { Length: > 0 } one ? [one] : [];
        var values = ImmutableArray.CreateBuilder<T>(texts.Count);
        foreach (var text in texts)
        {
            if (!tryRead(text, out var value)) return Refuse<ImmutableArray<T>>(path, text, allowed, []);
            values.Add(value!);
        }

        return values.ToImmutable();
    }

    /// <summary>Networks as address/length; the list may be empty.</summary>
    public ImmutableArray<IPNetwork> Networks(string path)
    {
        if (!_read.Add(path)) throw new InvalidOperationException($"{path} is read twice");
        var texts = config.HasPath(path) ? config.GetStringList(path) : [];
        return texts.FirstOrDefault(t => !IPNetwork.TryParse(t, out _)) is { } bad
            ? Refuse<ImmutableArray<IPNetwork>>(path, bad, "a list of networks such as 192.0.2.0/24 or 2001:db8::/32", [])
            : [.. texts.Select(t => IPNetwork.Parse(t))];
    }

    public T Refuse<T>(string path, string found, string allowed, T instead)
    {
        _problems.Add(new SettingProblem(path, found, allowed));
        return instead;
    }
}
