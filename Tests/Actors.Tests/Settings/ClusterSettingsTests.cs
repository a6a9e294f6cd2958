using System.Net;
using Akka.Configuration;
using ConfCluster.Actors.Settings;
using Xunit;

namespace ConfCluster.Actors.Tests.Settings;

public sealed class ClusterSettingsTests
{
    private const string Tls = """
        cluster.tls { certificate = "n.pem", key = "n.key", trust = "ca.pem" }
        """;

    private const string Whole = $$"""
        cluster { seeds = ["192.0.2.1:4053", "cluster.example:4053"], port = 4053, address = "192.0.2.1", key-file = "cluster.key" }
        {{Tls}}
        journal { kind = postgresql, connection-string = "Host=127.0.0.1;Database=c;Username=c" }
        """;

    [Fact]
    public void Without_a_word_a_node_is_alone_and_does_everything()
    {
        var cluster = Read("").Settings!.Cluster;
        Assert.True(cluster.IsAlone);
        Assert.Equal<NodeRole>(Enum.GetValues<NodeRole>(), cluster.Roles);
        Assert.Null(cluster.Tls);
    }

    [Fact]
    public void A_node_of_a_cluster_is_said_whole()
    {
        var settings = Read($"{Whole}\ncluster.roles = [\"sip\", \"kms\"]");
        Assert.Empty(settings.Problems);
        var cluster = settings.Settings!.Cluster;
        Assert.False(cluster.IsAlone);
        Assert.Equal<SeedAddress>([new SeedAddress("192.0.2.1", 4053), new SeedAddress("cluster.example", 4053)], cluster.Seeds);
        Assert.Equal<NodeRole>([NodeRole.Sip, NodeRole.Kms], cluster.Roles);
        Assert.Equal(("n.pem", "ca.pem"), (cluster.Tls!.Certificate.Certificate, cluster.Tls.Trust));
        Assert.Equal(IPAddress.Parse("192.0.2.1"), cluster.Address);
        Assert.Equal(JournalKind.PostgreSql, settings.Settings.Journal.Kind);
    }

    [Theory]
    [InlineData("journal.kind = sqlite\njournal.connection-string = \"\"", "journal.kind", "SQLite")]
    [InlineData("journal.kind = sqlite", "journal.connection-string", "Data Source")]
    [InlineData("cluster.port = 0", "cluster.port", "fixed port")]
    [InlineData("cluster.key-file = \"\"", "cluster.key-file", "tls init")]
    [InlineData("cluster.address = \"0.0.0.0\"", "cluster.address", "one address")]
    [InlineData("cluster.tls.certificate = \"\"\ncluster.tls.key = \"\"\ncluster.tls.trust = \"\"", "cluster.tls.certificate", "not alone on loopback")]
    [InlineData("cluster.tls.trust = \"\"", "cluster.tls.trust", "own root")]
    [InlineData("cluster.seeds = [\"nowhere\"]", "cluster.seeds", "host:port")]
    [InlineData("cluster.roles = [\"bar\"]", "cluster.roles", "sip, focus, media, kms")]
    [InlineData("journal.connection-string = \"Host=192.0.2.5;Database=c\"", "journal.connection-string", "VerifyFull")]
    [InlineData("journal.connection-string = \"Database=c\"", "journal.connection-string", "Host")]
    [InlineData("journal.password-file = \"/nowhere/at/all\"", "journal.password-file", "")]
    public void What_is_wrong_is_told_with_what_is_needed(string change, string where, string said)
    {
        var problems = Read($"{Whole}\n{change}").Problems;
        Assert.Contains(problems, p => p.Where == $"confcluster.{where}" && p.Allowed.Contains(said, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("cluster.roles = [\"sip\"]", "cluster.roles")]
    [InlineData("cluster.address = \"192.0.2.1\"", "cluster.tls.certificate")]
    public void A_node_that_is_alone_must_be_able_to(string change, string where) =>
        Assert.Contains(Read(change).Problems, p => p.Where == $"confcluster.{where}");

    [Fact]
    public void A_node_alone_beyond_the_loopback_needs_TLS_and_nothing_else() =>
        Assert.Empty(Read($"cluster.address = \"192.0.2.1\"\n{Tls}").Problems);

    [Fact]
    public void A_password_is_in_no_text_of_the_settings()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "very-secret\n");
        var settings = Read($"{Whole}\njournal.password-file = \"{file}\"").Settings!;
        Assert.Contains("very-secret", settings.Journal.Database.ConnectionString, StringComparison.Ordinal);
        Assert.DoesNotContain("very-secret", $"{settings} {settings.Journal} {settings.Journal.Database}", StringComparison.Ordinal);
        File.Delete(file);
    }

    private static SettingsResult Read(string text)
    {
        var lines = string.Join('\n', text.Split('\n').Where(l => l.Trim().Length > 0).Select(l => $"confcluster.{l.Trim()}"));
        return SettingsReader.Read(ConfigurationFactory.ParseString(lines).WithFallback(SettingsReader.Reference()));
    }
}
