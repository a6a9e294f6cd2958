using System.Collections.Immutable;
using System.Diagnostics;
using ConfCluster.Protocols.Keys.Rekeying;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// The focus of a conference (RFC 4353 §4.1) without I/O: decide, store, fold, tell the mixer, answer. Nobody hears of a fact that is not
/// stored, but for one thing: who leaves is out of the mix at once, also while the journal fails.
/// </summary>
public static class ConferenceMachine
{
    /// <summary>Joins that wait for the journal; more are refused.</summary>
    public const int MaxWaiting = 1000;

    /// <summary>So long an ended conference stays in memory, for the last leaves of its participants.</summary>
    public static readonly TimeSpan Linger = TimeSpan.FromSeconds(5);

    public static ConferenceStep Next(ConferenceLife life, ConferenceInput input, ConferenceContext context)
    {
        ArgumentNullException.ThrowIfNull(life);
        ArgumentNullException.ThrowIfNull(context);
        var effects = ImmutableArray.CreateBuilder<ConferenceEffect>();
        if (IsEndOfThisLife(life, input, effects)) return new ConferenceStep(life, effects.DrainToImmutable());

        var next = input switch
        {
            ConferenceInput.Recovered i => Recover(life, i, effects, context),
            ConferenceInput.Stored => Stored(life, effects, context),
            ConferenceInput.JournalFailing => Failing(life, effects),
            ConferenceInput.Asked { Command: ConferenceCommand.Join join } => Join(life, join, effects),
            ConferenceInput.Asked { Command: ConferenceCommand.Leave leave } => Leave(life, leave, effects, context),
            ConferenceInput.Asked { Command: ConferenceCommand.End end } => End(life, end, effects),
            ConferenceInput.Asked { Command: ConferenceCommand.Plan plan } => life with { Waiting = life.Waiting.Add(plan) },
            ConferenceInput.CalloutAsked i => Callouts.Ask(life, i, effects, context),
            ConferenceInput.CalloutReported i => Callouts.Report(life, i, context),
            ConferenceInput.MixerReported i => MixerWatch.Reported(life, i, effects, context),
            ConferenceInput.Fired { Timer: ConferenceTimer.MixerSilent } => MixerWatch.Silent(life, effects, context),
            ConferenceInput.Fired { Timer: ConferenceTimer.Idle } => Idle(life, effects),
            ConferenceInput.Fired { Timer: ConferenceTimer.Keys } =>
                ConferenceKeys.Next(life with { KeysWakeAt = null }, new RekeyInput.Ticked(), effects, context.Decision),
            ConferenceInput.Fired { Timer: ConferenceTimer.Collect } => KeyWishes.Flush(life) with { IsCollecting = false },
            ConferenceInput.LegMoved i => LegMoves.Arrived(life, i, effects, context),
            ConferenceInput.PlaceAsked i => LegMoves.Asked(life, i, effects),
            ConferenceInput.RoomAsked i => MixerRoom.Asked(life, i, effects, context),
            ConferenceInput.MixerDrained i => MixerWatch.Drained(life, i.Mixer, effects),
            ConferenceInput.LegsRecalled => LegMoves.Recall(life, effects, context),
            ConferenceInput.Fired { Timer: ConferenceTimer.Moves } => LegMoves.Again(life, effects, context),
            ConferenceInput.KeyReported i => ConferenceKeys.Reported(life, i, effects, context.Decision),
            ConferenceInput.KeysFetched i => KeySupply.Fetched(life, i, effects, context.Decision),
            ConferenceInput.Fired { Timer: ConferenceTimer.Fetch } => KeySupply.Again(life),
            ConferenceInput.RekeyAsked i => Rekey(life, i.Note, effects, context),
            ConferenceInput.EvictionAsked i => Expel(life, i.Participant, LeaveReason.Evicted, effects, context),
            ConferenceInput.StopRequested => life with { IsStopping = true },
            _ => throw new UnreachableException($"no transition for {input}"),
        };
        next = MixerLeaving.Proceed(LegMoves.Proceed(MixerWatch.Publish(next, effects, context), effects, context), effects, context);
        next = Callouts.Seat(next, effects, context);
        next = Collect(WriteQueue.Write(next, effects, context), effects);
        next = KeySupply.Ask(Callouts.Withdraw(next, effects, context), effects, context.Decision);
        return new ConferenceStep(Rest(next, effects), effects.DrainToImmutable());
    }

