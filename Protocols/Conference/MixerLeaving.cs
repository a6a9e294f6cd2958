using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <param name="Published">The newest state told to it.</param>
/// <param name="Since">When its successor took over.</param>
internal sealed record LeavingMixer(MixerState Published, DateTimeOffset Since)
{
    /// <summary>Where it takes what its successor sends; null: it has not said.</summary>
    public MediaAddress? Trunk { get; init; }

    /// <summary>When it must have been heard of again.</summary>
    public DateTimeOffset ReportDue { get; init; }

    /// <summary>Which life of it reported last; 0: none.</summary>
    public long Born { get; init; }

    /// <summary>It began anew under its name, and would use its SSRCs from the beginning (K6).</summary>
    public bool IsGone { get; init; }

    /// <summary>Legs that hear its successor.</summary>
    public ImmutableHashSet<ParticipantId> Reached { get; init; } = [];

    /// <summary>Since when peers know of its successor.</summary>
    public ImmutableDictionary<ParticipantId, DateTimeOffset> Moved { get; init; } = ImmutableDictionary<ParticipantId, DateTimeOffset>.Empty;
}

/// <summary>
/// A mixer whose node is emptied goes on with each leg until that is at its successor, the peer knows, and the successor says that it sends to it.
/// Both may send for a moment, since no SSRC is the same and the successor has an epoch of its own (K6). Meanwhile both send each other what their legs
/// say (<see cref="MixerTrunks"/>). Who leaves the conference is out of the old one at once, too (K1), and so is a key that is over (K4). One that falls silent
/// itself is waited for no longer than any other, and who was left there is sent media by the successor at once.
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
        var (now, due) = (context.Decision.Now, context.Decision.Now + context.MixerSilence);
        var leaving = new LeavingMixer(known.Published, now) { Trunk = known.Trunk, Born = known.Born, ReportDue = known.ReportDue > due ? known.ReportDue : due };
        life = MixerWatch.Forget(life, known, effects) with { Leaving = life.Leaving.SetItem(known.Number, leaving) };
        // Who was on the way from there to this number is told of the next anyway; who is on the way to another has nobody to hear until its peer knows.
        return before is null ? life : LegMoves.Hurry(life, before.Published.Legs.RemoveAll(l => IsAt(life, l.Participant, known.Number)), effects, context);
    }

    private static bool IsAt(ConferenceLife life, ParticipantId participant, int number) =>
        life.State.Participants.TryGetValue(participant, out var member) && member.Mixer == number;

    /// <summary>It reports as before, and one that was held up is told that it may go on, or its legs would hear nothing until they have moved.</summary>
    /// <param name="applied">The version that it does.</param>
    public static ConferenceLife Heard(ConferenceLife life, ConferenceInput.MixerReported report, long applied, Effects effects, ConferenceContext context)
    {
        var leaving = life.Leaving[report.Mixer.Number] with { ReportDue = context.Decision.Now + context.MixerSilence + report.Rest };
        // Should the successor be lost, the next one has to know.
        life = HandOver.Heard(life, report.Uplinks) with { Leaving = life.Leaving.SetItem(report.Mixer.Number, leaving) };
        var knowsNothing = report is { AppliedVersion: 0, Incarnation.Number: 0 };
        if (knowsNothing || leaving.Born != 0 && report.Born != 0 && report.Born != leaving.Born)
            return life with { Leaving = life.Leaving.SetItem(report.Mixer.Number, leaving with { IsGone = true }) };
        if (applied < leaving.Published.Version || MixerTrunks.LacksKeys(leaving.Published, report.Trunk))
            effects.Add(new ConferenceEffect.Publish(leaving.Published) { IsRepeated = true });
        if (report.Question != 0) effects.Add(new ConferenceEffect.Confirm(report.Mixer, life.State.Incarnation, report.Question));
        return report.Trunk.Address is not { } address || address == leaving.Trunk
            ? life
            : life with { Leaving = life.Leaving.SetItem(report.Mixer.Number, leaving with { Trunk = address }), Looked = default };
    }

    /// <summary>A mixer in charge has sent media to those: the successor, or one that has room for a leg where that had none.</summary>
    public static ConferenceLife Sends(ConferenceLife life, ImmutableArray<ParticipantId> legs)
    {
        if (legs.IsEmpty) return life;
        foreach (var (number, leaving) in life.Leaving)
            life = life with { Leaving = life.Leaving.SetItem(number, leaving with { Reached = leaving.Reached.Union(legs) }) };
        return life;
    }

    /// <summary>It goes on with that leg.</summary>
    public static bool Has(ConferenceLife life, ParticipantId participant) =>
        life.Leaving.Values.Any(l => l.Published.Legs.Any(leg => leg.Participant == participant));

    /// <summary>The newest state of one that leaves; null: it does not.</summary>
    public static MixerState? Find(ConferenceLife life, MixerId mixer) =>
        life.Leaving.TryGetValue(mixer.Number, out var leaving) && leaving.Published.Mixer == mixer ? leaving.Published : null;

    /// <summary>After every step.</summary>
    public static ConferenceLife Proceed(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (life.Leaving.IsEmpty) return life;
        var before = life.Leaving;
        var epochs = ConferenceKeys.Told(life);
        foreach (var (number, leaving) in before) life = Proceed(life, number, leaving, epochs, effects, context);

        // One that is over is no longer among those that send to each other.
        return life.Leaving.Count < before.Count ? MixerWatch.Publish(life with { Looked = default }, effects, context) : life;
    }

    private static ConferenceLife Proceed(
        ConferenceLife life, int number, LeavingMixer leaving, ImmutableArray<KeyEpoch> epochs, Effects effects, ConferenceContext context)
    {
        var (told, now) = (leaving.Published, context.Decision.Now);
        var moved = told.Legs.Select(l => l.Participant).Where(p => !life.Moves.ContainsKey(p.Value)).ToImmutableDictionary(
            p => p, p => leaving.Moved.GetValueOrDefault(p, now));
        // As with mixers in charge: what is noticed this late was held up with the rest of the process.
        var late = now - leaving.ReportDue;
        if (late > context.MixerSilence / 3) leaving = leaving with { ReportDue = now + context.MixerSilence };
        var isLost = late >= TimeSpan.Zero && late <= context.MixerSilence / 3;
        var isOver = leaving.IsGone || isLost || !IsGentle(life, number) || now - leaving.Since >= Patience;
        var legs = isOver ? [] : told.Legs.RemoveAll(l => life.Departed.Contains(l.Participant) || !life.State.Participants.ContainsKey(l.Participant)
            || moved.TryGetValue(l.Participant, out var at) && (leaving.Reached.Contains(l.Participant) || now - at >= Overlap));
        var wanted = told with
        {
            Legs = told.ForwardsFrom is null ? [.. legs.Select(l => Keyed(life, l, told.Epochs, epochs)).OfType<MixerLeg>()] : legs,
            Epochs = told.Epochs.RemoveAll(e => !epochs.Contains(e)),
            Trunk = MixerTrunks.Of(life, told.Mixer),
        };
        leaving = leaving with { Moved = moved };
        if (wanted.Legs.IsEmpty)
        {
            life = MixerWatch.Dismiss(life, told, effects) with { Leaving = life.Leaving.Remove(number) };
            return LegMoves.Hurry(life, told.Legs, effects, context);
        }

        if (told.WantsTheSameAs(wanted)) return life with { Leaving = life.Leaving.SetItem(number, leaving) };
        wanted = wanted with { Version = life.Version + 1 };
        effects.Add(new ConferenceEffect.Publish(wanted));
        life = life with { Version = wanted.Version, Leaving = life.Leaving.SetItem(number, leaving with { Published = wanted }) };
        if (wanted.Legs.Length == legs.Length) return life;
        // Without a key that may be used there, it has nobody to wait for.
        var stay = wanted.Legs.Select(l => l.Participant).ToHashSet();
        return LegMoves.Hurry(life, legs.RemoveAll(l => stay.Contains(l.Participant)), effects, context);
    }

    /// <summary>
    /// A leg that did not take the newest key in time goes on here as it would at the successor; one that took a key which this mixer is not given any more has what it
    /// had, as long as anybody may use that. Null: nobody may.
    /// </summary>
    /// <param name="has">Epochs whose keys this mixer has.</param>
    /// <param name="alive">Those that are not over.</param>
    private static MixerLeg? Keyed(ConferenceLife life, MixerLeg leg, ImmutableArray<KeyEpoch> has, ImmutableArray<KeyEpoch> alive)
    {
        var use = ConferenceKeys.UseOf(life, leg.Participant);
        if (!IsOfGroup(use) || has.Contains(use.Epoch)) leg = leg with { Key = use };
        return !IsOfGroup(leg.Key) || alive.Contains(leg.Key.Epoch) ? leg : null;
    }

    private static bool IsOfGroup(LegKeyUse use) => use.Mode is LegKeyMode.ByMki or LegKeyMode.Plain;
}
