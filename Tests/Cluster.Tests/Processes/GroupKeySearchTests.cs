using System.Collections.Concurrent;
using System.Text;
using ConfCluster.Actors.Phone;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>K10: phones in this process know every key that a run used, of each epoch and of each leg; the node's process shows none of them anywhere.</summary>
[Collection("processes")]
public sealed class GroupKeySearchTests : IDisposable
{
    private static readonly string[] Settings = ["--set", "confcluster.conference.keys.rekey.min-interval=1s"];
    private readonly ConcurrentDictionary<string, (KeyEpoch? Epoch, byte[] Octets)> _keys = new();
    private readonly TemporaryDirectory _data = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _data.Dispose();
    }

    [Fact]
    public async Task No_group_key_of_any_epoch_is_found_in_any_file_log_metric_or_answer()
    {
        await using var node = NodeProcess.Start(_data, Settings);
        await node.UntilReadyAsync();
        var stays = CallAsync(node, 12);
        await UntilEpochsAsync(node, 1);
        await CallAsync(node, 3);
        await UntilEpochsAsync(node, 3);
        var (exit, output) = await NodeProcess.RunAsync("conference", "rekey", "sought", "--reason", "test", "--url", node.Http.BaseAddress!.ToString());
        Assert.True(exit == 0, output);
        await UntilEpochsAsync(node, 4);

        var search = Search();
        Assert.Empty(search.InFilesOf(_data.Path));
        foreach (var path in (string[])["/metrics", "/api/v1/conferences", "/api/v1/conferences/sought", "/api/v1/conferences/sought/events", "/api/v1/audit/sought"])
            Assert.Empty(search.In(path, Encoding.UTF8.GetBytes(await node.Http.GetStringAsync(new Uri(path, UriKind.Relative)))));
        var report = await stays;
        Assert.True(report.Succeeded && report.Undecryptable == 0, $"{report}");
        Assert.Equal(0, await node.StopAsync());

        search = Search();
        Assert.Empty(search.InFilesOf(_data.Path));
        Assert.Empty(search.In("the log", Encoding.UTF8.GetBytes(node.Log)));
        Assert.Empty(search.In("the report", Encoding.UTF8.GetBytes($"{report}")));
        foreach (var verb in (string[][])[["show"], ["verify"], ["export", "--out", Path.Combine(_data.Path, "bundle.json")]])
        {
            (exit, output) = await NodeProcess.RunAsync(["audit", .. verb, "sought", "--set", $"confcluster.data-dir={_data.Path}"]);
            Assert.True(exit == 0, output);
            Assert.Empty(search.In($"audit {verb[0]}", Encoding.UTF8.GetBytes(output)));
        }

        Assert.Empty(search.InFilesOf(_data.Path));

        // The search itself finds what is there.
        await File.WriteAllBytesAsync(Path.Combine(_data.Path, "planted"), [1, .. _keys.Values.First(k => k.Epoch == new KeyEpoch(2)).Octets, 2]);
        Assert.NotEmpty(search.InFilesOf(_data.Path));
    }

    private KeySearch Search()
    {
        var search = new KeySearch();
        foreach (var (_, octets) in _keys.Values) search.Add(octets);
        return search;
    }

    private Task<PhoneReport> CallAsync(NodeProcess node, int seconds)
    {
        var target = SipUri.Sip("sought", "127.0.0.1", node.SipPort);
        var options = new SoftPhoneOptions(target, SipTransport.Udp, [SrtpProfile.AesCm128HmacSha1Tag80], UseMki: true)
        {
            Duration = TimeSpan.FromSeconds(seconds),
            Tone = 440,
        };
        return SoftPhone.RunAsync(options, TimeProvider.System, CancellationToken.None, settled: Learn);
    }

    /// <summary>What the node sends with are the group keys, named by their epochs, and the leg's own, named with the highest bit set; the phone has a key, too.</summary>
    private void Learn(LegMedia media)
    {
        foreach (var key in media.Uplink) Keep(key, key.Mki.Value < 1u << 31 ? new KeyEpoch((uint)key.Mki.Value) : null);
        Keep(media.Downlink, null);
    }

    private void Keep(MasterKey key, KeyEpoch? epoch)
    {
        var octets = key.KeyAndSalt.Reveal().ToArray();
        _keys.TryAdd(Convert.ToHexString(octets), (epoch, octets));
    }

    private Task UntilEpochsAsync(NodeProcess node, int epochs) => node.UntilAsync(
        () => Task.FromResult(_keys.Values.Select(k => k.Epoch).OfType<KeyEpoch>().Distinct().Count() >= epochs), $"the keys of {epochs} epochs");
}
