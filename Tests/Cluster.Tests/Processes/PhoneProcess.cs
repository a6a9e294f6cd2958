using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A softphone as a process that a test can stop for a while: one that is frozen answers nothing and hears nothing.</summary>
internal sealed class PhoneProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _said;

    /// <param name="more">Further arguments of <c>confcluster call</c>.</param>
    public PhoneProcess(string uri, double tone, string time, params string[] more)
    {
        _process = NodeProcess.Launch(["call", uri, "--tone", tone.ToString(CultureInfo.InvariantCulture), "--for", time, "--json", .. more]);
        _said = _process.StandardOutput.ReadToEndAsync();
    }

    public void Freeze() => NodeProcess.Freeze(_process.Id);

    public void Thaw() => NodeProcess.Thaw(_process.Id);

    /// <summary>Its report, once its call is over.</summary>
    public async Task<PhoneResult> ReportAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await _process.WaitForExitAsync(patience.Token);
        var said = await _said;
        var begins = said.IndexOf('{', StringComparison.Ordinal);
        Assert.True(begins >= 0, said);
        return new PhoneResult(JsonDocument.Parse(said[begins..]).RootElement);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
