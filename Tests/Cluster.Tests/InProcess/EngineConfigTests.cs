using Akka.Configuration;
using ConfCluster.Actors.Settings;
using ConfCluster.Host.Roles;
using Xunit;

namespace ConfCluster.Cluster.Tests.InProcess;

public sealed class EngineConfigTests
{
    private static readonly ClusterSettings Member = SettingsReader.Read(SettingsReader.Reference()).Settings!.Cluster with { Seeds = [new SeedAddress("192.0.2.1", 4053)] };

    [Fact]
    public void What_is_built_in_is_sound() => Assert.Null(EngineConfig.Refusal(ConfigurationFactory.Empty, Member));

    /// <summary>The engine takes a margin of nothing for as much as stable-after.</summary>
    [Theory]
    [InlineData("3s", "1ms", true)]
    [InlineData("3s", "0s", true)]
    [InlineData("2s", "500ms", false)]
    [InlineData("1s", "0s", false)]
    [InlineData("500ms", "3s", true)]
    public void Who_goes_on_waits_longer_than_who_ends_itself(string stable, string margin, bool isSound)
    {
        var user = ConfigurationFactory.ParseString($"akka.cluster {{ split-brain-resolver.stable-after = {stable}, down-removal-margin = {margin} }}");
        var said = EngineConfig.Refusal(user, Member);
        Assert.Equal(isSound, said is null);
        if (said is not null) Assert.Contains("cut-off-after (3 s)", said, StringComparison.Ordinal);
        Assert.Null(EngineConfig.Refusal(user, Member with { CutOffAfter = TimeSpan.Zero }));
        Assert.Null(EngineConfig.Refusal(user, Member with { Seeds = [] }));
    }
}
