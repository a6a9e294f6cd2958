using System.Text.RegularExpressions;

namespace ConfCluster.Architecture.Tests;

/// <summary>Citations of standards as they stand in the code: <c>RFC 3711 §3.3.1</c>, and as traits of tests.</summary>
internal static partial class Citations
{
    /// <summary>This file, which shows the wrong spellings.</summary>
    public const string Path = "Tests/Architecture.Tests/Citations.cs";

    public static IEnumerable<Clause> InProduct() =>
        from file in Sources.Of("Protocols", "Actors")
        from Match match in Cited().Matches(file.Text)
        from section in match.Groups[2].Value.Split(", §")
        select new Clause(int.Parse(match.Groups[1].Value), section.Trim('.'), file.Path);

    public static IEnumerable<Clause> InTests() =>
        from file in Sources.Of("Tests")
        from Match match in Trait().Matches(file.Text)
        select new Clause(int.Parse(match.Groups[1].Value), match.Groups[2].Value.Trim('.'), file.Path);

    /// <summary>"RFC3711", "rfc 3711 section 3.3.1", "RFC 3711, 3.3.1", "§ 3.3.1" and friends.</summary>
    public static bool Misspelt(string line) => Wrong().IsMatch(line);

    [GeneratedRegex(@"RFC (\d{4}) §([\w.]+(?:, §[\w.]+)*)")]
    private static partial Regex Cited();

    [GeneratedRegex(@"\[Trait\(""RFC"", ""(\d{4}) §([\w.]+)""\)\]")]
    private static partial Regex Trait();

    [GeneratedRegex(@"\bRFC-?\d{4}\b(?!\.)|\bRFC \d{4},? ([Ss]ection|[Ss]ec\.?|chapter|clause|§ )|\bRFC \d{4}, §")]
    private static partial Regex Wrong();
}

/// <param name="Section">Without the sign.</param>
internal sealed record Clause(int Rfc, string Section, string File);
