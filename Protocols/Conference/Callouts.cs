using System.Collections.Immutable;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// Who may be called and what came of it. A conference that is off calls nobody, so that an invitation never begins one; who is being
/// called takes a place, so that whoever answers can get in.
/// </summary>
internal static class Callouts
{
    /// <summary>Finished ones that are still shown.</summary>
    private const int MaxFinished = 50;

    public static ConferenceLife Ask(ConferenceLife life, ConferenceInput.CalloutAsked asked, Effects effects, ConferenceContext context)
    {
        // Whoever asks repeats it.
        if (!life.IsRecovered) return life;
        var known = life.Callouts.Find(c => c.Participant == asked.Participant);
        var refusal = known is null ? Refusal(life, context.Decision) : known.IsPending ? null : (Rejection?)Rejection.ConferenceOver;
        if (refusal is { } reason)
        {
            effects.Add(new ConferenceEffect.Refuse(asked.Participant, reason));
            return life;
        }

        if (known is null) return life with { Callouts = life.Callouts.Add(Callout(asked.Participant, asked.Target, context) with { IsWaiting = true }) };
        if (known.Seat is { } seat) effects.Add(Granted(life, asked.Participant, seat));
        return life;
    }

    /// <summary>After every step: whoever may be called is told at which mixer it has ports; where all are full another one is placed first.</summary>
    public static ConferenceLife Seat(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (!life.State.IsActive || life.State.Mixers.IsEmpty || !life.Callouts.Exists(c => c.IsPending && c.IsWaiting)) return life;
        var legs = MixerSeats.Count(life.State);
        var known = MixerRoom.Known(life, context.Decision);
        foreach (var callout in life.Callouts.Where(c => c.IsPending && c.Seat is not null && !life.State.Participants.ContainsKey(c.Participant)))
            legs[callout.Seat!.Value]++;
        for (var i = 0; i < life.Callouts.Count; i++)
        {
            var callout = life.Callouts[i];
            if (!callout.IsPending || !callout.IsWaiting) continue;
            if (callout.WasRefused && MixerSeats.Find(legs, life.State, known) is null)
            {
                effects.Add(new ConferenceEffect.Refuse(callout.Participant, Rejection.NoMediaCapacity));
                life = life with { Callouts = life.Callouts.SetItem(i, callout with { IsWaiting = false }) };
                continue;
            }

            var seat = MixerSeats.ForNewcomer(legs, life.State, known);
            if (seat == legs.Length) return Another(life, seat);
            legs[seat]++;
            effects.Add(Granted(life, callout.Participant, seat));
            life = life with { Callouts = life.Callouts.SetItem(i, callout with { Seat = seat, IsWaiting = false }) };
        }

        return life;
    }

    /// <summary>A mixer had no room for somebody who is being called: another one is to have.</summary>
    public static ConferenceLife Elsewhere(ConferenceLife life, Callout callout, MixerId full, Effects effects)
    {
        if (callout.Seat is not { } seat) return life;
        if (life.State.MixerOf(seat) == full)
            return life with { Callouts = life.Callouts.Replace(callout, callout with { Seat = null, IsWaiting = true, WasRefused = true }) };
        effects.Add(Granted(life, callout.Participant, seat));
        return life;
    }

    /// <summary>A callout that was refused here is noted all the same, so that its failure can be seen.</summary>
    public static ConferenceLife Report(ConferenceLife life, ConferenceInput.CalloutReported report, ConferenceContext context)
    {
        var index = life.Callouts.FindIndex(c => c.Participant == report.Participant);
        var next = (index < 0 ? Callout(report.Participant, report.Target, context) : life.Callouts[index]) with
        {
            State = report.State,
            Status = report.Status,
            Reason = report.Reason,
            At = context.Decision.Now,
        };
        return Trimmed(life with { Callouts = index < 0 ? life.Callouts.Add(next) : life.Callouts.SetItem(index, next) });
    }

    /// <summary>The conference is over: nobody is to pick up a phone for it any more. Each is told once; its report follows.</summary>
    public static ConferenceLife Withdraw(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (life.State.IsActive || !life.Callouts.Exists(c => c.IsPending)) return life;
        foreach (var callout in life.Callouts.Where(c => c.IsPending))
            effects.Add(new ConferenceEffect.HangUp(callout.Participant, LeaveReason.ConferenceEnded));
        return life with { Callouts = life.Callouts.ConvertAll(c => c.IsPending ? Over(c, context) : c) };
    }

    private static ConferenceEffect.Grant Granted(ConferenceLife life, ParticipantId participant, int seat) =>
        new(participant, life.State.MixerOf(seat)!.Value) { Media = life.State.Media ?? "" };

    private static ConferenceLife Another(ConferenceLife life, int number) => life.Waiting.Exists(c => c is ConferenceCommand.AddMixer) || life.Pending is not null
        ? life
        : life with { Waiting = life.Waiting.Add(new ConferenceCommand.AddMixer(number)) };

    private static Rejection? Refusal(ConferenceLife life, DecisionContext context)
    {
        if (context.Admission == Admission.ShuttingDown) return Rejection.ShuttingDown;
        if (!life.State.IsActive || life.Waiting.Exists(c => c is ConferenceCommand.End)) return Rejection.ConferenceOver;
        if (life.IsJournalFailing) return Rejection.JournalUnavailable;
        var taken = life.State.Participants.Count + life.Callouts.Count(c => c.IsPending);
        return taken >= context.Policy.MaxParticipants ? Rejection.ConferenceFull : null;
    }

    private static Callout Callout(ParticipantId participant, string target, ConferenceContext context) =>
        new(participant, target, CalloutState.Inviting, 0, "", context.Decision.Now);

    private static Callout Over(Callout callout, ConferenceContext context) =>
        callout with { State = CalloutState.Failed, Status = 487, Reason = "The conference ended", At = context.Decision.Now };

    private static ConferenceLife Trimmed(ConferenceLife life)
    {
        var finished = life.Callouts.Count(c => !c.IsPending);
        if (finished <= MaxFinished) return life;
        return life with { Callouts = life.Callouts.Remove(life.Callouts.First(c => !c.IsPending)) };
    }
}