    /// <summary>A second writer, or a mixer that obeys a later life: ours is the duplicate and must not do anything more.</summary>
    private static bool IsEndOfThisLife(ConferenceLife life, ConferenceInput input, Effects effects)
    {
        var why = input switch
        {
            ConferenceInput.Overtaken => "somebody else writes to its journal",
            ConferenceInput.MixerReported i when life.IsTaken && i.Incarnation > life.State.Incarnation =>
                $"its mixer obeys {i.Incarnation}",
            _ => null,
        };
        if (why is null) return false;
        effects.Add(new ConferenceEffect.Say($"Conference {life.State.Conference} lives elsewhere ({why}); this one ends."));
        effects.Add(new ConferenceEffect.Stop());
        return true;
    }

    /// <summary>A conference without participants is taken over only when somebody joins; so a stray message leaves no trace.</summary>
    private static ConferenceLife Recover(ConferenceLife life, ConferenceInput.Recovered recovered, Effects effects, ConferenceContext context)
    {
        var state = life.State.Apply(recovered.Events);
        var waiting = state.IsActive ? life.Waiting.Insert(0, new ConferenceCommand.Take(recovered.CallsLost)) : life.Waiting;
        life = life with
        {
            State = state,
            FoundMixers = state.IsActive && !recovered.CallsLost ? [.. state.Mixers.Keys.Select(n => state.MixerOf(n)!.Value)] : [],
            IsRecovered = true,
            IsJournalFailing = false,
            Waiting = waiting,
            Ledger = life.Ledger.Take(recovered.Events).Next,
        };
        return recovered.CallsLost || !context.Decision.Policy.Keys.IsShared
            ? ConferenceKeys.Resumed(life, context.Decision)
            : ConferenceKeys.Recovered(life, effects, context.Decision);
    }

    private static ConferenceLife Stored(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        var batch = life.Pending ?? throw new InvalidOperationException("nothing was being stored");
        life = MixerRoom.Freed(life, batch.Events);
        var (ledger, seen) = life.Ledger.Take(batch.Events);
        effects.AddRange(seen.Select(o => new ConferenceEffect.Observe(o)));
        var next = life with
        {
            State = life.State.Apply(batch.Events),
            Ledger = ledger,
            IsTaken = life.IsTaken || batch.Events.Any(e => e is ConferenceEvent.Taken),
            IsJournalFailing = false,
            Pending = null,
        };
        next = LegMoves.Stored(next, batch.Events, effects, context);
        next = LegMoves.Reseated(HandOver.Moved(next, batch.Events), batch.Events, effects, context);
        next = WriteQueue.Returned(WriteQueue.LeaveForThoseWhoWereRefused(next, effects, context));
        next = ConferenceKeys.Stored(next, batch.Events, effects, context.Decision);
        next = MixerWatch.Publish(next, effects, context);
        return WriteQueue.Answer(next, batch.Answers, effects);
    }

    /// <summary>Who wants in is told at once; who wants out is out, and its leave waits.</summary>
    private static ConferenceLife Failing(ConferenceLife life, Effects effects)
    {
        if (!life.IsJournalFailing)
        {
            effects.Add(new ConferenceEffect.Say(
                $"Conference {life.State.Conference}: the journal fails; joins are refused until it is back."));
        }

        foreach (var join in life.Waiting.OfType<ConferenceCommand.Join>()) effects.Add(Unavailable(join.Participant));

        var next = life with { IsJournalFailing = true, Waiting = life.Waiting.RemoveAll(c => c is ConferenceCommand.Join) };
        if (life.Pending is not { } batch) return next;
        var admitted = batch.Answers.OfType<ConferenceEffect.Admit>().ToList();
        // Whoever shares a group key is answered later than its batch.
        var joins = admitted.Select(a => a.Participant)
            .Union(batch.Events.OfType<ConferenceEvent.ParticipantJoined>().Select(e => e.Participant)).Except(life.Abandoned).ToList();
        foreach (var join in joins) effects.Add(Unavailable(join));
        return next with
        {
            Pending = batch with { Answers = batch.Answers.RemoveRange(admitted) },
            Abandoned = life.Abandoned.Union(joins),
        };
    }

