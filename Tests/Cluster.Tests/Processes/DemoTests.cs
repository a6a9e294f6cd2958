using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>What a newcomer runs first.</summary>
[Collection("processes")]
public sealed partial class DemoTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _data.Dispose();
    }

    [Fact]
    public async Task The_demo_shows_epochs_as_they_happen_and_proves_them()
    {
        var (exit, output) = await NodeProcess.RunAsync(TimeSpan.FromSeconds(90), "demo", "--keep", $"{_data.Path}/kept");
        Assert.True(exit == 0, output);
        Assert.EndsWith("All is as it must be.", output.Split("Look yourself")[0].TrimEnd(), StringComparison.Ordinal);
        Assert.True(Epochs().Count(output) >= 6, output);
        foreach (var said in (string[])["carol is thrown out", "the key must wait for the minimum interval", "everybody has it", "verified:"])
            Assert.Contains(said, output, StringComparison.Ordinal);
        Assert.DoesNotContain(" INFO ", output, StringComparison.Ordinal);

        var (verified, said2) = await NodeProcess.RunAsync("audit", "verify", "--set", $"confcluster.data-dir={_data.Path}/kept");
        Assert.True(verified == 0, said2);
        (exit, output) = await NodeProcess.RunAsync("demo", "--keep", $"{_data.Path}/kept");
        Assert.True(exit == 1 && output.Contains("is not empty", StringComparison.Ordinal), output);
    }

    [GeneratedRegex(@"EPOCH \d+ begins: ")]
    private static partial Regex Epochs();
}
