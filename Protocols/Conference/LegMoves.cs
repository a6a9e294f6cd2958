using System.Collections.Immutable;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// The legs of a mixer that was lost go to the one that took its place. All are told at once, since ports and media need nobody's answer; that their peers are
/// told goes so many at a time, as with new keys, and whoever is about to be offered a key tells both in one offer.
/// </summary>
internal static class LegMoves
{
    public static readonly ImmutableSortedDictionary<string, LegMove> None = ImmutableSortedDictionary.Create<string, LegMove>(StringComparer.Ordinal);

    /// <summary>An offer that nobody has answered for so long does not keep others waiting.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Who has not said that it moved is told again.</summary>
    private static readonly TimeSpan Repeat = TimeSpan.FromSeconds(5);

    /// <summary>A mixer took the place of another, or a life began that cannot know who has moved. They are told before they are offered keys.</summary>
    public static ConferenceLife Stored(ConferenceLife life, ImmutableArray<ConferenceEvent> batch, Effects effects, ConferenceContext context)
    {
        var placed = batch.OfType<ConferenceEvent.MixerPlaced>().LastOrDefault(e => e.Loss != MixerLoss.None);
        if (placed is not null) effects.Add(new ConferenceEffect.ObserveLoss(placed.Loss));
        var isFound = life.FoundMixer is not null && life.FoundMixer == life.State.Mixer && batch.Any(e => e is ConferenceEvent.Taken);
        if (!life.State.IsActive || placed is null && !(isFound && life.State.MixerLoss != MixerLoss.None)) return life;
        var now = context.Decision.Now;
        var moves = life.State.Participants.Keys.Where(p => IsIn(life, p) && !life.Abandoned.Contains(p)).ToImmutableSortedDictionary(
            p => p.Value, _ => new LegMove(now, null), StringComparer.Ordinal);
        foreach (var id in moves.Keys) effects.Add(new ConferenceEffect.Move(new ParticipantId(id), life.State.Mixer!.Value, life.State.Incarnation, MayOffer: false));
        // Whoever is being called has ports at the one that is gone.
        foreach (var callout in life.Callouts.Where(c => c.IsPending)) effects.Add(new ConferenceEffect.Grant(callout.Participant, life.State.Mixer!.Value));
        return Arm(life with { Moves = moves, Moving = (now, moves.Count) }, effects);
    }

    public static ConferenceLife Arrived(ConferenceLife life, ConferenceInput.LegMoved moved, Effects effects, ConferenceContext context) =>
        moved.Mixer == life.State.Mixer ? Without(life, [moved.Participant.Value], effects, context) : life;

    /// <summary>The timer: who waits for its turn, who is to be told once more.</summary>
    public static ConferenceLife Again(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (life.Moves.IsEmpty) return life;
        foreach (var (id, move) in life.Moves)
            if (context.Decision.Now - move.ToldAt >= Repeat)
                life = life with { Moves = life.Moves.SetItem(id, move with { ToldAt = DateTimeOffset.MinValue }) };
        return Arm(life, effects);
    }

    /// <summary>After every step: those who have left need not move, and whose turn it is is told.</summary>
    public static ConferenceLife Proceed(ConferenceLife life, Effects effects, ConferenceContext context)
    {
        if (life.Moves.IsEmpty) return life;
        var gone = life.Moves.Keys.Where(id => !IsIn(life, new ParticipantId(id))).ToList();
        if (gone.Count > 0) life = Without(life, gone, effects, context);
        if (life.Moves.IsEmpty || life.State.Mixer is not { } mixer) return life;
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
            effects.Add(new ConferenceEffect.Move(new ParticipantId(id), mixer, life.State.Incarnation, next.OfferedAt is not null));
        }

        return life;
    }

    private static bool IsIn(ConferenceLife life, ParticipantId participant) =>
        life.State.Participants.ContainsKey(participant) && !life.Departed.Contains(participant);

    private static ConferenceLife Without(ConferenceLife life, IReadOnlyCollection<string> ids, Effects effects, ConferenceContext context)
    {
        var left = life.Moves.RemoveRange(ids);
        if (left.Count == life.Moves.Count) return life;
        life = life with { Moves = left };
        if (!left.IsEmpty) return life;
        effects.Add(new ConferenceEffect.Cancel(ConferenceTimer.Moves));
        var took = context.Decision.Now - life.Moving.Since;
        if (life.State.IsActive) effects.Add(new ConferenceEffect.ObserveMoved(life.Moving.Legs, took > TimeSpan.Zero ? took : TimeSpan.Zero));
        return life;
    }

    private static ConferenceLife Arm(ConferenceLife life, Effects effects)
    {
        effects.Add(life.Moves.IsEmpty ? new ConferenceEffect.Cancel(ConferenceTimer.Moves) : new ConferenceEffect.Start(ConferenceTimer.Moves, Patience));
        return life;
    }
}
