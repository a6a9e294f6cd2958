using System.Collections.Immutable;
using ConfCluster.Protocols.Rtp;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <param name="Published">The newest state told to it.</param>
/// <param name="Since">When its successor took over.</param>
internal sealed record LeavingMixer(MixerState Published, DateTimeOffset Since)
{
    /// <summary>Where it takes what its successor sends; null: it has not said.</summary>
    public MediaAddress? Trunk { get; init; }

    /// <summary>Legs that hear its successor.</summary>
    public ImmutableHashSet<ParticipantId> Reached { get; init; } = [];

    /// <summary>Since when peers know of its successor.</summary>
    public ImmutableDictionary<ParticipantId, DateTimeOffset> Moved { get; init; } = ImmutableDictionary<ParticipantId, DateTimeOffset>.Empty;
}

/// <summary>
/// A mixer whose node is emptied goes on with each leg until that is at its successor, the peer knows, and the successor says that it sends to it.
/// Both may send for a moment, since no SSRC is the same and the successor has an epoch of its own (K6). Meanwhile both send each other what their legs
/// say (<see cref="MixerTrunks"/>). Who leaves the conference is out of the old one at once, too (K1).
/// </summary>
internal static class MixerLeaving
{
    /// <summary>Then it ends, whoever is left there: by then an offer was repeated or refused.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Who knows of the successor and is not sent anything by it (on hold, without a key) is not waited for any longer than that.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromMilliseconds(500);

    /// <summary>The one that has that number now took over from one that works.</summary>
    public static bool IsGentle(ConferenceLife life, int number) =>
        life.State.IsActive && life.State.Mixers.TryGetValue(number, out var placed) && placed.Loss == MixerLoss.Drained;

    public static ConferenceLife Begin(ConferenceLife life, KnownMixer known, Effects effects, ConferenceContext context)
    {
        if (life.Leaving.TryGetValue(known.Number, out var before)) life = MixerWatch.Dismiss(life, before.Published, effects);
        var leaving = new LeavingMixer(known.Published, context.Decision.Now) { Trunk = known.Trunk };
        return MixerWatch.Forget(life, known, effects) with { Leaving = life.Leaving.SetItem(known.Number, leaving) };
    }

    /// <summary>It reports as before, and one that was held up is told that it may go on, or its legs would hear nothing until they have moved.</summary>
    /// <param name="applied">The version that it does.</param>
    public static ConferenceLife Heard(ConferenceLife life, ConferenceInput.MixerReported report, long applied, Effects effects)
    {
        var leaving = life.Leaving[report.Mixer.Number];
        if (applied < leaving.Published.Version || MixerTrunks.LacksKeys(leaving.Published, report.Trunk))
            effects.Add(new ConferenceEffect.Publish(leaving.Published) { IsRepeated = true });
        if (report.Question != 0) effects.Add(new ConferenceEffect.Confirm(report.Mixer, life.State.Incarnation, report.Question));
        return report.Trunk.Address is not { } address || address == leaving.Trunk
            ? life
            : life with { Leaving = life.Leaving.SetItem(report.Mixer.Number, leaving with { Trunk = address }), Looked = default };
    }

    /// <summary>The successor has sent media to those.</summary>
    public static ConferenceLife Sends(ConferenceLife life, int number, ImmutableArray<ParticipantId> legs) =>
        legs.IsEmpty || !life.Leaving.TryGetValue(number, out var leaving)
            ? life
            : life with { Leaving = life.Leaving.SetItem(number, leaving with { Reached = leaving.Reached.Union(legs) }) };

    /// <summary>The newest state of one that leaves; null: it does not.</summary>
    public static MixerState? Find(ConferenceLife life, MixerId mixer) =>
        life.Leaving.TryGetValue(mixer.Number, out var leaving) && leaving.Published.Mixer == mixer ? leaving.Published : null;

    /// <summary>After every step.</summary>
    public static ConferenceLife Proceed(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        var before = life.Leaving;
        var now = context.Decision.Now;
        foreach (var (number, leaving) in before)
        {
            var told = leaving.Published;
            var moved = told.Legs.Select(l => l.Participant).Where(p => !life.Moves.ContainsKey(p.Value)).ToImmutableDictionary(
                p => p, p => leaving.Moved.GetValueOrDefault(p, now));
            life = life with { Leaving = life.Leaving.SetItem(number, leaving with { Moved = moved }) };
            var isOver = !IsGentle(life, number) || now - leaving.Since >= Patience;
            var legs = isOver ? [] : told.Legs.RemoveAll(l => life.Departed.Contains(l.Participant) || !life.State.Participants.ContainsKey(l.Participant)
                || moved.TryGetValue(l.Participant, out var at) && (leaving.Reached.Contains(l.Participant) || now - at >= Overlap));
            if (legs.IsEmpty)
            {
                life = MixerWatch.Dismiss(life, told, effects) with { Leaving = life.Leaving.Remove(number) };
            }
            else if (MixerTrunks.Of(life, told.Mixer) is var trunk && (legs.Length < told.Legs.Length || trunk != told.Trunk))
            {
                told = told with { Version = life.Version + 1, Legs = legs, Trunk = trunk };
                effects.Add(new ConferenceEffect.Publish(told));
                life = life with { Version = told.Version, Leaving = life.Leaving.SetItem(number, leaving with { Published = told, Moved = moved }) };
            }
        }

        // One that is over is no longer among those that send to each other.
        return life.Leaving.Count < before.Count ? MixerWatch.Publish(life with { Looked = default }, effects, context) : life;
    }
}
