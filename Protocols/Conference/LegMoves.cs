using System.Collections.Immutable;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// The legs of a mixer that was lost go to the one that took its place, and participants that may be lost are called back. All are told at once, since ports and
/// media need nobody's answer; that their peers are told goes so many at a time, as with new keys, and whoever is about to be offered a key tells both in one.
/// </summary>
internal static class LegMoves
{
    public static readonly ImmutableSortedDictionary<string, LegMove> None = ImmutableSortedDictionary.Create<string, LegMove>(StringComparer.Ordinal);

    /// <summary>An offer that nobody has answered for so long does not keep others waiting.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Who has not said that it moved is told again so soon, since what is said while a node dies may be lost; after that twice as late, and so on.</summary>
    private static readonly TimeSpan FirstRepeat = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan LastRepeat = TimeSpan.FromSeconds(2);

    /// <summary>A mixer took the place of another, or a life began that cannot know who has moved. They are told before they are offered keys.</summary>
    public static ConferenceLife Stored(ConferenceLife life, ImmutableArray<ConferenceEvent> batch, Effects effects, ConferenceContext context)
    {
        var placed = batch.OfType<ConferenceEvent.MixerPlaced>().Where(e => e.Loss != MixerLoss.None).ToList();
        foreach (var one in placed) effects.Add(new ConferenceEffect.ObserveLoss(one.Loss));
        var taken = batch.Any(e => e is ConferenceEvent.Taken);
        if (!life.State.IsActive) return life;
        var isMoved = life.State.Mixers.Values.Where(m =>
            placed.Exists(p => p.Number == m.Number) || taken && m.Loss != MixerLoss.None && life.FoundMixers.Contains(life.State.MixerOf(m.Number)!.Value))
            .Select(m => m.Number).ToHashSet();
        // A life that finds its mixers does not know who lives, either.
        if (isMoved.Count == 0) return taken && !life.FoundMixers.IsEmpty ? Recall(life, effects, context) : life;
        var now = context.Decision.Now;
        var moves = life.State.Participants.Values.Where(m => isMoved.Contains(m.Mixer) && IsIn(life, m.Participant) && !life.Abandoned.Contains(m.Participant))
            .ToImmutableSortedDictionary(m => m.Participant.Value, _ => new LegMove(now, null), StringComparer.Ordinal);
        foreach (var id in moves.Keys) effects.Add(Move(life, id, mayOffer: false) with { IsGentle = IsGentle(life, new ParticipantId(id)) });
        // Whoever is being called has ports at the one that is gone.
        foreach (var callout in life.Callouts.Where(c => c.IsPending && !c.IsWaiting))
        {
            var seat = callout.Seat ?? (life.State.Mixers.Count == 1 ? 0 : -1);
            if (isMoved.Contains(seat)) effects.Add(new ConferenceEffect.Grant(callout.Participant, life.State.MixerOf(seat)!.Value));
        }

        // Legs of other mixers that are on their way still are.
        var all = life.Moves.SetItems(moves);
        life = Arm(life with { Moves = all, Moving = (life.Moves.IsEmpty ? now : life.Moving.Since, all.Count) }, effects, context);
        return taken && !life.FoundMixers.IsEmpty ? Recall(life, effects, context) : life;
    }

    /// <summary>Legs for which their mixers had no room: told at once, as those of a mixer that was replaced.</summary>
    public static ConferenceLife Reseated(ConferenceLife life, ImmutableArray<ConferenceEvent> batch, Effects effects, ConferenceContext context)
    {
        var now = context.Decision.Now;
        var moves = batch.OfType<ConferenceEvent.ParticipantMoved>().Select(e => e.Participant).Where(p => IsIn(life, p) && !life.Abandoned.Contains(p)).Distinct()
            .ToImmutableSortedDictionary(p => p.Value, _ => new LegMove(now, null), StringComparer.Ordinal);
        if (moves.IsEmpty) return life;
        foreach (var id in moves.Keys) effects.Add(Move(life, id, mayOffer: false));
        var replaced = batch.OfType<ConferenceEvent.MixerPlaced>().Where(e => e.Loss == MixerLoss.None).Select(e => e.Number).ToHashSet();
        foreach (var callout in life.Callouts.Where(c => c is { IsPending: true, IsWaiting: false, Seat: { } seat } && replaced.Contains(seat)))
            effects.Add(new ConferenceEffect.Grant(callout.Participant, life.State.MixerOf(callout.Seat!.Value)!.Value));
        return Arm(life with { Moves = life.Moves.SetItems(moves), Moving = life.Moves.IsEmpty ? (now, 0) : life.Moving }, effects, context);
    }