    private static ConferenceLife Join(ConferenceLife life, ConferenceCommand.Join join, Effects effects)
    {
        join = join with { Seat = life.Callouts.Find(c => c.Participant == join.Participant)?.Seat };
        if (life.Waiting.Contains(join)) return life;
        if (!life.IsJournalFailing && life.Waiting.Count < MaxWaiting) return life with { Waiting = life.Waiting.Add(join) };
        effects.Add(Unavailable(join.Participant));
        return life;
    }

    private static ConferenceLife Leave(ConferenceLife life, ConferenceCommand.Leave leave, Effects effects, ConferenceContext context)
    {
        if (WriteQueue.WillAcknowledge(life, leave.Participant)) return life;
        life = life with { Departed = life.Departed.Add(leave.Participant), Waiting = life.Waiting.Add(leave) };
        return ConferenceKeys.Left(life, leave.Participant, leave.Reason == LeaveReason.Evicted, effects, context.Decision);
    }

    /// <summary>Out of the mix at once; its participant is told to hang up.</summary>
    internal static ConferenceLife Expel(ConferenceLife life, ParticipantId participant, LeaveReason reason, Effects effects, ConferenceContext context)
    {
        if (!life.State.Participants.ContainsKey(participant) || life.Departed.Contains(participant)) return life;
        effects.Add(new ConferenceEffect.HangUp(participant, reason));
        return Leave(life, new ConferenceCommand.Leave(participant, reason), effects, context);
    }

    /// <summary>Where nobody shares a key there is none to change.</summary>
    private static ConferenceLife Rekey(ConferenceLife life, string note, Effects effects, ConferenceContext context) => life.Keys.Legs.IsEmpty
        ? life
        : ConferenceKeys.Next(life, new RekeyInput.Demanded(RekeyReason.Asked), effects, context.Decision, note);

    /// <summary>What legs did is stored with the next batch, or after a moment by itself.</summary>
    private static ConferenceLife Collect(ConferenceLife life, Effects effects)
    {
        if (!life.HasNotes || life.IsCollecting || !life.IsRecovered) return life;
        effects.Add(new ConferenceEffect.Start(ConferenceTimer.Collect, KeyWishes.Collect));
        return life with { IsCollecting = true };
    }

    /// <summary>Acted on like a leave of everybody.</summary>
    private static ConferenceLife End(ConferenceLife life, ConferenceCommand.End end, Effects effects)
    {
        if (life.Waiting.Contains(end)) return life;
        var told = life.IsTaken ? life.State.Members().Where(m => !life.Departed.Contains(m.Participant)).ToList() : [];
        foreach (var member in told) effects.Add(new ConferenceEffect.HangUp(member.Participant, ConferenceDecider.LeaveAtEnd(end.Reason)));
        return life with { Departed = life.Departed.Union(told.Select(m => m.Participant)), Waiting = life.Waiting.Add(end) };
    }

    private static ConferenceLife Idle(ConferenceLife life, Effects effects)
    {
        if (life.IsQuiet) effects.Add(new ConferenceEffect.Passivate());
        return life;
    }

    private static ConferenceLife Rest(ConferenceLife life, Effects effects)
    {
        if (life.IsStopping && life.Pending is null && life.Waiting.IsEmpty)
        {
            effects.Add(new ConferenceEffect.Stop());
            return life;
        }

        if (life.IsQuiet == life.IsLingering) return life;
        effects.Add(life.IsQuiet
            ? new ConferenceEffect.Start(ConferenceTimer.Idle, Linger)
            : new ConferenceEffect.Cancel(ConferenceTimer.Idle));
        return life with { IsLingering = life.IsQuiet };
    }

    private static ConferenceEffect.Refuse Unavailable(ParticipantId participant) => new(participant, Rejection.JournalUnavailable);
}
