using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// Between the conference and <see cref="RekeyMachine"/>: what happens to members becomes its inputs, what it wants becomes facts, messages and another
/// state for the mixer. Only legs that share the group key are known to it.
/// </summary>
internal static class ConferenceKeys
{
    /// <summary>How media to a member is keyed at present.</summary>
    public static LegKeyUse UseOf(ConferenceLife life, ParticipantId participant)
    {
        if (life.KeyDropped.Contains(participant)) return new LegKeyUse(LegKeyMode.None);
        if (life.Keys.Find(participant.Value) is not { } leg) return LegKeyUse.Own;
        // Forwarded unopened: what others send under the first key that it took and later ones.
        if (leg.Keying == LegKeying.Switched) return leg.Since is { } since ? new LegKeyUse(LegKeyMode.ByMki, since) : new LegKeyUse(LegKeyMode.None);
        if (leg.InUse == LegKeys.Forgotten) return new LegKeyUse(LegKeyMode.AsBefore);
        if (leg.InUse is { } epoch) return new LegKeyUse(leg.Keying == LegKeying.GroupPlain ? LegKeyMode.Plain : LegKeyMode.ByMki, epoch);
        return leg.KnowsOwnKey ? LegKeyUse.Own : new LegKeyUse(LegKeyMode.None);
    }

    /// <summary>Epochs whose keys mixers have; one that is not stored yet may be told to nobody.</summary>
    public static ImmutableArray<KeyEpoch> Told(ConferenceLife life) => [.. life.Keys.Epochs.Select(e => e.Epoch).Where(e => !life.Storing.Contains(e))];

    /// <summary>A join that is about to be stored; the epoch that it begins is stored with it, and its answer waits for both.</summary>
    /// <param name="state">With the join.</param>
    public static (ConferenceLife Life, ImmutableArray<ConferenceEvent> Facts) Joined(
        ConferenceLife life, ConferenceState state, ConferenceEvent.ParticipantJoined joined, DecisionContext context)
    {
        var (now, before) = (Clock(life, context), KeySupply.Of(life.Keys, context.Policy.Keys));
        var input = new RekeyInput.Joined(joined.Participant.Value, joined.Keying, joined.TakesLadder);
        var (keys, effects) = RekeyMachine.Next(before, input, context.Policy.Keys.Rekey, now);
        return Begun(Deferred(life with { Keys = keys, KeyClock = now }, before, context), state, effects, context);
    }

    /// <summary>
    /// A new mixer that is about to be stored: with it a new epoch, so that nothing goes on where the old mixer may be (K6). Legs that were left under a key
    /// which only the old one knew are under their own from now on; without one they hear nothing until they take the new key. Legs of other mixers are as before.
    /// </summary>
    /// <param name="state">With the mixer.</param>
    /// <param name="number">Its number.</param>
    public static (ConferenceLife Life, ImmutableArray<ConferenceEvent> Facts) Replaced(
        ConferenceLife life, ConferenceState state, int number, DecisionContext context)
    {
        if (life.Keys.Legs.IsEmpty) return (life, []);
        var now = Clock(life, context);
        foreach (var leg in life.Keys.Legs.Values.Where(l => l.InUse == LegKeys.Forgotten && l.Keying != LegKeying.Switched))
        {
            if (state.Participants.TryGetValue(new ParticipantId(leg.Participant), out var member) && member.Mixer != number) continue;
            life = WithOwnKey(life, leg, context);
        }

        var (keys, effects) = RekeyMachine.Next(
            KeySupply.Of(life.Keys, context.Policy.Keys), new RekeyInput.Demanded(RekeyReason.MixerReplaced), context.Policy.Keys.Rekey, now);
        return Begun(Deferred(life with { Keys = keys, KeyClock = now }, life.Keys, context), state, effects, context);
    }

    /// <summary>A leg that goes to another mixer, which knows no key of a former life of the focus.</summary>
    public static ConferenceLife Moved(ConferenceLife life, ParticipantId participant, DecisionContext context) =>
        life.Keys.Find(participant.Value) is { } leg && leg.InUse == LegKeys.Forgotten && leg.Keying != LegKeying.Switched ? WithOwnKey(life, leg, context) : life;

