using System.Collections.Immutable;
using System.Diagnostics;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>What <see cref="RekeyMachine"/> wants done, as facts to be stored, messages to participants, and steps of legs that become facts.</summary>
internal static class KeyWishes
{
    /// <summary>Steps of legs are stored together when so long has passed since the first.</summary>
    public static readonly TimeSpan Collect = TimeSpan.FromMilliseconds(100);

    public static ConferenceLife Execute(
        ConferenceLife life, ImmutableArray<RekeyEffect> wishes, string? note, Effects effects, DecisionContext context)
    {
        foreach (var wish in wishes) life = Execute(life, wish, note, effects, context);
        return life;
    }

    private static ConferenceLife Execute(ConferenceLife life, RekeyEffect wish, string? note, Effects effects, DecisionContext context)
    {
        switch (wish)
        {
            case RekeyEffect.Begin w:
                return life with { Waiting = life.Waiting.Add(Begun(w, note)), Storing = life.Storing.Add(w.Epoch) };
            case RekeyEffect.Answer w: return Answer(life, new ParticipantId(w.Participant), w, effects, context);
            // It was decided on with a join that was being stored, and the leg has left meanwhile.
            case RekeyEffect.Offer w when life.Keys.Find(w.Participant)?.Offered != w.Epoch: return life;
            case RekeyEffect.Use w when life.Keys.Find(w.Participant) is null: return life;
            // While that was being stored the key was given up: it is free for a younger one.
            case RekeyEffect.Offer w when life.Keys.Find(w.Epoch) is not { MayBeUsed: true }:
                return ConferenceKeys.Next(life, new RekeyInput.NotNow(w.Participant, w.Epoch, TimeSpan.Zero), effects, context);
            case RekeyEffect.Switch w when life.Keys.Find(w.Participant) is { IsSwitching: true } sender && sender.Offered == w.Epoch:
                effects.Add(new ConferenceEffect.OfferKey(new ParticipantId(w.Participant), w.Epoch, sender.InUse)
                {
                    Taken = sender.Confirmed,
                    Switches = true,
                    Streams = sender.InUse is null ? HandOver.Running(life, new ParticipantId(w.Participant)) : [],
                });
                return Step(life, new ParticipantId(w.Participant), LegStepKind.Told, w.Epoch, context);
            case RekeyEffect.Switch: return life;
            case RekeyEffect.Distributed w: return Pass(life, w.Epoch, EpochPassage.Distributed, context);
            case RekeyEffect.Offer w:
                var told = life.Keys.Find(w.Participant)!;
                effects.Add(new ConferenceEffect.OfferKey(new ParticipantId(w.Participant), w.Epoch, told.InUse) { Taken = told.Confirmed, To = w.To });
                return Step(life, new ParticipantId(w.Participant), LegStepKind.Sent, w.Epoch, context, w.To);
            case RekeyEffect.Use { Epoch: { } epoch } w: return Step(life, new ParticipantId(w.Participant), LegStepKind.Moved, epoch, context);
            case RekeyEffect.Use { IsAnew: true } w: return Step(life, new ParticipantId(w.Participant), LegStepKind.OwnKey, default, context);
            case RekeyEffect.Use w:
                var kind = life.Keys.Find(w.Participant)!.IsDeaf ? LegStepKind.Deaf : LegStepKind.OwnKey;
                return Isolated(life, new ParticipantId(w.Participant), kind, effects, context);
            case RekeyEffect.Silence w: return Isolated(life, new ParticipantId(w.Participant), LegStepKind.Silenced, effects, context);
            case RekeyEffect.Drop w:
                effects.Add(new ConferenceEffect.HangUp(new ParticipantId(w.Participant), LeaveReason.KeyNotTaken));
                return Isolated(
                    life with { KeyDropped = life.KeyDropped.Add(new ParticipantId(w.Participant)) }, new ParticipantId(w.Participant), LegStepKind.Dropped,
                    effects, context);
            case RekeyEffect.Settled w: return Pass(life, w.Epoch, EpochPassage.Settled, context);
            case RekeyEffect.Retire w: return Pass(life, w.Epoch, EpochPassage.Retired, context);
            case RekeyEffect.Destroy w:
                effects.Add(new ConferenceEffect.DestroyKey(w.Epoch));
                return Pass(life, w.Epoch, EpochPassage.Destroyed, context);
            case RekeyEffect.Overtaken w:
                effects.Add(new ConferenceEffect.DestroyKey(w.Epoch));
                return life;
            case RekeyEffect.DropRungs w:
                effects.AddRange(Range(w.From, w.To).Select(e => new ConferenceEffect.DestroyKey(e)));
                return Pass(life, w.From, EpochPassage.Destroyed, context, w.To);
            case RekeyEffect.Revoked w: return Pass(life, w.Epoch, EpochPassage.Revoked, context);
            default: throw new UnreachableException($"no execution for {wish.GetType().Name}");
        }
    }

