using System.Collections.Immutable;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// A mixer has no room for a leg, for its lane is full, and who has the leg asks for another. The participant stays in; its leg is given to a mixer of the
/// conference that is not known to be full, to a new one where there may be room, or, when nobody else is there, to another in the place of the full one.
/// Only where there is no room at all it is refused, and leaves.
/// </summary>
internal static class MixerRoom
{
    /// <summary>Room comes and goes with other conferences, so a mixer is asked again after that.</summary>
    private static readonly TimeSpan FullFor = TimeSpan.FromSeconds(5);

    public static ConferenceLife Asked(ConferenceLife life, ConferenceInput.RoomAsked asked, Effects effects, ConferenceContext context)
    {
        // Whoever asks repeats it.
        if (!life.IsTaken) return LegMoves.Asked(life, new ConferenceInput.PlaceAsked(asked.Participant), effects);
        var (who, full) = (asked.Participant, asked.Full);
        life = Noted(life, full, effects, context.Decision.Now);
        if (!life.State.Participants.TryGetValue(who, out var member) && life.Callouts.Find(c => c.Participant == who && c.IsPending) is { } callout)
            return Callouts.Elsewhere(life, callout, full, effects);
        if (member is null || !LegMoves.IsIn(life, who) || life.State.MixerOf(member.Mixer) != full)
            return LegMoves.Asked(life, new ConferenceInput.PlaceAsked(who), effects);
        if (life.Waiting.Exists(c => c is ConferenceCommand.Reseat reseat && reseat.Participant == who) || IsBeingMoved(life, who)) return life;
        if (life.State.Participants.Values.Count(m => m.Mixer == member.Mixer) == 1) effects.Add(new ConferenceEffect.NoRoom(full));
        // Whoever is being called has ports there, and legs of one that leaves go to its successor.
        var mayReplace = !life.Leaving.ContainsKey(member.Mixer) && !life.Callouts.Exists(c => c.IsPending && c.Seat == member.Mixer);
        return life with { Waiting = life.Waiting.Add(new ConferenceCommand.Reseat(who, full) { MayReplace = mayReplace }) };
    }

    /// <summary>Who has had a place has left it, and somebody else can have it.</summary>
    /// <param name="batch">About to be applied.</param>
    public static ConferenceLife Freed(ConferenceLife life, ImmutableArray<ConferenceEvent> batch)
    {
        if (life.Full.IsEmpty) return life;
        var freed = batch.OfType<ConferenceEvent.ParticipantLeft>().Where(e => e.Reason != LeaveReason.MediaFailed).Select(e => life.State.MixerOf(e.Participant));
        return life with { Full = life.Full.RemoveRange(freed.OfType<MixerId>()) };
    }

    /// <summary>For what is decided now.</summary>
    public static DecisionContext Known(ConferenceLife life, DecisionContext context) =>
        life.Full.IsEmpty ? context : context with { Full = [.. life.Full.Where(f => context.Now - f.Value < FullFor).Select(f => f.Key)] };

    private static ConferenceLife Noted(ConferenceLife life, MixerId full, Effects effects, DateTimeOffset now)
    {
        var known = life.Full.RemoveRange(life.Full.Where(f => now - f.Value >= FullFor).Select(f => f.Key));
        if (!known.ContainsKey(full)) effects.Add(new ConferenceEffect.Say($"Mixer {full} has no room for another leg; others are asked."));
        return life with { Full = known.SetItem(full, now) };
    }

    private static bool IsBeingMoved(ConferenceLife life, ParticipantId who) =>
        life.Pending is { } batch && batch.Events.Any(e => e is ConferenceEvent.ParticipantMoved moved && moved.Participant == who);
}
