using System.Globalization;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// A node that may have two unanswered calls: a tick of 20 ms lies between the question for ports and its answer, so a hundred calls/s are
/// all it takes.
/// </summary>
public sealed class BusyNode : NodeUnderTest
{
    protected override IEnumerable<string> Settings => ["sip.admission.max-unanswered=2"];
}

public sealed class OverloadTests(BusyNode node) : IClassFixture<BusyNode>
{
    private const int Calls = 400;

    [SkippableFact]
    public async Task Three_times_what_a_node_can_take_ends_in_answers_to_all_and_harms_no_call_that_is_on()
    {
        await Sipp.RunAsync(node, "basic.xml", "warm-up", 20, "-l", "1");
        using var running = Sipp.Start(node, "overload.xml", "running", "-d", "4000");
        await running.JoinedAsync("running");

        await Sipp.RunAsync(node, "overload.xml", "crowd", Calls, "-r", "300", "-l", "1000", "-d", "0");
        await running.EndsWellAsync();
        var refused = await RefusedAsync();
        Assert.InRange(refused, 1, Calls - 1);

        await Sipp.RunAsync(node, "basic.xml", "crowd");
        Assert.Equal(refused, await RefusedAsync());
    }

    private async Task<int> RefusedAsync()
    {
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri($"http://127.0.0.1:{node.HttpPort}/metrics"));
        return metrics.Split('\n').Where(l => l.StartsWith("confcluster_sip_not_admitted_total{", StringComparison.Ordinal))
            .Sum(l => int.Parse(l[(l.LastIndexOf('}') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture));
    }
}
