using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

public sealed class BlueprintsTests
{
    private static readonly ConferencePolicy Default = new(100) { Keys = new GroupKeyPolicy(true, RekeyPolicy.Default) };

    private static readonly Blueprints Book = new(
        Default,
        ImmutableSortedDictionary<string, ConferencePolicy>.Empty.Add("board", Default with { MaxParticipants = 10 }).Add("open", Default with { MaxParticipants = 50 }),
        [new NamePattern("board-*", "board"), new NamePattern("*-open", "open"), new NamePattern("board-open", "open")]);

    [Theory]
    [InlineData("board-7", "board")]
    [InlineData("board-", "board")]
    [InlineData("board-open", "board")]
    [InlineData("x-open", "open")]
    [InlineData("board", "default")]
    [InlineData("x-open-y", "default")]
    public void The_first_pattern_that_fits_a_name_counts(string name, string blueprint) => Assert.Equal(blueprint, Book.NameFor(new ConferenceId(name)));

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("a*b*c", "a-b-b-c", true)]
    [InlineData("a*b*c", "a-c-b", false)]
    [InlineData("*a", "aba", true)]
    [InlineData("**", "x", true)]
    [InlineData("a", "a*", false)]
    [InlineData("", "", true)]
    public void A_star_stands_for_any_letters(string pattern, string name, bool fits) => Assert.Equal(fits, new NamePattern(pattern, "b").Fits(name));

    [Fact]
    public void A_plan_is_the_blueprint_and_what_was_set()
    {
        var plan = Plan("board", ("rekey.min-interval", "30s"), ("max-participants", "5"));
        Assert.Equal<PolicySetting>([new("rekey.min-interval", "30s"), new("max-participants", "5")], plan.Set);
        var policy = Book.PolicyFor(new ConferenceId("any"), plan);
        Assert.Equal((5, TimeSpan.FromSeconds(30)), (policy.MaxParticipants, policy.Keys.Rekey.MinInterval));
        Assert.Equal(Default.Keys.Rekey.Grace, policy.Keys.Rekey.Grace);
    }

    [Fact]
    public void A_plan_outlives_its_blueprint_and_the_defaults()
    {
        var plan = Plan("board", ("rekey.grace", "5s"));
        var later = Blueprints.Only(new ConferencePolicy(7));
        Assert.Equal(Book.PolicyFor(new ConferenceId("any"), plan), later.PolicyFor(new ConferenceId("any"), plan));
    }

    [Theory]
    [InlineData("rekey.min-intervall", "10s", "A conference has no setting rekey.min-intervall; did you mean rekey.min-interval?")]
    [InlineData("min-interval", "10s", "A conference has no setting min-interval; did you mean rekey.min-interval?")]
    [InlineData("keys.rekey.grace", "10s", "A conference has no setting keys.rekey.grace; did you mean rekey.grace?")]
    [InlineData("codecs", "PCMU", "A conference has no setting codecs; there are: max-participants, legs-per-mixer, min-identity")]
    [InlineData("rekey.min-interval", "10", "rekey.min-interval = 10: a duration such as 500ms, 10s, 5m, 1h or 1d, from 0s to 1h.")]
    [InlineData("rekey.distribution-timeout", "5s", "rekey.distribution-timeout = 5s: a duration such as 500ms, 10s, 5m, 1h or 1d, from 6s to 1h.")]
    [InlineData("max-participants", "1", "max-participants = 1: a whole number from 2 to 100000.")]
    [InlineData("non-mki-legs", "maybe", "non-mki-legs = maybe: allowed: individual, group, refuse.")]
    [InlineData("user-agents", "Acme", "user-agents = Acme: \"Acme Phone/1 = group\"")]
    public void What_is_wrong_is_refused_with_what_is_right(string name, string value, string sentence)
    {
        Assert.Null(Book.Plan(new ConferenceId("x"), null, [new PolicySetting(name, value)], out var problems));
        Assert.StartsWith(sentence, Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once()
    {
        Assert.Null(Book.Plan(new ConferenceId("x"), "bord", [new("a", "1"), new("rekey.grace", "x"), new("rekey.grace", "1s")], out var problems));
        Assert.Equal(4, problems.Length);
        Assert.Equal("There is no blueprint bord; there are: default, board, open.", problems[0]);
        Assert.Equal("rekey.grace is set twice.", problems[3]);
    }

    [Fact]
    public void What_is_written_is_read_as_it_was() =>
        Gen.Select(Keys.Rekeying.RekeyProperties.AnyPolicy, Gen.Int[2, 1000], Gen.Enum<NonMkiLegs>(), Gen.Enum<SdesSignalling>()).Sample((rekey, most, legs, sdes) =>
        {
            var policy = new ConferencePolicy(most)
            {
                Keys = new GroupKeyPolicy(true, rekey) { NonMkiLegs = legs, SdesSignalling = sdes, ByUserAgent = [("Acme Phone", NonMkiLegs.Group)] },
            };
            var read = PolicyTerms.Read(PolicyTerms.Write(policy), Default);
            Assert.Equal<(string, NonMkiLegs)>(policy.Keys.ByUserAgent, read.Keys.ByUserAgent);
            Assert.Equal(policy with { Keys = policy.Keys with { ByUserAgent = [] } }, read with { Keys = read.Keys with { ByUserAgent = [] } });
        }, iter: 500);

    [Fact]
    public void A_name_is_planned_for_all_its_instances_and_not_while_it_is_on()
    {
        var (scene, first, second) = (ConferenceState.New(new ConferenceId("room")), Plan("board"), Plan("open"));
        scene = scene.Apply(Decide(scene, first));
        Assert.Empty(Decide(scene, first));
        scene = scene.Apply([new ConferenceEvent.Created(new ConferenceId("room")) { At = default }]);
        Assert.Empty(Decide(scene, second));
        scene = scene.Apply([new ConferenceEvent.Ended(EndReason.LastLeft) { At = default }]);
        Assert.Equal(first, scene.Plan);
        Assert.Equal(second, scene.Apply(Decide(scene, second)).Plan);
    }

    private static ImmutableArray<ConferenceEvent> Decide(ConferenceState state, ConferencePlan plan)
    {
        var context = new DecisionContext(DateTimeOffset.UnixEpoch, Default, () => throw new InvalidOperationException("no SSRC is needed"));
        return Assert.IsType<Decision.Accepted>(ConferenceDecider.Decide(state, new ConferenceCommand.Plan(plan), context)).Events;
    }

    private static ConferencePlan Plan(string? blueprint, params (string Name, string Value)[] set)
    {
        var plan = Book.Plan(new ConferenceId("room"), blueprint, set.Select(s => new PolicySetting(s.Name, s.Value)), out var problems);
        Assert.Empty(problems);
        return plan!;
    }
}
