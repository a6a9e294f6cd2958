using System.Reflection;
using System.Xml.Linq;
using Xunit;

namespace ConfCluster.Architecture.Tests;

/// <summary>Cluster.Host ──▶ Actors ──▶ Protocols, and nothing of Akka below Actors.</summary>
public class Floors
{
    [Theory]
    [InlineData("Protocols/Protocols.csproj")]
    [InlineData("Actors/Actors.csproj", "Protocols")]
    [InlineData("Cluster.Host/Cluster.Host.csproj", "Actors")]
    public void A_project_references_only_the_floor_below(string project, params string[] below) =>
        Assert.Equal(below, XDocument.Parse(Sources.Read(project)).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value)));

    [Fact]
    public void Protocols_needs_no_package_but_the_ciphers_and_an_analyzer() => Assert.Equal(
        ["BouncyCastle.Cryptography", "Microsoft.CodeAnalysis.BannedApiAnalyzers"],
        XDocument.Parse(Sources.Read("Protocols/Protocols.csproj")).Descendants("PackageReference").Select(r => r.Attribute("Include")!.Value).Order());

    [Fact]
    public void Protocols_loads_nothing_of_Akka() => Assert.DoesNotContain(
        Assemblies.Protocols.GetReferencedAssemblies(), a => a.Name!.StartsWith("Akka", StringComparison.Ordinal));

    [Fact]
    public void The_pure_floor_bans_clocks_sockets_threads_and_randomness()
    {
        var banned = Sources.Read("Protocols/BannedSymbols.txt");
        foreach (var symbol in (string[])["DateTimeOffset.UtcNow", "RandomNumberGenerator", "Sockets.Socket", "Threading.Thread", "System.Console", "TimeProvider"])
            Assert.Contains(symbol, banned, StringComparison.Ordinal);
    }
}

internal static class Assemblies
{
    public static Assembly Protocols { get; } = typeof(ConfCluster.Protocols.Wire.SecretBytes).Assembly;

    public static Assembly Actors { get; } = typeof(ConfCluster.Actors.EntityRegions).Assembly;

    public static Assembly Host { get; } = Assembly.Load("confcluster");
}
