using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace ConfCluster.Interop.Tests;

/// <summary>A phone whose signalling is <see cref="MkiCaller"/> and whose media is a foreign program, which is handed its keys line by line.</summary>
internal sealed partial class MkiPhone : IDisposable
{
    private readonly Process _media;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;
    private readonly MkiCaller _caller;

    private MkiPhone(string name, MkiCaller caller, Process media, string heard)
    {
        (Name, _caller, _media, Heard) = (name, caller, media, heard);
        (_output, _errors) = (media.StandardOutput.ReadToEndAsync(), media.StandardError.ReadToEndAsync());
    }

    public string Name { get; }

    /// <summary>The WAV file with what it heard.</summary>
    public string Heard { get; }

    public MkiCaller Signalling => _caller;

    /// <summary>Keys that it is told from now on do not reach its media: it takes them and stays with those before.</summary>
    public bool IgnoresNewKeys { get; set; }

    /// <summary>What the program counted; there at the end.</summary>
    public IReadOnlyDictionary<string, long> Counts { get; private set; } = new Dictionary<string, long>();

    public long Unopened => Counts.Where(c => c.Key is "bad_mki" or "auth_fail" or "other" or "dropped").Sum(c => c.Value);

    /// <summary>GStreamer's srtpenc and srtpdec.</summary>
    /// <param name="rtcp">With rtpsession, which sends RTCP reports of what comes out of srtpdec.</param>
    public static Task<MkiPhone> GStreamerAsync(NodeUnderTest node, string conference, string directory, int port, double tone, bool rtcp = false)
    {
        Peers.Require("python3", "python3-gi");
        var python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        var program = Path.Combine(AppContext.BaseDirectory, "GStreamer", "srtp_phone.py");
        return StartAsync(node, conference, "GStreamer", directory, port, tone, takesUpdate: true, python, rtcp ? [program, "--rtcp"] : [program]);
    }

    /// <summary>A small program on libsrtp2, compiled here.</summary>
    public static async Task<MkiPhone> LibSrtpAsync(
        NodeUnderTest node, string conference, string directory, int port, double tone, string name = "libsrtp")
    {
        var compiler = Peers.Require("gcc", "gcc");
        Peers.RequireThat(File.Exists("/usr/include/srtp2/srtp.h"), "libsrtp2 is not installed (package libsrtp2-dev)");
        var program = Path.Combine(directory, $"{name}_phone");
        var source = Path.Combine(AppContext.BaseDirectory, "LibSrtp", "srtp_phone.c");
        using var compiled = await ChildProcess.RunAsync(compiler, ["-O2", "-o", program, source, "-lsrtp2", "-lm"], TimeSpan.FromSeconds(60));
        if (compiled.ExitCode != 0) throw new InvalidOperationException(compiled.Output);
        return await StartAsync(node, conference, name, directory, port, tone, takesUpdate: false, program, []);
    }

    public async Task HangUpAsync()
    {
        await _caller.ByeAsync();
        Tell("end");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await _media.WaitForExitAsync(limit.Token);
        Counts = Numbers().Matches(await _output).ToDictionary(m => m.Groups[1].Value, m => long.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture));
        if (Counts.Count == 0 || (await _output).Contains("ERROR", StringComparison.Ordinal)) throw new InvalidOperationException($"{Name}: {await _output}{await _errors}");
    }

    public void Dispose()
    {
        if (!_media.HasExited) _media.Kill(entireProcessTree: true);
        _media.Dispose();
        _caller.Dispose();
    }

    private static async Task<MkiPhone> StartAsync(
        NodeUnderTest node, string conference, string name, string directory, int port, double tone, bool takesUpdate, string program, string[] arguments)
    {
        MkiPhone? phone = null;
        var early = new List<string>();
        var caller = new MkiCaller(node.SipPort, conference, name, port, takesUpdate, keys =>
        {
            lock (early)
            {
                if (phone is null) early.Add($"keys {keys}");
                else if (!phone.IgnoresNewKeys) phone.Tell($"keys {keys}");
            }
        });
        await caller.InviteAsync();
        var heard = Path.Combine(directory, $"{name}.wav");
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] all = [.. arguments, $"{port}", $"{caller.RemotePort}", tone.ToString(CultureInfo.InvariantCulture), heard];
        foreach (var argument in all) start.ArgumentList.Add(argument);
        lock (early)
        {
            phone = new MkiPhone(name, caller, Process.Start(start)!, heard);
            foreach (var line in early) phone.Tell(line);
            phone.Tell($"send 00000001 {caller.SendKey}");
        }

        return phone;
    }

    private void Tell(string line)
    {
        if (_media.HasExited) return;
        _media.StandardInput.Write(line + "\n");
        _media.StandardInput.Flush();
    }

    [GeneratedRegex("([a-z_]+)=([0-9]+)")]
    private static partial Regex Numbers();
}
