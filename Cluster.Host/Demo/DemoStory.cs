using System.Collections.Immutable;
using System.Globalization;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;

namespace ConfCluster.Host.Demo;

/// <summary>One line of what happened; <paramref name="IsKey"/>: it is about a group key.</summary>
internal sealed record DemoMoment(TimeSpan At, bool IsKey, string Text);

/// <summary>An epoch as the journal tells it.</summary>
/// <param name="Settled">From its beginning until every phone was under it; null: the next one came first, or the conference ended.</param>
internal sealed record DemoEpoch(KeyEpoch Number, TimeSpan At, RekeyReason Reason, string Why, TimeSpan? Settled, long Record);

/// <summary>The facts of the conference as sentences and epochs, all times from its first fact on. Nothing here is known from elsewhere.</summary>
internal sealed class DemoStory
{
    private readonly Dictionary<ParticipantId, string> _names = [];
    private readonly List<string> _changes = [];
    private DateTimeOffset? _zero;
    private long _last;

    public List<DemoMoment> Moments { get; } = [];

    public List<DemoEpoch> Epochs { get; } = [];

    public DateTimeOffset Zero => _zero ?? DateTimeOffset.UtcNow;

    /// <returns>Those that are new.</returns>
    public IReadOnlyList<DemoMoment> Take(ImmutableArray<(long Number, ConferenceEvent Event)> events)
    {
        var before = Moments.Count;
        foreach (var (number, happened) in events)
        {
            if (number <= _last) continue;
            _last = number;
            _zero ??= happened.At;
            Take(number, happened, happened.At - Zero);
        }

        // A change and what follows from it have the same time.
        var news = Moments[before..].OrderBy(m => m.At).ThenBy(m => m.IsKey).ToList();
        Moments.RemoveRange(before, Moments.Count - before);
        Moments.AddRange(news);
        return news;
    }

    /// <summary>How long whoever left with an epoch's beginning could decrypt what was said then.</summary>
    public string Exposure(DemoEpoch epoch, ExposureSummary exposure)
    {
        var since = Epochs.TakeWhile(e => e.Number != epoch.Number).LastOrDefault()?.Record ?? 0;
        var changes = exposure.Changes.Where(c => c.IsForward && c.Record > since && c.Record <= epoch.Record).ToList();
        return changes.Count == 0 ? "-" : string.Join(", ", changes.Select(c => $"{NameOf(c.Name)} {Seconds(c.Time)}"));
    }

    public static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");

    private void Take(long number, ConferenceEvent happened, TimeSpan at)
    {
        switch (happened)
        {
            case ConferenceEvent.ParticipantJoined e:
                Change(at, _names[e.Participant] = NameOf(e.Identity), "joins");
                break;
            case ConferenceEvent.ParticipantLeft e:
                Change(at, _names[e.Participant], e.Reason == LeaveReason.Evicted ? "is thrown out" : "leaves");
                break;
            case ConferenceEvent.RekeyDeferred e:
                Say(at, true, $"the key must wait for the minimum interval, until {Seconds(e.Until - Zero)}");
                break;
            case ConferenceEvent.KeyEpochBegan e:
                var why = e.Note ?? (_changes.Count == 0 ? e.Reason.ToString() : string.Join(", ", _changes));
                _changes.Clear();
                Epochs.Add(new DemoEpoch(e.Epoch, at, e.Reason, why, null, number));
                Say(at, true, $"{e.Epoch.ToString().ToUpperInvariant()} begins: {why}");
                break;
            case ConferenceEvent.KeyEpochPassed { Passage: EpochPassage.Settled } e:
                var place = Epochs.FindIndex(x => x.Number == e.Epoch);
                Epochs[place] = Epochs[place] with { Settled = at - Epochs[place].At };
                Say(at, true, $"{e.Epoch}: everybody has it, after {Seconds(at - Epochs[place].At)}");
                break;
            case ConferenceEvent.KeyEpochPassed { Passage: EpochPassage.Destroyed } e:
                Say(at, true, $"{e.Epoch}: its key is zeroed");
                break;
        }
    }

    private void Change(TimeSpan at, string name, string what)
    {
        _changes.Add($"{name} {what}");
        Say(at, false, $"{name} {what}");
    }

    private void Say(TimeSpan at, bool isKey, string text) => Moments.Add(new DemoMoment(at, isKey, text));

    /// <summary>The user part of its URI.</summary>
    private static string NameOf(string identity) => identity.Split(':', '@') is [_, var user, ..] ? user : identity;
}
