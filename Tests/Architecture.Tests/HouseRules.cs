using System.Text.RegularExpressions;
using Xunit;

namespace ConfCluster.Architecture.Tests;

/// <summary>Rules of the source text that no compiler sees.</summary>
public partial class HouseRules
{
    private const int LongestFile = 400;

    /// <summary>Aim at 120 and stop at 140; a signature or a table may take a little more.</summary>
    private const int LongestLine = 170;

    private static readonly string[] BannedSuffixes =
        ["Manager", "Helper", "Helpers", "Util", "Utils", "Service", "Processor", "Info", "Data", "Base", "Impl"];

    /// <summary>Where a catch-all is right, and why.</summary>
    private static readonly Dictionary<string, string> CatchAlls = new()
    {
        ["Actors/Media/MediaLane.cs"] = "a thread has no supervisor: its mixers' actors throw in its place",
        ["Tests/Fuzz/FuzzRun.cs"] = "whatever a target throws is the finding",
    };

    [Fact]
    public void No_file_is_longer_than_400_lines() => Breaches.None(
        Sources.All().Where(f => f.Lines.Count() > LongestFile).Select(f => $"{f.Path}: {f.Lines.Count()}"));

    [Fact]
    public void No_line_is_too_long_to_read() => Breaches.None(
        from file in Sources.Of("Protocols", "Actors", "Cluster.Host")
        from line in file.Lines
        where line.Text.Length > LongestLine
        select $"{file.Path}:{line.Number}: {line.Text.Length}");

    [Fact]
    public void A_clause_is_cited_in_one_spelling() => Breaches.None(
        from file in Sources.All()
        where file.Path != Citations.Path
        from line in file.Lines
        where Citations.Misspelt(line.Text)
        select $"{file.Path}:{line.Number}: {line.Text.Trim()}");

    [Fact]
    public void No_type_has_a_suffix_that_says_nothing() => Breaches.None(
        from assembly in (System.Reflection.Assembly[])[Assemblies.Protocols, Assemblies.Actors, Assemblies.Host]
        from type in assembly.GetTypes()
        let name = type.Name.Split('`')[0]
        where type.Namespace?.StartsWith("ConfCluster.", StringComparison.Ordinal) == true && !type.Namespace.Contains(".Proto", StringComparison.Ordinal)
        where BannedSuffixes.Any(s => name.EndsWith(s, StringComparison.Ordinal)) && !name.Contains('<', StringComparison.Ordinal)
        select type.FullName);

    [Fact]
    public void No_actor_asks() => Breaches.None(
        from file in Sources.Of("Actors")
        from line in file.Code
        where Ask().IsMatch(line.Text)
        select $"{file.Path}:{line.Number}");

    [Fact]
    public void Nothing_catches_everything_without_a_listed_reason() => Breaches.None(
        from file in Sources.All()
        where !CatchAlls.ContainsKey(file.Path)
        from line in file.Code
        where CatchAll().IsMatch(line.Text) && !line.Text.Contains(" when ", StringComparison.Ordinal)
        select $"{file.Path}:{line.Number}");

    [Fact]
    public void Nothing_is_left_to_do_in_a_comment() => Breaches.None(
        from file in Sources.Of("Protocols", "Actors", "Cluster.Host")
        from line in file.Lines
        where Unfinished().IsMatch(line.Text)
        select $"{file.Path}:{line.Number}");

    [GeneratedRegex(@"\.Ask(<[^>]+>)?\(")]
    private static partial Regex Ask();

    [GeneratedRegex(@"catch\s*(\(\s*(System\.)?Exception\b[^)]*\))?\s*(\{|$)")]
    private static partial Regex CatchAll();

    [GeneratedRegex(@"//.*\b(TODO|FIXME|TBD|HACK|XXX)\b")]
    private static partial Regex Unfinished();
}