    private static ConferenceLife WithOwnKey(ConferenceLife life, LegKeys leg, DecisionContext context)
    {
        var knowsOwnKey = leg.Keying != LegKeying.GroupPlain;
        life = life with { Keys = life.Keys.With(leg with { InUse = null, KnowsOwnKey = knowsOwnKey }) };
        return KeyWishes.Step(life, new ParticipantId(leg.Participant), knowsOwnKey ? LegStepKind.OwnKey : LegStepKind.Silenced, default, context);
    }

    private static (ConferenceLife Life, ImmutableArray<ConferenceEvent> Facts) Begun(
        ConferenceLife life, ConferenceState state, ImmutableArray<RekeyEffect> effects, DecisionContext context)
    {
        var facts = ImmutableArray<ConferenceEvent>.Empty;
        foreach (var begin in effects.OfType<RekeyEffect.Begin>())
        {
            facts = facts.AddRange(Began(state.Apply(facts), WithLadder(life.Keys, state, begin), null, context));
            life = life with { Storing = life.Storing.Add(begin.Epoch) };
        }

        // The others wait until the facts are stored: nothing of them may be lost.
        return (life with { KeyEffects = life.KeyEffects.AddRange(effects.Where(e => e is not RekeyEffect.Begin)) }, facts);
    }

    /// <summary>A rung that begins before the epoch of its ladder is stored takes the place of that: what is left of the ladder is stored with it.</summary>
    private static RekeyEffect.Begin WithLadder(RekeyState keys, ConferenceState state, RekeyEffect.Begin begin) =>
        keys.Ladder is { } ladder && ladder.Top > begin.Epoch && ladder.Top > state.LastRung ? begin with { LadderTo = ladder.Top } : begin;

    /// <summary>What the epoch's beginning stores: the rules that hold and SSRCs for shared streams, where they are not known yet, and the epoch.</summary>
    public static ImmutableArray<ConferenceEvent> Began(ConferenceState state, RekeyEffect.Begin begin, string? note, DecisionContext context)
    {
        var events = ImmutableArray.CreateBuilder<ConferenceEvent>();
        if (state.KeyPolicy != context.Policy.Keys.Rekey) events.Add(new ConferenceEvent.KeyPolicySet(context.Policy.Keys.Rekey) { At = context.Now });
        foreach (var mixer in state.Mixers.Values.Where(m => m.SharedSsrcs.IsEmpty))
            events.Add(ConferenceDecider.Reserve(state.Apply(events), mixer.Number, context));
        var make = begin.Source == KeySource.Kms ? context.KmsGroupKey : context.NewGroupKey;
        events.Add(new ConferenceEvent.KeyEpochBegan(begin.Epoch, begin.Reason, make(begin.Epoch)) { At = context.Now, Note = note, Source = begin.Source });
        if (begin.LadderTo is { } top)
        {
            var rungs = KeyWishes.Range(begin.Epoch.Next, top).Select(e => new KeyRung(e, make(e)));
            events.Add(new ConferenceEvent.KeyLadderMade([.. rungs]) { At = context.Now });
        }

        return events.DrainToImmutable();
    }

    /// <summary>An epoch that waited for an earlier write bears the time of its own, and the interval runs from that (K3).</summary>
    public static ConferenceLife Dated(ConferenceLife life, KeyEpoch epoch, DecisionContext context) =>
        epoch == life.Keys.Last ? life with { Keys = life.Keys with { LastStart = Clock(life, context) } } : life;

    /// <summary>The batch is stored: epochs in it may be told from now on, and whoever joined with it is answered.</summary>
    public static ConferenceLife Stored(ConferenceLife life, ImmutableArray<ConferenceEvent> events, Effects effects, DecisionContext context)
    {
        var waiting = life.KeyEffects;
        life = KeyWishes.Execute(life with { KeyEffects = [] }, waiting, null, effects, context);
        foreach (var began in events.OfType<ConferenceEvent.KeyEpochBegan>())
        {
            life = life with { Storing = life.Storing.Except(life.Storing.Where(e => e <= began.Epoch)) };
            life = Next(life, new RekeyInput.Stored(began.Epoch), effects, context);
        }

        return Wake(life, effects, context);
    }

    public static ConferenceLife Next(ConferenceLife life, RekeyInput input, Effects effects, DecisionContext context, string? note = null)
    {
        if (!context.Policy.Keys.IsShared) return life;
        var (now, policy) = (Clock(life, context), context.Policy.Keys.Rekey);
        var before = KeySupply.Of(life.Keys, context.Policy.Keys);
        var (keys, wishes) = RekeyMachine.Next(before, input, policy, now);
        life = Deferred(life with { Keys = keys, KeyClock = now }, before, context);
        return Wake(KeyWishes.Execute(life, wishes, note, effects, context), effects, context);
    }

