using Akka.Configuration;
using ConfCluster.Actors.Settings;
using Xunit;

namespace ConfCluster.Actors.Tests.Settings;

public class HoconLintTests
{
    [Theory]
    [InlineData("a { b = [1,2\n c = 3", "[ is never closed")]
    [InlineData("a { b = [1,2\n c = 3 }", "} comes before the [ of line 1 is closed")]
    [InlineData("a {\n b = 1", "{ is never closed")]
    [InlineData("a = 1 }", "} closes nothing")]
    [InlineData("a = \"open", "a quote is never closed")]
    [InlineData("a = \"open\nb = 2\"", "a quote is never closed")]
    [InlineData("a += 2", "+= is not supported")]
    [InlineData("include \"other.conf\"", "include is not supported")]
    [InlineData("a = ${?HOME}", "${…} is not supported")]
    [InlineData("x { y = 1 }, z = 2", "no comma after }")]
    [InlineData("x { y = 1 }\n, z = 2", "no comma after }")]
    [InlineData("a = http://x", "in quotes")]
    public void What_the_parser_would_swallow_is_refused(string text, string sentence)
    {
        var problem = Assert.Single(HoconLint.Check(text, "my.conf"));
        Assert.Contains(sentence, problem.Allowed, StringComparison.Ordinal);
        Assert.StartsWith("my.conf, line ", problem.Where, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a { b = [1,2] }\nc = 3")]
    [InlineData("a = \"[ { +=\" # [ {")]
    [InlineData("// include [\na = 1")]
    [InlineData("a = \"quote \\\" and backslash \\\\\"")]
    [InlineData("included = 1\nb.include-me = 2")]
    [InlineData("")]
    public void Sound_text_passes(string text) => Assert.Empty(HoconLint.Check(text, "my.conf"));

    [Fact]
    public void The_line_of_the_fault_is_named()
    {
        var problem = Assert.Single(HoconLint.Check("a = 1\nb {\n  c = [\n}\n", "my.conf"));
        Assert.Equal("my.conf, line 4", problem.Where);
    }

    [Fact]
    public void Every_file_of_ours_passes_cut_nowhere_and_no_cut_hangs_the_parser()
    {
        var text = SettingsReader.ReferenceText();
        Assert.Empty(HoconLint.Check(text, "reference.conf"));
        for (var length = 0; length < text.Length; length += 7)
        {
            var cut = text[..length];
            if (HoconLint.Check(cut, "cut").IsEmpty && cut.Trim().Length > 0) ConfigurationFactory.ParseString(cut);
        }
    }
}
