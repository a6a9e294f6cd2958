using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// Conference to its mixers: the desired state of each whenever it changes, again when a report shows that it was missed, and another mixer when
/// there are no reports. A mixer that is not in charge is told that nobody is in.
/// </summary>
internal static class MixerWatch
{
    /// <summary>A mixer hears of its conference so often at least, when it reports.</summary>
    private static readonly TimeSpan ConfirmEvery = TimeSpan.FromSeconds(5);

    /// <summary>The first mixer of a conference has so many times longer for its first word: its region may be starting with it.</summary>
    private const int FirstWord = 3;

    /// <summary>Mixers in a row that never said anything double the patience with the next, up to so often.</summary>
    private const int MaxDoublings = 3;

    /// <summary>
    /// That part of the silence a mixer is waited for once more: a process that was held up finds the reports of that time behind the timer. Only when that wait was not
    /// held up itself, by more than half of it, is the mixer silent.
    /// </summary>
    private const int OnceMore = 5;

    /// <summary>With so few SSRCs left the mixer is given more.</summary>
    private const int FewSsrcs = 4;

    public static ConferenceLife Publish(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (!life.IsTaken || IsLookedAt(life)) return life;
        life = life with { Looked = (life.State, life.Departed, life.Keys.Uses, ConferenceKeys.Told(life)) };
        var replaced = life.Known.Values.Where(m => !life.State.IsActive || !life.State.HasMixer(m.Published.Mixer)).ToList();
        foreach (var mixer in replaced)
            life = MixerLeaving.IsGentle(life, mixer.Number) ? MixerLeaving.Begin(life, mixer, effects, context) : Dismiss(life, mixer, effects);
        if (!life.State.IsActive) return replaced.Count == 0 ? life : life with { Uplinks = life.Uplinks.Clear() };

        life = MixerTrunks.Joined(life);
        var members = life.State.Members();
        foreach (var number in life.State.Mixers.Keys) life = Publish(life, number, members, effects, context);
        return UplinkKeys.Kept(HandOver.Kept(life));
    }

    private static ConferenceLife Publish(ConferenceLife life, int number, ImmutableArray<Member> members, Effects effects, ConferenceContext context)
    {
        var known = life.Known.GetValueOrDefault(number);
        var handedOver = known?.HandedOver ?? HandOver.Begun(life, number);
        var wanted = life.State.DesiredMixer(number, life.Version + 1, members, life.Departed, p => ConferenceKeys.UseOf(life, p)) with
        {
            Epochs = life.State.IsSwitching ? [] : life.Looked.Epochs,
            ForwardsFrom = life.State.IsSwitching ? life.Keys.OldestUsed : null,
            Born = known?.Born ?? 0,
            IsFound = known is not { Born: not 0 } && life.FoundMixers.Contains(life.State.MixerOf(number)!.Value),
            Trunk = MixerTrunks.Of(life, life.State.MixerOf(number)!.Value),
        };
        wanted = wanted with { Resumes = HandOver.For(handedOver, wanted) };
        if (known is not null && known.Published.WantsTheSameAs(wanted)) return life;
        effects.Add(new ConferenceEffect.Publish(wanted));
        var next = (known ?? new KnownMixer(wanted) { HandedOver = handedOver }) with { Published = wanted };
        life = life with { Version = wanted.Version };
        // A mixer at rest answers a new state at once.
        var isLate = known?.ReportDue > context.Decision.Now + Silence(life, next, context);
        return known is null || isLate ? Await(life, next, effects, context) : With(life, next);
    }

