using System.Globalization;
using System.Text;
using Xunit;

namespace ConfCluster.Architecture.Tests;

/// <summary>
/// The conformance table of Protocols/README.md is made from the citations in the code and the traits of the tests.
/// CONFCLUSTER_WRITE_TABLE=1 writes it anew.
/// </summary>
public class ConformanceTable
{
    private const string Readme = "Protocols/README.md";
    private const string Begin = "<!-- conformance: made by Tests/Architecture.Tests -->";
    private const string End = "<!-- end of conformance -->";

    [Fact]
    public void The_table_says_what_the_code_cites()
    {
        var text = Sources.Read(Readme);
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal), text.IndexOf(End, StringComparison.Ordinal));
        Assert.True(begin >= 0 && end > begin, $"{Readme} has lost its markers");
        var wanted = $"{text[..(begin + Begin.Length)]}\n{Table()}{text[end..]}";
        if (Environment.GetEnvironmentVariable("CONFCLUSTER_WRITE_TABLE") == "1") File.WriteAllText(Path.Combine(Sources.Root, Readme), wanted);
        else Assert.True(wanted == text, $"{Readme} is out of date: run the Architecture tests with CONFCLUSTER_WRITE_TABLE=1");
    }

    [Fact]
    public void Enough_is_cited_to_speak_of_conformance() => Assert.True(Citations.InProduct().Count() > 50);

    private static string Table()
    {
        var tested = Citations.InTests().ToLookup(c => (c.Rfc, c.Section));
        var text = new StringBuilder("| RFC | Clauses cited in the code (**bold**: a test names the clause) |\n|---|---|\n");
        foreach (var rfc in Citations.InProduct().GroupBy(c => c.Rfc).OrderBy(g => g.Key))
        {
            var sections = rfc.Select(c => c.Section).Distinct().OrderBy(Key, StringComparer.Ordinal)
                .Select(s => tested.Contains((rfc.Key, s)) ? $"**§{s}**" : $"§{s}");
            text.Append(CultureInfo.InvariantCulture, $"| {rfc.Key} | {string.Join(" ", sections)} |\n");
        }

        return text.ToString();
    }

    /// <summary>10.2 after 9.1, letters of appendices last.</summary>
    private static string Key(string section) => string.Concat(section.Split('.').Select(p => p.PadLeft(4, char.IsDigit(p[0]) ? '0' : '~')));
}