    /// <summary>The machine is about to offer it a key.</summary>
    public static bool IsDue(ConferenceLife life, string participant) =>
        life.Keys.Newest is { } newest && life.Keys.Find(participant) is { } leg && leg.MayHold(newest.Epoch) && !(leg.Confirmed >= newest.Epoch);

    public static ConferenceLife Left(ConferenceLife life, ParticipantId participant, bool evicted, Effects effects, DecisionContext context)
    {
        life = life with { KeyDropped = life.KeyDropped.Remove(participant) };
        if (life.Keys.Find(participant.Value) is null) return life;
        // Nobody else holds a key: there is nobody to hide one from.
        return life.Keys.Legs.Count == 1
            ? Wake(Reset(life, effects, context), effects, context)
            : Next(life, new RekeyInput.Left(participant.Value, evicted), effects, context);
    }

    public static ConferenceLife Reported(ConferenceLife life, ConferenceInput.KeyReported report, Effects effects, DecisionContext context)
    {
        var id = report.Participant.Value;
        if (life.Keys.Find(id) is not { } leg)
            return report.Answer == LegKeyAnswer.Ready && LegMoves.IsIn(life, report.Participant) ? KeyWishes.Ready(life, report.Participant, context) : life;
        if (report.Answer == LegKeyAnswer.Refused && leg.Offered == report.Epoch)
            life = KeyWishes.Step(life, report.Participant, LegStepKind.Refused, report.Epoch, context);
        // An offer of ours, to an INVITE without one or in an INVITE, told no group key.
        var took = leg.Offered == report.Epoch;
        var isNew = !leg.IsSwitching;
        var confirms = report.Answer == LegKeyAnswer.Took || report.Answer == LegKeyAnswer.Ready && !leg.IsReady;
        if (confirms && took && isNew && leg.Offered is { } taken)
            life = KeyWishes.Step(life, report.Participant, LegStepKind.Confirmed, taken, context, ToldEpochs.Above(leg));
        if (report.Answer == LegKeyAnswer.Ready) life = KeyWishes.Ready(life, report.Participant, context);
        return report.Answer switch
        {
            LegKeyAnswer.Ready => Next(life, new RekeyInput.Confirmed(id, took), effects, context),
            LegKeyAnswer.Took => Next(life, new RekeyInput.Took(id, report.Epoch), effects, context),
            LegKeyAnswer.NotNow => Next(life, new RekeyInput.NotNow(id, report.Epoch, report.Wait), effects, context),
            LegKeyAnswer.Refused => Next(life, new RekeyInput.Refused(id, report.Epoch), effects, context),
            LegKeyAnswer.Anew => Next(life, new RekeyInput.Anew(id), effects, context),
            _ => life,
        };
    }

    /// <summary>Numbers and the interval go on.</summary>
    public static ConferenceLife Resumed(ConferenceLife life, DecisionContext context) => life with
    {
        Keys = RekeyState.Recovered(
            [], life.State.LastEpoch, life.State.LastRung, context.Now - life.State.LastEpochAt, context.Policy.Keys.Rekey, Clock(life, context)),
    };

    /// <summary>After a recovery with calls on: the keys are gone, so a new epoch begins at once; the mixer goes on with what it has until legs move.</summary>
    public static ConferenceLife Recovered(ConferenceLife life, Effects effects, DecisionContext context)
    {
        var policy = context.Policy.Keys;
        var shared = life.State.Members().Where(m => m.Keying != LegKeying.Own).ToList();
        var now = Clock(life, context);
        var keys = RekeyState.Recovered(
            shared.Select(m => (m.Participant.Value, m.Keying, m.TakesLadder)), life.State.LastEpoch, life.State.LastRung,
            context.Now - life.State.LastEpochAt, policy.Rekey, now);
        life = life with { Keys = keys, KeyClock = now };
        return shared.Count == 0 ? life : Next(life, new RekeyInput.Demanded(RekeyReason.FocusRecovered), effects, context);
    }

