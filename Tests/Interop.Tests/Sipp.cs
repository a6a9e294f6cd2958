using System.Globalization;
using System.Security.Cryptography;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>SIPp scenarios in <c>Sipp/*.xml</c>; a scenario that sees anything but what it expects makes sipp exit non-zero.</summary>
internal sealed class Sipp : IDisposable
{
    private const int Keys = 500;

    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-sipp-").FullName;
    private readonly NodeUnderTest _node;
    private readonly string _scenario;
    private readonly ChildProcess _process;

    /// <param name="target">Host and port that it sends to: the node, or a proxy in front of it.</param>
    private Sipp(NodeUnderTest node, string target, string scenario, string conference, params ReadOnlySpan<string> more)
    {
        var program = Peers.Require("sipp", "sip-tester");
        (_node, _scenario) = (node, scenario);
        // RFC 4568 §6.1: a key is unique. A scenario that makes several calls takes one for each as [field0].
        var keys = Path.Combine(_directory, "keys.csv");
        File.WriteAllLines(keys, ["SEQUENTIAL", .. Enumerable.Range(0, Keys).Select(_ => $"{Convert.ToBase64String(RandomNumberGenerator.GetBytes(30))};")]);
        string[] address = more.Contains("-i") ? [] : ["-i", node.SipAddress];
        _process = ChildProcess.Start(program,
            [
                target, "-sf", Path.Combine(AppContext.BaseDirectory, "Sipp", scenario), "-s", conference, "-inf", keys, .. address,
                "-nostdin", "-trace_err", "-trace_msg", "-timeout", "60s", "-timeout_error", .. more.Contains("-m") ? [] : (string[])["-m", "1"], .. more,
            ], _directory);
    }

    public bool IsOver => _process.HasExited;

    public static Sipp Start(NodeUnderTest node, string scenario, string conference, params ReadOnlySpan<string> more) =>
        new(node, $"{node.SipAddress}:{node.SipPort}", scenario, conference, more);

    public static Sipp StartThrough(string proxy, NodeUnderTest node, string scenario, string conference, params ReadOnlySpan<string> more) =>
        new(node, proxy, scenario, conference, more);

    /// <summary>A phone that waits for a call at a port.</summary>
    public static Sipp Await(NodeUnderTest node, string scenario, int port, params ReadOnlySpan<string> more) =>
        new(node, $"{node.SipAddress}:{node.SipPort}", scenario, "", [.. more, "-p", port.ToString(CultureInfo.InvariantCulture)]);

    public static async Task RunAsync(NodeUnderTest node, string scenario, string conference, int calls = 1, params string[] more)
    {
        using var sipp = Start(node, scenario, conference, ["-m", calls.ToString(CultureInfo.InvariantCulture), .. more]);
        await sipp.EndsWellAsync();
    }

    /// <summary>Starts a scenario in which the focus hangs up, and has the conference ended as soon as the caller is in it.</summary>
    public static async Task RunUntilEndedAsync(NodeUnderTest node, string scenario, string conference, string? proxy = null, params string[] more)
    {
        using var sipp = proxy is null ? Start(node, scenario, conference, more) : StartThrough(proxy, node, scenario, conference, more);
        await sipp.JoinedAsync(conference);
        await node.EndAsync(conference);
        await sipp.EndsWellAsync();
    }

    /// <summary>Waits until the caller is in the conference; fails with what sipp saw when it is over before that.</summary>
    public async Task JoinedAsync(string conference)
    {
        await _node.Until(async () => _process.HasExited || await _node.ParticipantsAsync(conference) > 0, $"sipp to be in {conference}");
        if (_process.HasExited) await EndsWellAsync();
    }

    /// <summary>Waits until a text has been in so many messages, sent or received.</summary>
    public Task SawAsync(string text, int times) => _node.Until(
        () => Task.FromResult(_process.HasExited || Messages().Split(text).Length > times), $"sipp to see {text} {times} times");

    public async Task EndsWellAsync()
    {
        await _process.WaitAsync(TimeSpan.FromSeconds(90));
        Assert.True(_process.ExitCode == 0, $"{_scenario}: sipp ended with {_process.ExitCode}\n{Logs()}\nnode:\n{_node.Log}");
    }

    public void Dispose()
    {
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private string Messages()
    {
        if (Directory.EnumerateFiles(_directory, "*_messages.log").FirstOrDefault() is not { } log) return "";
        using var reader = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private string Logs() => string.Join("\n", Directory.EnumerateFiles(_directory, "*.log").Select(f => Tail(File.ReadAllText(f))));

    private static string Tail(string text) => text.Length <= 6000 ? text : text[^6000..];
}
