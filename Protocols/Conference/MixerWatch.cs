using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// Conference to mixer: the desired state whenever it changes, again when a report shows that it was missed, and another mixer when there
/// are no reports. A mixer that is not in charge is told that nobody is in.
/// </summary>
internal static class MixerWatch
{
    /// <summary>A mixer hears of its conference so often at least, when it reports.</summary>
    private static readonly TimeSpan ConfirmEvery = TimeSpan.FromSeconds(5);

    /// <summary>The first mixer of a conference has so many times longer for its first word: its region may be starting with it.</summary>
    private const int FirstWord = 3;

    /// <summary>Mixers in a row that never said anything double the patience with the next, up to so often.</summary>
    private const int MaxDoublings = 3;

    /// <summary>With so few SSRCs left the mixer is given more.</summary>
    private const int FewSsrcs = 4;

    public static ConferenceLife Publish(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (!life.IsTaken || IsLookedAt(life)) return life;
        life = life with { Looked = (life.State, life.Departed, life.Keys.Uses, Told(life)) };
        if (life.Published is { } old && (old.Mixer != life.State.Mixer || !life.State.IsActive))
            life = HandOver.Begun(Dismiss(life, old, effects)) with { MixerBorn = 0, IsMixerHeard = false, AppliedVersion = 0 };
        if (!life.State.IsActive) return life;

        var wanted = life.State.DesiredMixer(life.Version + 1, life.Departed, p => ConferenceKeys.UseOf(life, p)) with
        {
            Epochs = life.Looked.Epochs,
            Born = life.MixerBorn,
        };
        wanted = wanted with { Resumes = HandOver.For(life, wanted) };
        life = HandOver.Kept(life);
        if (life.Published is { } told && told.WantsTheSameAs(wanted)) return life;
        effects.Add(new ConferenceEffect.Publish(wanted));
        var next = life with { Published = wanted, Version = wanted.Version };
        // A mixer at rest answers a new state at once.
        var isLate = life.ReportDue > context.Decision.Now + Silence(life, context);
        return life.Published is null || isLate ? Await(next, effects, context) : next;
    }

    public static ConferenceLife Reported(
        ConferenceLife life, ConferenceInput.MixerReported report, Effects effects, ConferenceContext context)
    {
        var applied = report.Incarnation == life.State.Incarnation ? report.AppliedVersion : 0;
        if (life.Published is not { } told || told.Mixer != report.Mixer) return Stray(life, report.Mixer, applied, effects);
        if (BeganAnew(life, report)) return Replace(life, told.Mixer, MixerLoss.BeganAnew, "knows nothing any more", effects);
        // It was silent, and is not: where its successor is not being stored yet, it has none.
        life = life with
        {
            MixerBorn = report.Born,
            IsMixerHeard = true,
            Misplaced = 0,
            Waiting = life.Waiting.RemoveAll(c => c is ConferenceCommand.PlaceMixer { Loss: MixerLoss.Silent } place && place.Lost == told.Mixer),
        };
        life = Confirm(HandOver.Heard(life, report.Uplinks), report, effects, context);
        foreach (var (participant, epoch) in report.Deaf)
            life = ConferenceKeys.Next(life, new RekeyInput.Deaf(participant.Value, epoch), effects, context.Decision);
        if (applied < told.Version) effects.Add(new ConferenceEffect.Publish(told with { Born = report.Born }) { IsRepeated = true });
        return Await(Look(life with { AppliedVersion = applied }, applied, report.Shared, effects, context), effects, context, report.Rest);
    }

    /// <summary>The mixer needs SSRCs in time, and a group key is changed long before it may not be used any more (RFC 3711 §9.2).</summary>
    private static ConferenceLife Look(ConferenceLife life, long applied, SharedReport shared, Effects effects, ConferenceContext context)
    {
        if (applied < life.Published!.Version || life.Keys.Newest is null) return life;
        if (shared.SsrcsLeft <= FewSsrcs && !life.Waiting.Any(c => c is ConferenceCommand.ReserveSsrcs) && life.Pending is null)
            life = life with { Waiting = life.Waiting.Add(new ConferenceCommand.ReserveSsrcs()) };
        return shared.KeyPackets >= context.Decision.Policy.Keys.MaxPackets && life.Keys.Newest.WasUsed && life.Keys.Last == life.Keys.Newest.Epoch
            ? ConferenceKeys.Next(life, new RekeyInput.Demanded(RekeyReason.WornOut), effects, context.Decision)
            : life;
    }

    private static bool IsLookedAt(ConferenceLife life) =>
        ReferenceEquals(life.Looked.State, life.State) && ReferenceEquals(life.Looked.Departed, life.Departed) && life.Looked.Uses == life.Keys.Uses
        && life.Looked.Epochs.AsSpan().SequenceEqual(Told(life).AsSpan());

