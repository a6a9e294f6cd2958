using System.Collections.Immutable;
using ConfCluster.Protocols.Keys.Rekeying;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// From waiting commands to one atomic write: each is decided on what the ones before it lead to, and answered when all of them are stored.
/// So a thousand joins at once cost a few writes.
/// </summary>
internal static class WriteQueue
{
    private const int MaxBatch = 100;

    public static ConferenceLife Write(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (!life.IsRecovered || life.Pending is not null || life.Waiting.IsEmpty && (life.IsCollecting || !life.HasNotes)) return life;
        // Whoever waits behind a plan is decided by it, once it is stored.
        var plan = life.Waiting.FindIndex(c => c is ConferenceCommand.Plan);
        var commands = life.Waiting.Take(plan < 0 ? MaxBatch : Math.Min(MaxBatch, plan + 1)).ToList();
        var rest = life with { Waiting = life.Waiting.RemoveRange(0, commands.Count) };
        var (next, events, answers) = Decide(rest, commands, effects, MixerRoom.Known(life, context.Decision));
        if (events.IsEmpty) return next.Waiting.IsEmpty ? Answer(next, answers, effects) : Write(Answer(next, answers, effects), effects, context);

        effects.Add(new ConferenceEffect.Store(events));
        return next with { Pending = new ConferenceLife.Batch(events, answers) };
    }

    /// <summary>What is owed after a write, or at once where nothing had to be written.</summary>
    public static ConferenceLife Answer(ConferenceLife life, ImmutableArray<ConferenceEffect> answers, Effects effects)
    {
        effects.AddRange(answers.Select(a => ConferenceKeys.Due(life, a)));
        return Returned(life);
    }

    /// <summary>Whose leave is stored may have joined again with the same batch.</summary>
    public static ConferenceLife Returned(ConferenceLife life) => life with { Departed = life.Departed.Intersect(OnTheirWayOut(life)) };

    /// <summary>The participant has said it before: its leave waits or is being written.</summary>
    public static bool WillAcknowledge(ConferenceLife life, ParticipantId participant) =>
        life.Departed.Contains(participant)
        && (life.Waiting.Any(c => c is ConferenceCommand.Leave leave && leave.Participant == participant)
            || life.Pending?.Answers.Contains(new ConferenceEffect.Acknowledge(participant)) == true);

    /// <summary>A join that was refused and stored all the same is taken back.</summary>
    public static ConferenceLife LeaveForThoseWhoWereRefused(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        var stored = life.Abandoned.Where(life.State.Participants.ContainsKey).Where(p => !life.Departed.Contains(p)).ToHashSet();
        foreach (var participant in life.Abandoned.OrderBy(p => p.Value, StringComparer.Ordinal))
        {
            if (stored.Contains(participant))
            {
                // An epoch that was asked for before, also by the leave of another of them, may begin with a key that it was told: that stands before its leave.
                var before = life.Waiting.FindLastIndex(c =>
                    c is ConferenceCommand.BeginEpoch || c is ConferenceCommand.Leave leave && stored.Contains(leave.Participant));
                life = life with { Waiting = life.Waiting.Insert(before + 1, new ConferenceCommand.Leave(participant, LeaveReason.DialogFailed)) };
            }

            life = ConferenceKeys.Left(life, participant, evicted: false, effects, context.Decision);
        }

        return life with { Abandoned = [], Departed = life.Departed.Union(stored) };
    }

    /// <summary>Whose leave, or everybody's end, has yet to be written.</summary>
    private static IEnumerable<ParticipantId> OnTheirWayOut(ConferenceLife life) =>
        life.Waiting.Any(c => c is ConferenceCommand.End)
            ? life.Departed
            : life.Waiting.OfType<ConferenceCommand.Leave>().Select(l => l.Participant);

    private static (ConferenceLife Life, ImmutableArray<ConferenceEvent> Events, ImmutableArray<ConferenceEffect> Answers) Decide(
        ConferenceLife life, List<ConferenceCommand> commands, Effects effects, DecisionContext context)
    {
        var (state, taken) = (life.State, life.IsTaken);
        var events = ImmutableArray.CreateBuilder<ConferenceEvent>();
        var answers = ImmutableArray.CreateBuilder<ConferenceEffect>();
        life = TakeNotes(life, events);
        foreach (var command in commands)
        {
            // Its conference ended with a command before it, and its key went with that.
            if (command is ConferenceCommand.BeginEpoch begin && !life.Storing.Contains(begin.Epoch)) continue;
            var take = taken || command is ConferenceCommand.Take ? [] : Facts(state, new ConferenceCommand.Take(false), context);
            switch (ConferenceDecider.Decide(state.Apply(take), command, context))
            {
                case Decision.Rejected rejected:
                    Refusal(command, rejected.Reason, answers);
                    break;
                case Decision.Accepted accepted:
                    if (!accepted.Events.IsEmpty)
                    {
                        events.AddRange(take);
                        events.AddRange(accepted.Events);
                        state = state.Apply(take).Apply(accepted.Events);
                        taken = true;
                        life = Return(life, accepted.Events, commands);
                        (life, state) = Rekey(life, state, accepted.Events, events, effects, answers, context);
                    }

                    Consent(life, state, command, accepted.Events, answers);
                    break;
            }
        }

        return (life, events.DrainToImmutable(), answers.DrainToImmutable());
    }

