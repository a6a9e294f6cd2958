using Xunit;

namespace ConfCluster.Architecture.Tests;

internal static class Breaches
{
    /// <summary>Fails with every breach, one a line.</summary>
    public static void None(IEnumerable<string?> breaches)
    {
        var found = breaches.ToList();
        Assert.True(found.Count == 0, string.Join('\n', found));
    }
}
