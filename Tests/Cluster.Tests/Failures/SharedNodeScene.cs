using System.Text.Json;
using ConfCluster.Cluster.Tests.Processes;
using Xunit;
using Xunit.Sdk;

namespace ConfCluster.Cluster.Tests.Failures;

/// <summary>
/// A cluster whose nodes have conferences and mixers both, so that a node that dies takes with it a mixer, participants of that mixer's conference (their dialogs) and, as is
/// wanted, the conference itself. Where things are is chance: conferences are begun, and phones let in, until it is as wanted.
/// </summary>
internal sealed class SharedNodeScene(ProcessCluster cluster) : IDisposable
{
    private const int SipNode = 1;
    private const int FewestPhones = 4;
    private const int MostPhones = 10;
    private const int MostRooms = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(50);
    private readonly List<PhoneProcess> _phones = [];
    private int _rooms;
    private string _room = "";

    /// <summary>By number. The first one lives.</summary>
    public static readonly string[] Roles = ["sip", "focus media", "focus media", "focus media"];

    /// <summary>All nodes begin.</summary>
    public async Task StartAsync()
    {
        for (var number = 1; number <= Roles.Length; number++) Start(number);
        for (var number = 1; number <= Roles.Length; number++) await cluster[number].UntilReadyAsync();
    }

    public async Task StartAgainAsync(int number)
    {
        Start(number);
        await cluster[number].UntilReadyAsync();
    }

    /// <summary>A conference of some phones that talk for so long; the node that has its mixer and at least one of its participants.</summary>
    /// <param name="withConference">Whether the conference is to be there too; null: as it comes.</param>
    public async Task<(int Victim, bool HasConference)> BeginAsync(bool? withConference, string time)
    {
        for (var attempt = 1; attempt <= MostRooms; attempt++)
        {
            _room = $"room{++_rooms}";
            await AddAsync(time);
            var (conference, mixer) = (await cluster.OnlyHomeAsync("conference", SipNode), await cluster.OnlyHomeAsync("mixer", SipNode));
            if ((withConference is null || withConference == (conference == mixer)) && await FillAsync(mixer, time))
            {
                await cluster.UntilTalkingAsync(conference, _room, _phones.Count);
                // Who joined within the interval has its own key until then.
                await cluster.UntilShownAsync(
                    conference, _room, c => Epochs(c) is var all && all.Count == _phones.Count && all.TrueForAll(e => e > 0 && e == all[0]), "one epoch for all");
                return (mixer, conference == mixer);
            }

            await EndAsync();
        }

        throw FailException.ForFailure($"in {MostRooms} conferences nothing was where it was wanted");
    }

    /// <summary>Kills that node; how long it took until somebody new was in, and what the phones say at the end of their calls.</summary>
    public async Task<(TimeSpan Joined, PhoneResult[] Reports)> KillAsync(int victim)
    {
        await cluster[victim].KillAsync();
        var joined = await cluster.UntilJoinedAsync(_room, SipNode, 1500, Patience);
        var reports = await Task.WhenAll(_phones.Select(p => p.ReportAsync()));
        _phones.Clear();
        await cluster.UntilGoneAsync(victim == 2 ? 3 : 2, _room);
        return (joined, reports);
    }

    public void Dispose()
    {
        foreach (var phone in _phones) phone.Dispose();
    }

    private void Start(int number) => cluster.Start(number, null, "--set", "confcluster.conference.keys.rekey.min-interval=2s");

    private static List<long> Epochs(JsonElement conference) =>
        [.. conference.GetProperty("participants").EnumerateArray().Select(p => p.GetProperty("key")).Select(
            k => k.TryGetProperty("epoch", out var epoch) && epoch.ValueKind == JsonValueKind.Number ? epoch.GetInt64() : 0)];

    /// <summary>More phones, until there are enough and one has its participant on that node; false: none has. A node that has just begun may have few shards.</summary>
    private async Task<bool> FillAsync(int mixer, string time)
    {
        while (_phones.Count < FewestPhones || (await cluster.ShardsAsync("participant", SipNode))[mixer].Entities == 0)
        {
            if (_phones.Count == MostPhones) return false;
            await AddAsync(time);
        }

        return true;
    }

    private async Task AddAsync(string time)
    {
        _phones.Add(new PhoneProcess(cluster.Uri(_room, SipNode), 400 + (100 * _phones.Count), time, "--mki"));
        await cluster.UntilTalkingAsync(2, _room, _phones.Count);
    }

    private async Task EndAsync()
    {
        var (exit, said) = await NodeProcess.RunAsync("conference", "end", _room, "--url", cluster[2].Http.BaseAddress!.ToString());
        Assert.True(exit == 0, said);
        foreach (var phone in _phones) await phone.ReportAsync();
        _phones.Clear();
        await cluster.UntilGoneAsync(2, _room);
    }
}
