using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Host.Roles;

/// <summary>
/// After a run that was cut off: the conferences that come back find their calls gone and store that. This reads what they store and says
/// in the log which conferences and callers it was.
/// </summary>
internal sealed class CutOffReport(JournalReader journal, ILogger<CutOffReport> log)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public async Task TellAsync(long after, CancellationToken stop)
    {
        var told = new HashSet<string>();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        try
        {
            while (true)
            {
                foreach (var life in (await journal.AfterAsync(after, patience.Token)).GroupBy(e => e.PersistenceId)) Tell(life, told);
                await Task.Delay(LookAgain, patience.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Remembered conferences are back long before that.
        }
    }

    private void Tell(IGrouping<string, StoredEvent> life, HashSet<string> told)
    {
        var lost = life.Select(e => e.Event).OfType<ConferenceEvent.ParticipantLeft>().Count(e => e.Reason == LeaveReason.NodeLost);
        var ended = life.Select(e => e.Event).OfType<ConferenceEvent.Ended>().Any(e => e.Reason == EndReason.NodeLost);
        if ((lost == 0 && !ended) || !told.Add(life.Key)) return;
        var name = life.Key[ConferenceRegion.PersistenceId(new ConferenceId("")).Length..];
        log.LogWarning("conference {Conference}: the last run was cut off with {Calls} calls in it; they are ended", name, lost);
    }
}
