using System.Net;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Phone;
using ConfCluster.Host.Api;
using ConfCluster.Host.Roles;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Host.Demo;

/// <summary>Plays the script against a node: phones call and hang up, somebody is thrown out, and what the journal says of it is shown as it is written.</summary>
internal sealed class DemoRun(Node node, IDemoView view, TimeProvider clock)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);
    private static readonly ConferenceId Conference = new(DemoScript.Conference);
    private readonly IPEndPoint _sip = node.Listening.Udp!;
    private readonly ConferenceQueries _queries = node.Services.GetRequiredService<ConferenceQueries>();
    private readonly ConferenceHistory _history = node.Services.GetRequiredService<ConferenceHistory>();
    private readonly List<DemoCall> _calls = [];

    public DemoStory Story { get; } = new();

    public async Task<IReadOnlyList<(DemoCall Call, PhoneReport Report)>> PlayAsync(CancellationToken stop)
    {
        await FirstAsync(stop);
        var (start, next) = (clock.GetTimestamp(), 1);
        while (clock.GetElapsedTime(start) is var now && now < DemoScript.End)
        {
            while (next < DemoScript.Steps.Count && DemoScript.Steps[next].At <= now) await DoAsync(DemoScript.Steps[next++]);
            await ShowAsync(stop);
            await Task.Delay(Look, clock, stop);
        }

        foreach (var call in _calls) call.HangUp();
        var reports = new List<(DemoCall, PhoneReport)>();
        foreach (var call in _calls) reports.Add((call, await call.Report));
        // The last facts are stored after the last BYE.
        for (var ended = clock.GetTimestamp(); clock.GetElapsedTime(ended) < Settling; await Task.Delay(Look, clock, stop)) await ShowAsync(stop);
        return reports;
    }

    /// <summary>The time of the script begins when the first is in: the program has come to speed then.</summary>
    private async Task FirstAsync(CancellationToken stop)
    {
        await DoAsync(DemoScript.Steps[0]);
        var asked = clock.GetTimestamp();
        while (Story.Moments.Count == 0 && clock.GetElapsedTime(asked) < Patience)
        {
            await ShowAsync(stop);
            await Task.Delay(Look, clock, stop);
        }
    }

    private async Task DoAsync(DemoStep step)
    {
        switch (step.Act)
        {
            case DemoAct.Calls:
                _calls.Add(DemoCall.Begin(step.Who, _sip));
                break;
            case DemoAct.HangsUp:
                Last(step.Who).HangUp();
                break;
            case DemoAct.IsThrownOut:
                Last(step.Who).IsThrownOut = true;
                if (await _queries.FindAsync(Conference) is { } seen && seen.Participants.FirstOrDefault(p => IsOf(p, step.Who)) is { } participant)
                    _queries.Tell(new EvictParticipant(Conference, participant.Participant));
                break;
        }
    }

    private async Task ShowAsync(CancellationToken stop)
    {
        var news = Story.Take(await _history.OfAsync(Conference, stop));
        view.Show(news, Story, await _queries.FindAsync(Conference));
    }

    private DemoCall Last(string name) => _calls.Last(c => c.Name == name);

    private static bool IsOf(ParticipantView participant, string name) => participant.Identity.Contains($":{name}@", StringComparison.Ordinal);
}
