using System.Diagnostics;
using System.Net;
using ConfCluster.Host.Trial;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A node goes while callers are on their way in.</summary>
[Collection("clusters")]
public sealed class SetUpFailoverTests(ITestOutputHelper output)
{
    /// <summary>So long it is seen not to end while an ACK is missing; shorter than it waits at most.</summary>
    private static readonly TimeSpan Held = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    [SkippableFact]
    public async Task Whoever_calls_as_a_focus_node_dies_gets_in_without_dialling_again()
    {
        await using var cluster = await ProcessCluster.StartAsync(output, "sip media", "focus", "focus");
        await cluster.WatchAsync(async () =>
        {
            using var before = new TextCaller(EndPoint(cluster, 1), "before");
            Assert.StartsWith("SIP/2.0 200", await before.InviteAsync(), StringComparison.Ordinal);
            await cluster[2].KillAsync();
            var callers = Enumerable.Range(0, 10).Select(i => new TextCaller(EndPoint(cluster, 1), $"during-{i}")).ToList();
            try
            {
                foreach (var answer in await Task.WhenAll(callers.Select(c => c.InviteAsync()))) Assert.StartsWith("SIP/2.0 200", answer, StringComparison.Ordinal);
                foreach (var answer in await Task.WhenAll(callers.Select(c => c.ByeAsync()))) Assert.StartsWith("SIP/2.0 200", answer, StringComparison.Ordinal);
            }
            finally
            {
                foreach (var caller in callers) caller.Dispose();
            }

            Assert.StartsWith("SIP/2.0 200", await before.ByeAsync(), StringComparison.Ordinal);
            await cluster.AuditIsCleanAsync(3);
        });
    }

    /// <summary>Until its ACK is here nobody but its participant knows of the call.</summary>
    [SkippableFact]
    public async Task A_node_that_is_emptied_waits_for_who_is_on_his_way_in()
    {
        // The first has no mixers, for which it would have to wait anyway.
        await using var cluster = await ProcessCluster.StartAsync(output, "sip focus", "sip focus media");
        await cluster.WatchAsync(async () =>
        {
            // One of them lives on the first node, whose shards are half of all.
            var callers = Enumerable.Range(0, 6).Select(i => new TextCaller(EndPoint(cluster, 1), $"slow-{i}")).ToList();
            try
            {
                using var all = new CountdownEvent(callers.Count);
                var mayAcknowledge = new TaskCompletionSource();
                var calls = callers.Select(c => c.InviteAsync(beforeAck: () =>
                {
                    all.Signal();
                    return mayAcknowledge.Task;
                })).ToList();
                await cluster[1].UntilAsync(() => Task.FromResult(all.IsSet), "all to be answered");
                var drain = NodeProcess.RunAsync(TimeSpan.FromMinutes(1), "drain", "--url", cluster[1].Http.BaseAddress!.ToString());
                await cluster[1].UntilLoggedAsync("Emptying the node");
                for (var since = Stopwatch.StartNew(); since.Elapsed < Held; await Task.Delay(LookAgain))
                    Assert.DoesNotContain("Emptied in", cluster[1].Log, StringComparison.Ordinal);
                mayAcknowledge.SetResult();
                foreach (var answer in await Task.WhenAll(calls)) Assert.StartsWith("SIP/2.0 200", answer, StringComparison.Ordinal);
                var (exit, said) = await drain;
                Assert.True(exit == 0, said);
                Assert.Equal(0, await cluster[1].EndAsync());

                // Their dialogs are known on the other node.
                foreach (var caller in callers)
                {
                    caller.GoOver(EndPoint(cluster, 2));
                    Assert.StartsWith("SIP/2.0 200", await caller.ByeAsync(), StringComparison.Ordinal);
                }
            }
            finally
            {
                foreach (var caller in callers) caller.Dispose();
            }

            await cluster.AuditIsCleanAsync(2);
        });
    }

    private static IPEndPoint EndPoint(ProcessCluster cluster, int node) => new(IPAddress.Parse(TrialCluster.AddressOf(node)), cluster.Plan.Ports.Sip);
}
