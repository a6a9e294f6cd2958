using System.Collections.Immutable;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Phone;
using ConfCluster.Actors.Settings;
using ConfCluster.Cluster.Tests.Processes;
using ConfCluster.Host;
using ConfCluster.Host.Api;
using ConfCluster.Host.Commands;
using ConfCluster.Host.Roles;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.InProcess;

/// <summary>
/// A whole node with two lanes in this process, softphones over real sockets, and a lane that hangs or fails: the calls go on at the other lane, nobody
/// dials again, and the audit finds the rules kept.
/// </summary>
[Collection("processes")]
public sealed class MixerFailoverTests(ITestOutputHelper output) : IDisposable
{
    private static readonly ConferenceId Room = new("keys");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TemporaryDirectory _data = new();
    private readonly ManualResetEventSlim _hanging = new();

    public void Dispose()
    {
        _hanging.Set();
        SqliteConnection.ClearAllPools();
        _data.Dispose();
    }

    /// <summary>One lane stands still and comes back; the other ends with an exception.</summary>
    [Theory]
    [InlineData(true, MixerLoss.Silent, 2500)]
    [InlineData(false, MixerLoss.BeganAnew, 1500)]
    public async Task Phones_hear_and_are_heard_again_without_dialling(bool hangs, MixerLoss loss, int longestGap)
    {
        string[] set =
        [
            $"confcluster.data-dir={_data.Path}", "confcluster.sip.udp.port=0", "confcluster.sip.tcp.enabled=off", "confcluster.sip.tls.enabled=off",
            "confcluster.http.port=0", "confcluster.media.lanes=2", "confcluster.sip.admission.overload.max-lag=10s",
        ];
        var config = SettingsSource.Load(null, set, out _)!;
        var settings = CodecChoice.Of(SettingsReader.Read(config).Settings!);
        ImmutableArray<PhoneReport> reports;
        using (var data = DataDirectory.Open(settings.DataDirectory, out _)!)
        {
            await using var node = await Node.StartAsync(config, settings, data, isQuiet: true);
            Assert.Null(node.Refusal);
            using var hangUp = new CancellationTokenSource();
            Task<PhoneReport>[] calls = [Call(node, "mki", hangUp, mki: true), Call(node, "reinvite", hangUp, mki: true, update: false), Call(node, "own", hangUp, mki: false)];
            await UntilAsync(node, v => v.Participants.Length == 3 && v.Participants.All(p => p.Media is { PacketsReceived: > 50 } && p.Key!.Offered is null));
            var media = node.Services.GetRequiredService<MediaPlane>();
            media.Break(hangs ? () => _hanging.Wait(Patience) : () => throw new InvalidOperationException("a fault of the test"));
            var moved = await UntilAsync(node, v => v.MixerLoss == loss && v.Participants.All(p => !p.IsMoving && p.Media is { PacketsReceived: > 50 }));
            Assert.Equal(2, moved.Mixer!.Value.Incarnation);
            Assert.Contains(moved.Epochs, e => e.Reason == Protocols.Keys.Rekeying.RekeyReason.MixerReplaced);

            // The one that stood still sends nothing more: it asks, is told that it is over, and goes.
            _hanging.Set();
            await UntilAsync(node, _ => media.Snapshot().Mixers == 1);
            await hangUp.CancelAsync();
            reports = [.. await Task.WhenAll(calls).WaitAsync(Patience)];
            await node.StopAsync();
        }

        foreach (var report in reports)
        {
            output.WriteLine($"{report.Target}: gaps {string.Join(", ", report.Interruptions.Select(i => $"{i.Milliseconds} ms at {i.At} s"))}; undecryptable {report.Undecryptable}");
            Assert.Equal(("us", true), (report.EndedBy, report.Answered));
            Assert.InRange(report.LongestGapMilliseconds, hangs ? 500 : 0, longestGap);
            Assert.Equal((0UL, 0UL), (report.Undecryptable, report.Replays));
        }

        var (verified, text) = await NodeProcess.RunAsync(["audit", "verify", "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.True(verified == 0, text);
        (_, text) = await NodeProcess.RunAsync(["audit", "show", Room.Value, "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.Contains("every leg of it has a new SSRC", text, StringComparison.Ordinal);
    }

    private static Task<PhoneReport> Call(Node node, string name, CancellationTokenSource hangUp, bool mki, bool update = true)
    {
        var target = SipUri.Sip(Room.Value, "127.0.0.1", node.Listening.Udp!.Port);
        var options = new SoftPhoneOptions(target, SipTransport.Udp, SrtpProfile.Usual, mki)
        {
            User = name,
            Tone = 440,
            Duration = TimeSpan.FromMinutes(2),
            TakesUpdate = update,
        };
        return SoftPhone.RunAsync(options, TimeProvider.System, hangUp.Token);
    }

    private static async Task<ConferenceView> UntilAsync(Node node, Predicate<ConferenceView> isIt)
    {
        var queries = node.Services.GetRequiredService<ConferenceQueries>();
        using var patience = new CancellationTokenSource(Patience);
        ConferenceView? seen = null;
        while (true)
        {
            seen = await queries.FindAsync(Room) ?? seen;
            if (seen is not null && isIt(seen)) return seen;
            Assert.False(patience.IsCancellationRequested, $"{seen}: {string.Join("; ", seen?.Participants ?? [])}");
            await Task.Delay(50);
        }
    }
}