    /// <summary>
    /// Whoever lives says where its leg is; whoever does not comes to life by being told, and asks that mixer for its leg. Who was on its way with a key that is due
    /// waits for that no longer: it went to a life that is over.
    /// </summary>
    public static ConferenceLife Recall(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (!life.IsTaken || !life.State.IsActive) return life;
        var now = context.Decision.Now;
        var called = life.State.Participants.Keys.Where(p => IsIn(life, p) && !life.Abandoned.Contains(p))
            .ToImmutableSortedDictionary(p => p.Value, _ => new LegMove(now, now), StringComparer.Ordinal);
        foreach (var id in called.Keys) effects.Add(Move(life, id, mayOffer: true));
        return Arm(life with { Moves = life.Moves.SetItems(called), Moving = life.Moves.IsEmpty ? (now, 0) : life.Moving }, effects, context);
    }

    /// <summary>A participant without a leg. Who is not in is told to end; a life that is not sure of itself yet says it once it is (<see cref="Stored"/>).</summary>
    public static ConferenceLife Asked(ConferenceLife life, ConferenceInput.PlaceAsked asked, Effects effects)
    {
        var isSure = life.IsTaken || life is { IsRecovered: true, State.IsActive: false, Pending: null };
        if (!isSure) return life;
        effects.Add(IsIn(life, asked.Participant)
            ? Move(life, asked.Participant.Value, mayOffer: false)
            : new ConferenceEffect.HangUp(asked.Participant, LeaveReason.NodeLost));
        return life;
    }

    public static ConferenceLife Arrived(ConferenceLife life, ConferenceInput.LegMoved moved, Effects effects, ConferenceContext context) =>
        moved.Mixer == life.State.MixerOf(moved.Participant) ? Without(life, [moved.Participant.Value], effects, context) : life;

    /// <summary>The timer: who waits for its turn, who is to be told once more.</summary>
    public static ConferenceLife Again(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (life.Moves.IsEmpty) return life;
        foreach (var (id, move) in life.Moves)
            if (context.Decision.Now - move.ToldAt >= Wait(move))
                life = life with { Moves = life.Moves.SetItem(id, move with { ToldAt = DateTimeOffset.MinValue, Repeats = move.Repeats + 1 }) };
        return Arm(life, effects, context);
    }

    /// <summary>After every step: those who have left need not move, and whose turn it is is told.</summary>
    public static ConferenceLife Proceed(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (life.Moves.IsEmpty) return life;
        var gone = life.Moves.Keys.Where(id => !IsIn(life, new ParticipantId(id))).ToList();
        if (gone.Count > 0) life = Without(life, gone, effects, context);
        if (life.Moves.IsEmpty) return life;
        var now = context.Decision.Now;
        var room = context.Decision.Policy.Keys.Rekey.MaxOffers - life.Moves.Values.Count(m => m.OfferedAt is { } at && now - at < Patience);
        foreach (var (id, move) in life.Moves)
        {
            var isTold = move.ToldAt > DateTimeOffset.MinValue;
            // It is told a key at its turn, and where it is with that.
            var begins = move.OfferedAt is null && room > 0 && !ConferenceKeys.IsDue(life, id);
            if (isTold && !begins) continue;
            if (begins) room--;
            var next = move with { ToldAt = now, OfferedAt = begins ? now : move.OfferedAt };
            life = life with { Moves = life.Moves.SetItem(id, next) };
            effects.Add(Move(life, id, next.OfferedAt is not null));
        }

        return life;
    }