    /// <summary>Who was refused or has left meanwhile is owed nothing.</summary>
    private static ConferenceLife Answer(ConferenceLife life, ParticipantId participant, RekeyEffect.Answer answer, Effects effects, DecisionContext context)
    {
        if (!life.State.Participants.TryGetValue(participant, out var member) || life.Departed.Contains(participant) || life.Abandoned.Contains(participant))
            return life;
        var epoch = answer.Epoch is { } meant && life.Keys.Find(meant) is null ? null : answer.Epoch;
        var to = epoch is null ? null : answer.To;
        effects.Add(new ConferenceEffect.Admit(participant, life.State.MixerOf(member.Mixer)!.Value, member.Ssrc, life.State.Incarnation)
        {
            Epoch = epoch,
            To = to,
            Keying = member.Keying,
            Uplink = member.Uplink,
            Media = member.Media ?? "",
        });
        return epoch is { } told ? Step(life, participant, LegStepKind.Sent, told, context, to) : life;
    }

    private static ConferenceLife Isolated(ConferenceLife life, ParticipantId participant, LegStepKind kind, Effects effects, DecisionContext context)
    {
        var what = kind == LegStepKind.Deaf ? "hears nothing under the group key that it took, and is back on its own" : $"does not take new keys ({kind})";
        effects.Add(new ConferenceEffect.Say($"Conference {life.State.Conference}: {participant} {what}."));
        return Step(life, participant, kind, default, context);
    }

    private static ConferenceLife Pass(ConferenceLife life, KeyEpoch epoch, EpochPassage passage, DecisionContext context, KeyEpoch? to = null) =>
        Note(life, new ConferenceEvent.KeyEpochPassed(epoch, passage) { At = context.Now, To = to });

    public static ConferenceLife Note(ConferenceLife life, ConferenceEvent fact)
    {
        var flushed = Flush(life);
        return flushed with { Notes = flushed.Notes.Add(fact) };
    }

    public static ConferenceLife Step(ConferenceLife life, ParticipantId participant, LegStepKind kind, KeyEpoch epoch, DecisionContext context, KeyEpoch? to = null) =>
        life with { Steps = life.Steps.Add(new LegStep(participant, kind, epoch, context.Now) { To = to }) };

    /// <summary>Stored at once: until then another life of the focus, and with it a leg whose keys are lost, would wait for a copy of the INVITE.</summary>
    public static ConferenceLife Ready(ConferenceLife life, ParticipantId participant, DecisionContext context)
    {
        if (life.Ledger.IsReady(participant)) return life;
        var said = life.Steps.Any(s => s.Participant == participant && s.Kind is LegStepKind.Ready or LegStepKind.Confirmed);
        return (said ? life : Step(life, participant, LegStepKind.Ready, default, context)) with { IsCollecting = false };
    }

    public static IEnumerable<KeyEpoch> Range(KeyEpoch from, KeyEpoch to)
    {
        for (var epoch = from; epoch <= to; epoch = epoch.Next) yield return epoch;
    }

    private static ConferenceCommand.BeginEpoch Begun(RekeyEffect.Begin begin, string? note) =>
        new(begin.Epoch, begin.Reason, note) { LadderTo = begin.LadderTo, Source = begin.Source };

    /// <summary>Steps that wait become one fact; facts in their order.</summary>
    public static ConferenceLife Flush(ConferenceLife life) => life.Steps.IsEmpty
        ? life
        : life with { Notes = life.Notes.Add(new ConferenceEvent.LegsProgressed(life.Steps) { At = life.Steps[^1].At }), Steps = [] };
}
