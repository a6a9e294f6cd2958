using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>Real programs from the distribution. One that is missing skips the test with its reason; in CI (CI=true) it fails.</summary>
public static class Peers
{
    public static string Require(string program, string package)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);
        if (path is not null) return path;
        RequireThat(false, $"{program} is not installed (package {package})");
        throw new InvalidOperationException("not reached");
    }

    public static void RequireThat(bool present, string reason)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.True(present, reason);
        Skip.IfNot(present, reason);
    }
}