    /// <summary>What happened before is stored before.</summary>
    private static ConferenceLife TakeNotes(ConferenceLife life, ImmutableArray<ConferenceEvent>.Builder events)
    {
        life = KeyWishes.Flush(life);
        events.AddRange(life.Notes);
        return life with { Notes = [] };
    }

    /// <summary>Who joins again is not on its way out any more, unless it says so again.</summary>
    private static ConferenceLife Return(ConferenceLife life, ImmutableArray<ConferenceEvent> facts, List<ConferenceCommand> commands)
    {
        foreach (var joined in facts.OfType<ConferenceEvent.ParticipantJoined>())
        {
            if (!commands.Concat(life.Waiting).Any(c => c is ConferenceCommand.Leave leave && leave.Participant == joined.Participant))
                life = life with { Departed = life.Departed.Remove(joined.Participant) };
        }

        return life;
    }

    /// <summary>A join may begin an epoch, which is stored with it; one that waited counts from now; the end zeroes all keys.</summary>
    private static (ConferenceLife Life, ConferenceState State) Rekey(
        ConferenceLife life, ConferenceState state, ImmutableArray<ConferenceEvent> facts, ImmutableArray<ConferenceEvent>.Builder events, Effects effects,
        Effects answers, DecisionContext context)
    {
        var ends = facts.Any(f => f is ConferenceEvent.Ended);
        foreach (var fact in facts)
        {
            // It left before its join was written, so the keys have not heard of it.
            if (fact is ConferenceEvent.ParticipantLeft left && !ends)
                life = ConferenceKeys.Left(life, left.Participant, left.Reason == LeaveReason.Evicted, effects, context);
            if (fact is ConferenceEvent.ParticipantJoined { Keying: not LegKeying.Own } joined)
            {
                (life, var more) = ConferenceKeys.Joined(life, state, joined, context);
                events.AddRange(more);
                state = state.Apply(more);
            }

            if (fact is ConferenceEvent.MixerPlaced { Loss: not MixerLoss.None } placed)
            {
                (life, var more) = ConferenceKeys.Replaced(life, state, placed.Number, context);
                events.AddRange(more);
                state = state.Apply(more);
            }

            if (fact is ConferenceEvent.ParticipantMoved moved) life = ConferenceKeys.Moved(life, moved.Participant, context);
            if (fact is ConferenceEvent.KeyEpochBegan began) life = ConferenceKeys.Dated(life, began.Epoch, context);
            if (fact is ConferenceEvent.Ended) life = TakeNotes(ConferenceKeys.Reset(life, answers, context), events);
        }

        return (life, state);
    }

    private static ImmutableArray<ConferenceEvent> Facts(ConferenceState state, ConferenceCommand command, DecisionContext context) =>
        ConferenceDecider.Decide(state, command, context) is Decision.Accepted accepted ? accepted.Events : [];

    private static void Refusal(ConferenceCommand command, Rejection reason, Effects answers)
    {
        if (command is ConferenceCommand.Join join) answers.Add(new ConferenceEffect.Refuse(join.Participant, reason));

        if (command is ConferenceCommand.Reseat reseat && reason == Rejection.NoMediaCapacity)
            answers.Add(new ConferenceEffect.Refuse(reseat.Participant, reason));

        // Whoever is not in has left: nothing is owed.
        if (command is ConferenceCommand.Leave leave) answers.Add(new ConferenceEffect.Acknowledge(leave.Participant));
    }

    private static void Consent(
        ConferenceLife life, ConferenceState after, ConferenceCommand command, ImmutableArray<ConferenceEvent> events, Effects answers)
    {
        switch (command)
        {
            case ConferenceCommand.Join { Participant: var p }:
                if (!ConferenceKeys.TryAnswer(life, p, out var epoch, out var to)) break;
                var member = after.Participants[p];
                answers.Add(new ConferenceEffect.Admit(p, after.MixerOf(p)!.Value, member.Ssrc, after.Incarnation)
                {
                    Epoch = epoch,
                    To = to,
                    Keying = member.Keying,
                    Uplink = member.Uplink,
                    Media = member.Media ?? "",
                });
                break;
            case ConferenceCommand.Leave leave:
                answers.Add(new ConferenceEffect.Acknowledge(leave.Participant));
                break;
            case ConferenceCommand.Take or ConferenceCommand.End:
                HangUps(life, after, events, answers);
                break;
        }
    }

    private static void HangUps(ConferenceLife life, ConferenceState after, ImmutableArray<ConferenceEvent> events, Effects answers)
    {
        var left = events.OfType<ConferenceEvent.ParticipantLeft>().ToList();
        var untold = left.Where(e => !life.Departed.Contains(e.Participant));
        answers.AddRange(untold.Select(e => new ConferenceEffect.HangUp(e.Participant, e.Reason)));
        if (events.OfType<ConferenceEvent.Ended>().SingleOrDefault() is { Reason: EndReason.NodeLost })
        {
            var calls = left.Count == 1 ? "1 call" : $"{left.Count} calls";
            answers.Add(new ConferenceEffect.Say(
                $"Conference {after.Conference}: the node went down with {calls} on; each caller is sent a BYE."));
        }
    }
}
