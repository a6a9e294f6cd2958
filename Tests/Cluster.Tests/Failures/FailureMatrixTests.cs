using System.Globalization;
using ConfCluster.Cluster.Tests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Failures;

/// <summary>
/// Each step of an epoch, each role, each way to fail: <c>Failures.md</c> is the table that came of it, and <c>Tests/Benchmarks/failures.sh</c> makes it. Runs only when
/// <c>CONFCLUSTER_FAILURES</c> names a file, to which each case adds a row.
/// </summary>
[Collection("clusters")]
public sealed class FailureMatrixTests(ITestOutputHelper output)
{
    /// <summary>Until it is over: a frozen node has to have been replaced, and to have come back and ended itself.</summary>
    private static TimeSpan Talk(FailureKind kind) => TimeSpan.FromSeconds(kind switch { FailureKind.Kill => 40, FailureKind.Pause => 45, _ => 60 });

    public static TheoryData<FailureRole, FailureKind, FailureStep> Cases
    {
        get
        {
            var cases = new TheoryData<FailureRole, FailureKind, FailureStep>();
            foreach (var role in Enum.GetValues<FailureRole>())
                foreach (var kind in Enum.GetValues<FailureKind>())
                    foreach (var step in Enum.GetValues<FailureStep>())
                        cases.Add(role, kind, step);
            return cases;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public async Task A_failure_ends_no_call(FailureRole role, FailureKind kind, FailureStep step)
    {
        var file = Environment.GetEnvironmentVariable("CONFCLUSTER_FAILURES");
        Skip.If(string.IsNullOrEmpty(file), "takes two minutes each; Tests/Benchmarks/failures.sh runs all");
        await using var cluster = await ProcessCluster.MakeAsync(output, FailureScene.Roles);
        await cluster.WatchAsync(async () =>
        {
            using var scene = new FailureScene(cluster, output);
            await scene.BeginAsync(Talk(kind));
            var result = await scene.RunAsync(step, role, kind);
            var audit = result.Audit ? "clean" : "NOT CLEAN";
            await File.AppendAllTextAsync(file!, string.Create(
                CultureInfo.InvariantCulture,
                $"| {role} | {kind} | {step} | {result.Kept} of 2 | {result.Gap:0} | {result.Undecryptable} | {result.Joinable:0.0} | {audit} |\n"));
            Assert.Equal((2, 0UL, true), (result.Kept, result.Undecryptable, result.Audit));
        });
    }
}