    public static ConferenceLife Reported(
        ConferenceLife life, ConferenceInput.MixerReported report, Effects effects, ConferenceContext context)
    {
        var applied = report.Incarnation == life.State.Incarnation ? report.AppliedVersion : 0;
        if (MixerLeaving.Find(life, report.Mixer) is not null) return MixerLeaving.Heard(life, report, applied, effects, context);
        if (!life.Known.TryGetValue(report.Mixer.Number, out var known) || known.Published.Mixer != report.Mixer)
            return Stray(life, report.Mixer, applied, effects);
        if (BeganAnew(life, known, report)) return Replace(life, known, MixerLoss.BeganAnew, "knows nothing any more", effects);
        // It was silent, and is not: where its successor is not being stored yet, it has none.
        known = known with { Born = report.Born, IsHeard = true };
        life = With(life, known) with
        {
            Misplaced = life.Misplaced.Remove(known.Number),
            Waiting = life.Waiting.RemoveAll(c => c is ConferenceCommand.PlaceMixer { Loss: MixerLoss.Silent } place && place.Lost == report.Mixer),
        };
        life = MixerLeaving.Sends(life, report.Sending);
        life = UplinkKeys.Heard(life, report, effects, context);
        life = Confirm(HandOver.Heard(life, report.Uplinks), known, report, effects, context);
        foreach (var (participant, epoch) in report.Deaf)
            life = ConferenceKeys.Next(life, new RekeyInput.Deaf(participant.Value, epoch), effects, context.Decision);
        life = MixerTrunks.Heard(life, life.Known[known.Number], report.Trunk);
        var told = known.Published;
        if (applied < told.Version || MixerTrunks.LacksKeys(told, report.Trunk))
            effects.Add(new ConferenceEffect.Publish(told with { Born = report.Born, IsFound = false }) { IsRepeated = true });
        known = life.Known[known.Number] with { AppliedVersion = applied, KeyPackets = applied < told.Version ? known.KeyPackets : report.Shared.KeyPackets };
        return Await(Look(With(life, known), known, report.Shared, effects, context), known, effects, context, report.Rest);
    }

    /// <summary>The mixer needs SSRCs in time, and a group key is changed long before it may not be used any more (RFC 3711 §9.2), by all mixers together.</summary>
    private static ConferenceLife Look(ConferenceLife life, KnownMixer known, SharedReport shared, Effects effects, ConferenceContext context)
    {
        if (known.AppliedVersion < known.Published.Version || life.Keys.Newest is null) return life;
        var isAsked = life.Waiting.Any(c => c is ConferenceCommand.ReserveSsrcs reserve && reserve.Mixer == known.Number);
        if (shared.SsrcsLeft <= FewSsrcs && !isAsked && life.Pending is null)
            life = life with { Waiting = life.Waiting.Add(new ConferenceCommand.ReserveSsrcs(known.Number)) };
        var packets = life.Known.Values.Aggregate(0UL, (sum, m) => sum + m.KeyPackets);
        return packets >= context.Decision.Policy.Keys.MaxPackets && life.Keys.Newest.WasUsed && life.Keys.Last == life.Keys.Newest.Epoch
            ? ConferenceKeys.Next(life, new RekeyInput.Demanded(RekeyReason.WornOut), effects, context.Decision)
            : life;
    }

    private static bool IsLookedAt(ConferenceLife life) =>
        ReferenceEquals(life.Looked.State, life.State) && ReferenceEquals(life.Looked.Departed, life.Departed) && life.Looked.Uses == life.Keys.Uses
        && life.Looked.Epochs.AsSpan().SequenceEqual(ConferenceKeys.Told(life).AsSpan());

    public static ConferenceLife Silent(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (life.Known.IsEmpty) return life;
        foreach (var known in life.Known.Values)
        {
            var late = context.Decision.Now - known.ReportDue;
            if (late < TimeSpan.Zero) continue;
            var isSilent = known.IsMissed && late <= More(context) / 2;
            if (isSilent) life = Replace(life, known, MixerLoss.Silent, "is silent", effects);
            var wait = isSilent ? Silence(life, known, context) - More(context) : More(context);
            life = With(life, known with { IsMissed = !isSilent, ReportDue = context.Decision.Now + wait });
        }

        return Arm(life, effects, context);
    }

    /// <summary>Its lane or its node failed, and whoever bears its name now has no legs. A life that finds it so cannot know what it sent before.</summary>
    private static bool BeganAnew(ConferenceLife life, KnownMixer known, ConferenceInput.MixerReported report)
    {
        var isAnother = known.Born != 0 && report.Born != 0 && report.Born != known.Born;
        var knowsNothing = report is { AppliedVersion: 0, Incarnation.Number: 0 };
        return isAnother || knowsNothing && (known.AppliedVersion > 0 || !known.IsHeard && life.FoundMixers.Contains(report.Mixer));
    }