    /// <summary>One that is not stored yet may be told to nobody.</summary>
    private static ImmutableArray<KeyEpoch> Told(ConferenceLife life) =>
        [.. life.Keys.Epochs.Select(e => e.Epoch).Where(e => !life.Storing.Contains(e))];

    public static ConferenceLife Silent(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (life.Published is null) return life;
        var late = context.Decision.Now - life.ReportDue;
        if (late < TimeSpan.Zero)
        {
            effects.Add(new ConferenceEffect.Start(ConferenceTimer.MixerSilent, -late));
            return life;
        }

        // A timer that comes this late was held up with the rest of the process, so the mixer's reports may have been, too.
        if (late > context.MixerSilence / 3) return Await(life, effects, context);
        return Await(Replace(life, life.Published.Mixer, MixerLoss.Silent, "is silent", effects), effects, context);
    }

    /// <summary>Its lane or its node failed, and whoever bears its name now has no legs. A life that finds it so cannot know what it sent before.</summary>
    private static bool BeganAnew(ConferenceLife life, ConferenceInput.MixerReported report)
    {
        var isAnother = life.MixerBorn != 0 && report.Born != 0 && report.Born != life.MixerBorn;
        var knowsNothing = report is { AppliedVersion: 0, Incarnation.Number: 0 };
        return isAnother || knowsNothing && (life.AppliedVersion > 0 || !life.IsMixerHeard && life.FoundMixer == report.Mixer);
    }

    private static ConferenceLife Replace(ConferenceLife life, MixerId lost, MixerLoss loss, string what, Effects effects)
    {
        if (life.Waiting.Any(c => c is ConferenceCommand.PlaceMixer)) return life;
        effects.Add(new ConferenceEffect.Say($"Mixer {lost} {what}; another takes its place and its legs move there."));
        return life with
        {
            Waiting = life.Waiting.Add(new ConferenceCommand.PlaceMixer(lost, loss)),
            Misplaced = life.IsMixerHeard ? 0 : life.Misplaced + 1,
        };
    }

    /// <summary>It asks after a pause of its own; else now and then, so that it knows that somebody leads it.</summary>
    private static ConferenceLife Confirm(ConferenceLife life, ConferenceInput.MixerReported report, Effects effects, ConferenceContext context)
    {
        if (report.Question == 0 && context.Decision.Now - life.ConfirmedAt < ConfirmEvery) return life;
        effects.Add(new ConferenceEffect.Confirm(report.Mixer, life.State.Incarnation, report.Question));
        return life with { ConfirmedAt = context.Decision.Now };
    }

    private static TimeSpan Silence(ConferenceLife life, ConferenceContext context)
    {
        if (life.IsMixerHeard) return context.MixerSilence;
        return context.MixerSilence * (life.State.MixerLoss == MixerLoss.None ? FirstWord : 1 << Math.Min(life.Misplaced, MaxDoublings));
    }

    private static ConferenceLife Await(ConferenceLife life, Effects effects, ConferenceContext context, TimeSpan rest = default)
    {
        var silence = Silence(life, context) + rest;
        effects.Add(new ConferenceEffect.Start(ConferenceTimer.MixerSilent, silence));
        return life with { ReportDue = context.Decision.Now + silence };
    }

    private static ConferenceLife Dismiss(ConferenceLife life, MixerState old, Effects effects)
    {
        // Whoever bears that name is over, and needs no key any more.
        var last = old with { Version = life.Version + 1, Legs = [], Epochs = [], IsLast = true, Born = 0 };
        effects.Add(new ConferenceEffect.Publish(last));
        effects.Add(new ConferenceEffect.Cancel(ConferenceTimer.MixerSilent));
        return life with { Published = null, Dismissed = last, Version = last.Version };
    }

    /// <summary>
    /// A mixer of an earlier instance or of an earlier life. Only a life that has taken the conference is obeyed, so it does that first;
    /// the next report is answered. Without any fact there never was a mixer, and nothing is done.
    /// </summary>
    private static ConferenceLife Stray(ConferenceLife life, MixerId mixer, long applied, Effects effects)
    {
        if (!life.IsTaken)
        {
            var known = life is { IsRecovered: true, Pending: null } && mixer.Incarnation <= life.State.MixerIncarnation;
            return known && life.Waiting.IsEmpty ? life with { Waiting = life.Waiting.Add(new ConferenceCommand.Take(false)) } : life;
        }

        if (life.Dismissed is not { } last || last.Mixer != mixer)
        {
            last = new MixerState(mixer, life.State.Incarnation, life.Version + 1, []) { IsLast = true };
            life = life with { Dismissed = last, Version = last.Version };
        }

        if (applied < last.Version) effects.Add(new ConferenceEffect.Publish(last));
        return life;
    }
}
