using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ConfCluster.Cluster.Tests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Failures;

/// <summary>
/// A conference of two phones whose SIP, focus and mixer are on three nodes of one role each, with a fourth node of all roles to go on. The three are there first,
/// so they have the conference, and with it who gives homes to conferences and to mixers: the worst nodes to lose.
/// </summary>
internal sealed class FailureScene(ProcessCluster cluster, ITestOutputHelper output) : IDisposable
{
    private const string Room = "room";
    private const int Observer = 2;
    private static readonly TimeSpan JoinPatience = TimeSpan.FromSeconds(50);

    /// <summary>Longer than the others wait before they go on without it.</summary>
    private static readonly TimeSpan Frozen = TimeSpan.FromSeconds(16);

    private readonly List<PhoneProcess> _phones = [];

    /// <summary>By number: sip, everything, focus, media.</summary>
    public static readonly string[] Roles = ["sip", "sip focus media", "focus", "media"];

    public static int NodeOf(FailureRole role) => role switch { FailureRole.Sip => 1, FailureRole.Focus => 3, _ => 4 };

    /// <summary>Two phones are in and hear each other for so long yet.</summary>
    public async Task BeginAsync(TimeSpan talk)
    {
        foreach (var number in new[] { 1, 3, 4 }) cluster.Start(number);
        foreach (var number in new[] { 1, 3, 4 }) await cluster[number].UntilReadyAsync();
        var time = $"{talk.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)}s";
        _phones.Add(new PhoneProcess(cluster.Uri(Room, 1), 440, time, "--mki", "--suite", "AES_CM_128_HMAC_SHA1_80", "--first-sequence", "65000"));
        _phones.Add(new PhoneProcess(cluster.Uri(Room, 1), 1000, time, "--mki", "--suite", "AES_CM_128_HMAC_SHA1_80", "--no-update"));
        await cluster.UntilTalkingAsync(3, Room, 2);
        Assert.Equal((3, 4), (await cluster.HomeAsync("conference", 3), await cluster.HomeAsync("mixer", 3)));
        cluster.Start(Observer);
        await cluster[Observer].UntilReadyAsync();
        await cluster.UntilSpreadAsync(3, Observer, 4);
        await cluster.UntilShownAsync(
            Observer, Room, c => Keys(c).All(k => k.Epoch > 0 && k.Offered == 0) && Keys(c).Select(k => k.Epoch).Distinct().Count() == 1, "one epoch for all");
    }

    /// <summary>Brings the conference to a step; what has to go on afterwards for the step to end, does so when the result is called.</summary>
    public async Task<Action> HoldAsync(FailureStep step, FailureRole victim)
    {
        var before = Keys((await cluster.ShowAsync(Observer, Room))!.Value).Max(k => k.Epoch);
        switch (step)
        {
            case FailureStep.Settled:
                return () => { };
            case FailureStep.Stored:
                cluster[1].Freeze();
                await RekeyAsync();
                await cluster.UntilShownAsync(Observer, Room, c => Keys(c).All(k => k.Offered > before && k.Epoch == before), "a new epoch that nobody has");
                return () =>
                {
                    if (victim != FailureRole.Sip) cluster[1].Thaw();
                };
            case FailureStep.HalfTaken:
                _phones[1].Freeze();
                await RekeyAsync();
                await cluster.UntilShownAsync(
                    Observer, Room, c => Keys(c).Count(k => k.Epoch > before) == 1 && Keys(c).Count(k => k.Offered > before) == 1, "one under the new epoch");
                return _phones[1].Thaw;
            default:
                await RekeyAsync();
                await cluster.UntilShownAsync(Observer, Room, c => Keys(c).All(k => k.Epoch > before), "all under the new epoch");
                return () => { };
        }
    }

    /// <summary>Lets a node fail, and tells how it went.</summary>
    public async Task<FailureResult> RunAsync(FailureStep step, FailureRole role, FailureKind kind)
    {
        var victim = cluster[NodeOf(role)];
        var goOn = await HoldAsync(step, role);
        if (kind == FailureKind.Kill) await victim.KillAsync();
        else victim.Freeze();
        var since = Stopwatch.StartNew();
        await Task.Delay(TimeSpan.FromSeconds(2));
        goOn();
        var thawed = kind == FailureKind.Kill ? Task.CompletedTask : ThawAsync(victim, kind == FailureKind.Pause ? TimeSpan.Zero : Frozen);
        await cluster.UntilJoinedAsync(Room, Observer, 1500, JoinPatience);
        var joinable = since.Elapsed - TimeSpan.FromSeconds(2);
        await thawed;
        var reports = await Task.WhenAll(_phones.Select(p => p.ReportAsync()));
        foreach (var report in reports) output.WriteLine($"{report}");
        await cluster.UntilGoneAsync(Observer, Room);
        var (exit, said) = await cluster.VerbAsync(Observer, "audit", "verify");
        if (exit != 0) output.WriteLine(said);
        output.WriteLine((await cluster.VerbAsync(Observer, "audit", "show", Room)).Output);
        return new FailureResult(
            reports.Count(r => r.WasKept), reports[0].LongestGap, reports.Aggregate(0UL, (sum, r) => sum + r.Undecryptable), joinable.TotalSeconds, exit == 0);
    }

    public void Dispose()
    {
        foreach (var phone in _phones) phone.Dispose();
    }

    private static async Task ThawAsync(NodeProcess node, TimeSpan after)
    {
        await Task.Delay(after);
        node.Thaw();
    }

    private async Task RekeyAsync()
    {
        var (exit, said) = await NodeProcess.RunAsync("conference", "rekey", Room, "--reason", "a test", "--url", cluster[Observer].Http.BaseAddress!.ToString());
        Assert.True(exit == 0, said);
    }

    /// <summary>By participant: the epoch that it is under and the one that it is offered; 0: none.</summary>
    private static IEnumerable<(long Epoch, long Offered)> Keys(JsonElement conference) => conference.GetProperty("participants").EnumerateArray().Select(
        p => (Number(p.GetProperty("key"), "epoch"), Number(p.GetProperty("key"), "offered")));

    private static long Number(JsonElement key, string name) =>
        key.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : 0;
}

/// <summary>How a failure went.</summary>
/// <param name="Kept">Of two calls, those that lasted as long as their callers wanted.</param>
/// <param name="Gap">The longest at the phone that was never frozen, in ms.</param>
/// <param name="Undecryptable">Packets at both phones.</param>
/// <param name="Joinable">Seconds until somebody new was in.</param>
/// <param name="Audit"><c>audit verify</c> found nothing.</param>
internal sealed record FailureResult(int Kept, double Gap, ulong Undecryptable, double Joinable, bool Audit);
