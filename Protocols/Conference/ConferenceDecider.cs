using System.Collections.Immutable;
using System.Diagnostics;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// The rules of a conference: who gets in (RFC 4353 §5.2), when it begins and ends, which SSRC each participant hears it under. Commands
/// may come twice: a repeated one is accepted and changes nothing, or is refused and changes nothing.
/// </summary>
public static class ConferenceDecider
{
    public static Decision Decide(ConferenceState state, ConferenceCommand command, DecisionContext context)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(context);
        return command switch
        {
            ConferenceCommand.Join join => Join(state, join, context),
            ConferenceCommand.Reseat reseat => Reseat(state, reseat, context),
            ConferenceCommand.Leave leave => Leave(state, leave, context),
            ConferenceCommand.Take take => Take(state, take, context),
            ConferenceCommand.PlaceMixer place => PlaceMixer(state, place, context),
            ConferenceCommand.Plan plan => Plan(state, plan.Chosen, context),
            ConferenceCommand.BeginEpoch begin => BeginEpoch(state, begin, context),
            ConferenceCommand.ReserveSsrcs reserve => state.IsActive ? Accept(Reserve(state, reserve.Mixer, context)) : Reject(Rejection.ConferenceOver),
            ConferenceCommand.AddMixer add => AddMixer(state, add.Number, context),
            ConferenceCommand.End end => End(state, end.Reason, context),
            _ => throw new UnreachableException($"no rule for {command.GetType().Name}"),
        };
    }

    /// <summary>How those who are still in hear of the end.</summary>
    public static LeaveReason LeaveAtEnd(EndReason reason) => reason switch
    {
        EndReason.NodeShutdown => LeaveReason.NodeShutdown,
        EndReason.NodeLost => LeaveReason.NodeLost,
        _ => LeaveReason.ConferenceEnded,
    };

    private static Decision Join(ConferenceState state, ConferenceCommand.Join join, DecisionContext context)
    {
        if (state.Participants.ContainsKey(join.Participant)) return Accept();
        if (context.Admission == Admission.ShuttingDown) return Reject(Rejection.ShuttingDown);
        if (join.Caller is { } caller && caller.Proof < context.Policy.MinIdentity) return Reject(Rejection.IdentityTooWeak);
        if (!state.IsActive && context.Admission == Admission.NoNewConference) return Reject(Rejection.TooManyConferences);
        if (state.Participants.Count >= context.Policy.MaxParticipants) return Reject(Rejection.ConferenceFull);

        if (context.Policy.Keys.KeyingOf(join.Ability) is not { } keying)
            return Reject(context.Policy.Keys.IsSwitching ? Rejection.TicketNeeded : Rejection.KeyingRefused);

        // Nothing is changed on the way, so all send what all take.
        var media = join.Ability.TakesSsrc ? state.Media ?? join.Media : join.Media;
        if (keying == LegKeying.Switched && state.Participants.Values.Any(m => m.Media != media)) return Reject(Rejection.MediaDiffers);

        // RFC 3711 §9.1: whoever sends under a key that others send under has an SSRC of its own before its first packet, and nobody ever had it.
        var uplink = keying is LegKeying.GroupBothWays or LegKeying.Switched ? new Ssrc(join.Ability.TicketSsrc) : default;
        if (uplink != default && state.Register.Contains(uplink)) return Reject(Rejection.SsrcTaken);
        if (uplink == default && keying is LegKeying.GroupBothWays or LegKeying.Switched) uplink = Fresh(state, context);

        var seat = state.IsActive ? Seat(state, join.Seat, context) : 0;
        var ssrc = Fresh(state, context);
        while (ssrc == uplink) ssrc = Fresh(state, context);
        var joined = new ConferenceEvent.ParticipantJoined(join.Participant, join.Identity, join.DisplayName, ssrc)
        {
            At = context.Now,
            Caller = join.Caller,
            Keying = keying,
            IsProtected = join.Ability.IsProtected,
            LacksMki = !join.Ability.TakesMki,
            Uplink = uplink,
            Media = keying == LegKeying.Switched ? media : null,
            TakesLadder = keying == LegKeying.GroupByMki && join.Ability.IsStream && context.Policy.Keys.Rekey.Ladder > 0,
            Mixer = seat,
        };
        if (state.IsActive) return state.Mixers.ContainsKey(seat) ? Accept(joined) : Accept(NextMixer(state, seat, null, context), joined);

        // A mixer id is never used again after its end, so each instance has one of its own.
        return Accept(new ConferenceEvent.Created(state.Conference) { At = context.Now }, NextMixer(state, 0, null, context), joined);
    }

    /// <summary>Who was called has ports already, where it is to stay.</summary>
    private static int Seat(ConferenceState state, int? has, DecisionContext context) =>
        // What is forwarded unopened is forwarded by one.
        context.Policy.Keys.IsSwitching ? 0
        : has is { } number && state.Mixers.ContainsKey(number) ? number : MixerSeats.ForNewcomer(MixerSeats.Count(state), state, context);

    /// <summary>Its SSRC is another one, though the mixer that had no room has sent nothing under the one before: it may have had the leg once.</summary>
    private static Decision Reseat(ConferenceState state, ConferenceCommand.Reseat reseat, DecisionContext context)
    {
        if (!state.Participants.TryGetValue(reseat.Participant, out var member)) return Reject(Rejection.NotAParticipant);
        if (state.MixerOf(member.Mixer) != reseat.Full) return Accept();
        var legs = MixerSeats.Count(state);
        // What is forwarded unopened is forwarded by one.
        var seat = context.Policy.Keys.IsSwitching ? null : MixerSeats.Find(legs, state, context);
        var isSeated = seat is { } other && other < legs.Length && legs[other] < context.Policy.LegsPerMixer;
        var moved = new ConferenceEvent.ParticipantMoved(reseat.Participant, seat ?? member.Mixer, Fresh(state, context)) { At = context.Now };
        if (!isSeated && reseat.MayReplace && legs[member.Mixer] == 1 && MixerSeats.HasRoomBeside(state, context))
            return Accept(NextMixer(state, member.Mixer, reseat.Full.Incarnation, context), moved with { Mixer = member.Mixer });
        if (seat is not { } number) return Reject(Rejection.NoMediaCapacity);
        return number < legs.Length ? Accept(moved) : Accept(NextMixer(state, number, null, context), moved);
    }

    private static Decision AddMixer(ConferenceState state, int number, DecisionContext context)
    {
        if (!state.IsActive) return Reject(Rejection.ConferenceOver);
        return number == state.Mixers.Count && number < MixerSeats.MaxMixers ? Accept(NextMixer(state, number, null, context)) : Accept();
    }

    private static Decision Leave(ConferenceState state, ConferenceCommand.Leave leave, DecisionContext context)
    {
        if (!state.Participants.ContainsKey(leave.Participant)) return Reject(Rejection.NotAParticipant);

        var left = new ConferenceEvent.ParticipantLeft(leave.Participant, leave.Reason) { At = context.Now };
        if (state.Participants.Count > 1) return Accept(left);
        return Accept(left, new ConferenceEvent.Ended(EndReason.LastLeft) { At = context.Now });
    }

    private static Decision.Accepted Plan(ConferenceState state, ConferencePlan chosen, DecisionContext context) =>
        state.IsActive || chosen.Equals(state.Plan) ? Accept() : Accept(new ConferenceEvent.Planned(chosen) { At = context.Now });

    private static Decision.Accepted Take(ConferenceState state, ConferenceCommand.Take take, DecisionContext context)
    {
        var taken = new ConferenceEvent.Taken(state.Incarnation.Next) { At = context.Now };
        return take.CallsLost && state.IsActive ? Accept([taken, .. EverybodyOut(state, EndReason.NodeLost, context)]) : Accept(taken);
    }

    /// <summary>Nobody keeps an SSRC that another mixer may still be sending under.</summary>
    private static Decision PlaceMixer(ConferenceState state, ConferenceCommand.PlaceMixer place, DecisionContext context)
    {
        if (!state.IsActive) return Reject(Rejection.ConferenceOver);
        if (place.Lost is { } lost && !state.HasMixer(lost)) return Accept();
        var number = place.Lost?.Number ?? 0;
        var legs = state.Members().Where(m => m.Mixer == number).ToList();
        var ssrcs = Fresh(state, legs.Count, context);
        return Accept(NextMixer(state, number, place.Lost?.Incarnation ?? state.MixerIncarnation, context) with
        {
            Loss = place.Loss,
            Ssrcs = [.. legs.Select((member, i) => new MemberSsrc(member.Participant, ssrcs[i]))],
        });
    }

    /// <summary>A conference that has ended meanwhile needs no key.</summary>
    private static Decision BeginEpoch(ConferenceState state, ConferenceCommand.BeginEpoch begin, DecisionContext context) =>
        state.IsActive && begin.Epoch > state.LastEpoch
            ? new Decision.Accepted(ConferenceKeys.Began(
                state, new RekeyEffect.Begin(begin.Epoch, begin.Reason) { LadderTo = begin.LadderTo, Source = begin.Source }, begin.Note, context))
            : Reject(Rejection.ConferenceOver);

    /// <summary>SSRCs for streams that legs of a mixer share; enough for an hour of people who come and go.</summary>
    internal static ConferenceEvent.SsrcsReserved Reserve(ConferenceState state, int mixer, DecisionContext context)
    {
        const int Batch = 16;
        return new ConferenceEvent.SsrcsReserved(Fresh(state, Batch, context)) { At = context.Now, Mixer = mixer };
    }

    private static ImmutableArray<Ssrc> Fresh(ConferenceState state, int count, DecisionContext context)
    {
        var taken = ImmutableArray.CreateBuilder<Ssrc>(count);
        var distinct = new HashSet<Ssrc>();
        while (taken.Count < count)
        {
            var ssrc = Fresh(state, context);
            if (distinct.Add(ssrc)) taken.Add(ssrc);
        }

        return taken.MoveToImmutable();
    }

    private static Decision End(ConferenceState state, EndReason reason, DecisionContext context) =>
        state.IsActive ? Accept([.. EverybodyOut(state, reason, context)]) : Reject(Rejection.ConferenceOver);

    private static IEnumerable<ConferenceEvent> EverybodyOut(ConferenceState state, EndReason reason, DecisionContext context) =>
    [
        .. state.Members().Select(m => new ConferenceEvent.ParticipantLeft(m.Participant, LeaveAtEnd(reason)) { At = context.Now }),
        new ConferenceEvent.Ended(reason) { At = context.Now },
    ];

    private static ConferenceEvent.MixerPlaced NextMixer(ConferenceState state, int number, long? lost, DecisionContext context) =>
        new(Math.Max(checked(state.MixerIncarnation + 1), context.NextMixer(number, state.MixerIncarnation, lost))) { At = context.Now, Number = number };

    /// <summary>RFC 3550 §8.1: chosen at random; 0 is left out, since statistics use it for "none".</summary>
    private static Ssrc Fresh(ConferenceState state, DecisionContext context)
    {
        var ssrc = context.NewSsrc();
        while (ssrc.Value == 0 || state.Register.Contains(ssrc)) ssrc = context.NewSsrc();
        return ssrc;
    }

    private static Decision.Accepted Accept(params ImmutableArray<ConferenceEvent> events) => new(events);

    private static Decision.Rejected Reject(Rejection reason) => new(reason);
}
