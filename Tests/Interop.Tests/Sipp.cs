using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>SIPp scenarios in <c>Sipp/*.xml</c>; a scenario that sees anything but what it expects makes sipp exit non-zero.</summary>
internal static class Sipp
{
    public static async Task RunAsync(NodeUnderTest node, string scenario, string conference, int calls = 1, params string[] more)
    {
        var program = Peers.Require("sipp", "sip-tester");
        var directory = Directory.CreateTempSubdirectory("confcluster-sipp-").FullName;
        try
        {
            using var run = await ChildProcess.RunAsync(program,
                [
                    $"127.0.0.1:{node.SipPort}", "-sf", Path.Combine(AppContext.BaseDirectory, "Sipp", scenario), "-s", conference, "-i", "127.0.0.1",
                    "-m", $"{calls}", "-nostdin", "-trace_err", "-trace_msg", "-timeout", "60s", "-timeout_error", .. more,
                ], TimeSpan.FromSeconds(90), directory);
            Assert.True(run.ExitCode == 0, $"{scenario}: sipp ended with {run.ExitCode}\n{Logs(directory)}\nnode:\n{node.Log}");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Logs(string directory) => string.Join("\n", Directory.EnumerateFiles(directory, "*.log").Select(f => Tail(File.ReadAllText(f))));

    private static string Tail(string text) => text.Length <= 6000 ? text : text[^6000..];
}