    /// <summary>The conference has ended, or nobody shares a key any more: all keys are zeroed. Numbers and the interval go on.</summary>
    public static ConferenceLife Reset(ConferenceLife life, Effects effects, DecisionContext context)
    {
        life = life with { Waiting = life.Waiting.RemoveAll(c => c is ConferenceCommand.BeginEpoch) };
        foreach (var epoch in life.Keys.Epochs)
        {
            effects.Add(new ConferenceEffect.DestroyKey(epoch.Epoch));
            var isStored = !life.Storing.Contains(epoch.Epoch)
                || life.Pending?.Events.Any(e => e is ConferenceEvent.KeyEpochBegan began && began.Epoch == epoch.Epoch) == true;
            if (!isStored) continue;
            life = KeyWishes.Note(life, new ConferenceEvent.KeyEpochPassed(epoch.Epoch, EpochPassage.Destroyed) { At = context.Now });
        }

        if (life.Keys.Ladder is { } ladder) effects.AddRange(KeyWishes.Range(life.Keys.Last.Next, ladder.Top).Select(e => new ConferenceEffect.DestroyKey(e)));

        return life with { Keys = life.Keys.Cleared(), KeyDropped = [], Storing = [] };
    }

    /// <summary>Which key its answer has, for a join that is asked for again; false: the answer waits.</summary>
    /// <param name="to">The last rung that goes with it; null: none does.</param>
    public static bool TryAnswer(ConferenceLife life, ParticipantId participant, out KeyEpoch? epoch, out KeyEpoch? to)
    {
        var leg = life.Keys.Find(participant.Value);
        epoch = leg is { IsReady: false, Offered: { } offered } && life.Keys.Find(offered) is not null ? offered : null;
        to = epoch is null ? null : ToldEpochs.Above(leg!);
        return leg is not { AnswerWaitsFor: not null } && !life.KeyEffects.Any(e => e is RekeyEffect.Answer answer && answer.Participant == participant.Value);
    }

    /// <summary>A rekeying that waits for the interval, or for a key, is told, once.</summary>
    private static ConferenceLife Deferred(ConferenceLife life, RekeyState before, DecisionContext context)
    {
        if (life.Keys is { Wanted: { } lacking, LacksSince: { } since } && before.LacksSince is null)
        {
            var deadline = context.Now + (since + context.Policy.Keys.Rekey.DistributionTimeout - life.KeyClock);
            return KeyWishes.Note(life, new ConferenceEvent.RekeyDeferred(lacking, deadline) { At = context.Now, ForKey = true });
        }

        if (life.Keys is not { Wanted: { } reason, LastStart: { } last, LacksSince: null } || before.Wanted is not null) return life;
        var wait = last + context.Policy.Keys.Rekey.MinInterval - life.KeyClock;
        var until = context.Now + (wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
        return KeyWishes.Note(life, new ConferenceEvent.RekeyDeferred(reason, until) { At = context.Now });
    }

    /// <summary>An answer that was decided on before a write; who has left meanwhile is told no key, nor is one that is gone.</summary>
    public static ConferenceEffect Due(ConferenceLife life, ConferenceEffect answer) =>
        answer is ConferenceEffect.Admit { Epoch: { } epoch } admit
        && (life.Keys.Find(epoch) is null || !life.State.Participants.ContainsKey(admit.Participant) || life.Departed.Contains(admit.Participant))
            ? Current(life, admit with { Epoch = null, To = null })
            : answer is ConferenceEffect.Admit other ? Current(life, other) : answer;

    /// <summary>The mixer may have been replaced with the same write.</summary>
    private static ConferenceEffect.Admit Current(ConferenceLife life, ConferenceEffect.Admit admit) =>
        life.State.Participants.TryGetValue(admit.Participant, out var member) && life.State.MixerOf(member.Mixer) is { } mixer
            ? admit with { Mixer = mixer, Ssrc = member.Ssrc }
            : admit;

    private static ConferenceLife Wake(ConferenceLife life, Effects effects, DecisionContext context)
    {
        var at = RekeyMachine.WakeAt(life.Keys, context.Policy.Keys.Rekey);
        if (at == life.KeysWakeAt) return life;
        var now = Clock(life, context);
        effects.Add(at is { } due
            ? new ConferenceEffect.Start(ConferenceTimer.Keys, due > now ? due - now : TimeSpan.Zero)
            : new ConferenceEffect.Cancel(ConferenceTimer.Keys));
        return life with { KeysWakeAt = at };
    }

    /// <summary>The wall clock may go back; this does not.</summary>
    private static TimeSpan Clock(ConferenceLife life, DecisionContext context)
    {
        var now = context.Now - DateTimeOffset.UnixEpoch;
        return now > life.KeyClock ? now : life.KeyClock;
    }
}
