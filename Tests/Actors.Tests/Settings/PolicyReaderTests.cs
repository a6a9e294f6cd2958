using Akka.Configuration;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys.Rekeying;
using Xunit;

namespace ConfCluster.Actors.Tests.Settings;

public sealed class PolicyReaderTests
{
    [Fact]
    public void Every_key_of_keys_can_stand_in_a_blueprint() => Assert.Equal(
        SettingsReader.Keys(SettingsReader.Reference()).Where(k => k.StartsWith("conference.keys.", StringComparison.Ordinal)).Order(),
        PolicyTerms.All.Select(t => $"conference.{t.Path}").Where(p => p.StartsWith("conference.keys.", StringComparison.Ordinal)).Order());

    [Fact]
    public void A_blueprint_differs_in_what_it_says_and_names_get_theirs()
    {
        var blueprints = Read("""
            confcluster.conference.keys.rekey.grace = 3s
            confcluster.blueprints.board { max-participants = 12, rekey { min-interval = 0s } }
            confcluster.blueprint-by-name = ["Board-* = board", "* = default"]
            """).Settings!.Conference.Blueprints;
        Assert.Equal("board", blueprints.NameFor(new ConferenceId("board-7")));
        var (board, other) = (blueprints.PolicyOf("board"), blueprints.PolicyOf("default"));
        Assert.Equal((12, 1000), (board.MaxParticipants, other.MaxParticipants));
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(3)), (board.Keys.Rekey.MinInterval, board.Keys.Rekey.Grace));
        Assert.Equal(Undelivered.Drop, blueprints.PolicyOf("high-security").Keys.Rekey.OnUndelivered);
    }

    [Theory]
    [InlineData("confcluster.blueprints.b.rekey.min-intervall = 1s", "blueprints.b.rekey.min-intervall: a blueprint has no such key; did you mean rekey.min-interval?")]
    [InlineData("confcluster.blueprints.b.rekey.grace = 1", "blueprints.b.rekey.grace = 1: a duration such as")]
    [InlineData("confcluster.blueprints.b = 1", "blueprints.b: a blueprint has no such key")]
    [InlineData("confcluster.blueprints.default.max-participants = 5", "default is the block conference")]
    [InlineData("confcluster.blueprint-by-name = [\"x-* = nothing\"]", "blueprint-by-name = nothing: one of default, high-security, large")]
    [InlineData("confcluster.blueprint-by-name = [\"x\"]", "blueprint-by-name = x: \"board-* = BLUEPRINT\"")]
    [InlineData("confcluster.blueprints.b.min-identity = digest", "nobody is asked who it is")]
    public void A_wrong_blueprint_is_refused(string text, string sentence)
    {
        var result = Read(text);
        Assert.Null(result.Settings);
        Assert.Contains(sentence, string.Join("\n", result.Problems), StringComparison.Ordinal);
    }

    private static SettingsResult Read(string text) => SettingsReader.Read(ConfigurationFactory.ParseString(text).WithFallback(SettingsReader.Reference()));
}