    /// <summary>The mixer that went on with those is over: who is still on the way is sent media by its successor, whether its peer knows of that or not.</summary>
    public static ConferenceLife Hurry(ConferenceLife life, ImmutableArray<MixerLeg> legs, Effects effects, ConferenceContext context)
    {
        foreach (var leg in legs)
        {
            if (!life.Moves.TryGetValue(leg.Participant.Value, out var move) || !IsIn(life, leg.Participant)) continue;
            life = life with { Moves = life.Moves.SetItem(leg.Participant.Value, move with { ToldAt = context.Decision.Now }) };
            effects.Add(Move(life, leg.Participant.Value, move.OfferedAt is not null));
        }

        return life;
    }

    private static ConferenceEffect.Move Move(ConferenceLife life, string id, bool mayOffer)
    {
        var participant = new ParticipantId(id);
        var mixer = life.State.MixerOf(participant)!.Value;
        return new ConferenceEffect.Move(participant, mixer, life.State.Incarnation, mayOffer)
        {
            IsGentle = MixerLeaving.Has(life, participant),
            Seating = life.State.Participants[participant].Seating,
            Uplink = GroupUplink.Of(life.State.Participants[participant], life.State),
            IsConfirmed = life.Keys.Find(id) is { IsReady: true, IsPresumed: false } || life.Ledger.IsReady(participant),
        };
    }

    /// <summary>
    /// The mixer before, which does not know of its successor yet, goes on with it; but not with who was on the way to it from another one, which ends now.
    /// </summary>
    private static bool IsGentle(ConferenceLife life, ParticipantId participant)
    {
        var number = life.State.Participants[participant].Mixer;
        return life.State.Mixers[number].Loss == MixerLoss.Drained && life.Known.TryGetValue(number, out var known)
            && known.Published.Mixer != life.State.MixerOf(number) && known.Published.Legs.Any(l => l.Participant == participant)
            && !(life.Leaving.ContainsKey(number) && life.Moves.ContainsKey(participant.Value));
    }

    public static bool IsIn(ConferenceLife life, ParticipantId participant) =>
        life.State.Participants.ContainsKey(participant) && !life.Departed.Contains(participant);

    private static ConferenceLife Without(ConferenceLife life, IReadOnlyCollection<string> ids, Effects effects, ConferenceContext context)
    {
        var left = life.Moves.RemoveRange(ids);
        if (left.Count == life.Moves.Count) return life;
        life = life with { Moves = left };
        if (!left.IsEmpty) return life;
        effects.Add(new ConferenceEffect.Cancel(ConferenceTimer.Moves));
        var took = context.Decision.Now - life.Moving.Since;
        if (life.State.IsActive && life.Moving.Legs > 0) effects.Add(new ConferenceEffect.ObserveMoved(life.Moving.Legs, took > TimeSpan.Zero ? took : TimeSpan.Zero));
        return life;
    }

    /// <summary>For the next who is to be told again, or whose turn it may be.</summary>
    private static ConferenceLife Arm(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (life.Moves.IsEmpty)
        {
            effects.Add(new ConferenceEffect.Cancel(ConferenceTimer.Moves));
            return life;
        }

        var now = context.Decision.Now;
        var next = life.Moves.Values.Min(m => Wait(m) - (m.ToldAt > DateTimeOffset.MinValue ? now - m.ToldAt : TimeSpan.Zero));
        effects.Add(new ConferenceEffect.Start(ConferenceTimer.Moves, next < TimeSpan.Zero ? TimeSpan.Zero : next < Patience ? next : Patience));
        return life;
    }

    private static TimeSpan Wait(LegMove move)
    {
        var wait = FirstRepeat * (1 << Math.Min(move.Repeats, 10));
        return wait < LastRepeat ? wait : LastRepeat;
    }
}