    private static ConferenceLife Replace(ConferenceLife life, KnownMixer known, MixerLoss loss, string what, Effects effects)
    {
        var lost = known.Published.Mixer;
        var before = life.Waiting.OfType<ConferenceCommand.PlaceMixer>().FirstOrDefault(p => p.Lost is null || p.Lost == lost);
        if (before is not null && (before.Loss != MixerLoss.Drained || loss == MixerLoss.Drained)) return life;
        // It was to hand over to its successor, and will not any more.
        if (before is not null) life = life with { Waiting = life.Waiting.Remove(before) };
        effects.Add(new ConferenceEffect.Say($"Mixer {lost} {what}; another takes its place and its legs move there."));
        return life with
        {
            Waiting = life.Waiting.Add(new ConferenceCommand.PlaceMixer(lost, loss)),
            Misplaced = known.IsHeard ? life.Misplaced.Remove(known.Number) : life.Misplaced.SetItem(known.Number, life.Misplaced.GetValueOrDefault(known.Number) + 1),
        };
    }

    /// <summary>It works; so nothing is said of a loss.</summary>
    public static ConferenceLife Drained(ConferenceLife life, MixerId mixer, Effects effects) =>
        life.Known.TryGetValue(mixer.Number, out var known) && known.Published.Mixer == mixer
            ? Replace(life, known, MixerLoss.Drained, "is on a node that is emptied", effects)
            : life;

    /// <summary>It asks after a pause of its own; else now and then, so that it knows that somebody leads it.</summary>
    private static ConferenceLife Confirm(
        ConferenceLife life, KnownMixer known, ConferenceInput.MixerReported report, Effects effects, ConferenceContext context)
    {
        if (report.Question == 0 && context.Decision.Now - known.ConfirmedAt < ConfirmEvery) return life;
        effects.Add(new ConferenceEffect.Confirm(report.Mixer, life.State.Incarnation, report.Question));
        return With(life, known with { ConfirmedAt = context.Decision.Now });
    }

    private static TimeSpan Silence(ConferenceLife life, KnownMixer known, ConferenceContext context)
    {
        if (known.IsHeard) return context.MixerSilence;
        var isFirst = life.State.Mixers.TryGetValue(known.Number, out var placed) && placed.Loss is MixerLoss.None or MixerLoss.Drained;
        return context.MixerSilence * (isFirst ? FirstWord : 1 << Math.Min(life.Misplaced.GetValueOrDefault(known.Number), MaxDoublings));
    }

    private static ConferenceLife With(ConferenceLife life, KnownMixer known) => life with { Known = life.Known.SetItem(known.Number, known) };

    private static ConferenceLife Await(ConferenceLife life, KnownMixer known, Effects effects, ConferenceContext context, TimeSpan rest = default) =>
        Arm(With(life, known with { IsMissed = false, ReportDue = context.Decision.Now + Silence(life, known, context) - More(context) + rest }), effects, context);

    private static TimeSpan More(ConferenceContext context) => context.MixerSilence / OnceMore;

    /// <summary>One timer for the first that is due.</summary>
    private static ConferenceLife Arm(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        var after = life.ReportDue - context.Decision.Now;
        effects.Add(new ConferenceEffect.Start(ConferenceTimer.MixerSilent, after > TimeSpan.Zero ? after : TimeSpan.Zero));
        return life;
    }

    private static ConferenceLife Dismiss(ConferenceLife life, KnownMixer known, Effects effects) => Dismiss(Forget(life, known, effects), known.Published, effects);

    /// <summary>Whoever bears that name is over, and needs no key any more.</summary>
    public static ConferenceLife Dismiss(ConferenceLife life, MixerState published, Effects effects)
    {
        var last = published with { Version = life.Version + 1, Legs = [], Epochs = [], Trunk = null, IsLast = true, Born = 0, IsFound = false };
        effects.Add(new ConferenceEffect.Publish(last));
        return life with { Dismissed = life.Dismissed.SetItem(last.Mixer, last), Version = last.Version };
    }

    /// <summary>Its reports are not waited for.</summary>
    public static ConferenceLife Forget(ConferenceLife life, KnownMixer known, Effects effects)
    {
        var others = life.Known.Remove(known.Number);
        if (others.IsEmpty) effects.Add(new ConferenceEffect.Cancel(ConferenceTimer.MixerSilent));
        return life with { Known = others };
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

        if (!life.Dismissed.TryGetValue(mixer, out var last))
        {
            last = new MixerState(mixer, life.State.Incarnation, life.Version + 1, []) { IsLast = true };
            life = life with { Dismissed = life.Dismissed.SetItem(mixer, last), Version = last.Version };
        }

        if (applied < last.Version) effects.Add(new ConferenceEffect.Publish(last));
        return life;
    }
}
