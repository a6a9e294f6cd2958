using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <param name="Marks">Of all keys that it sends with, as its mixer knows them.</param>
public readonly record struct LegMarks(ParticipantId Participant, ImmutableArray<KeyMark> Marks);

/// <summary>
/// No two participants send under one key (RFC 4568 §6.1). A mixer sees to it for its own legs; where there are several each says of its legs which keys they have,
/// and who has one that somebody at another mixer was said to have before is out of the mix at once and hung up on. Kept in memory only: a life of the conference
/// that finds its mixers is told all again, with the first state that they take from it.
/// </summary>
internal static class UplinkKeys
{
    public static ConferenceLife Heard(ConferenceLife life, ConferenceInput.MixerReported report, Effects effects, ConferenceContext context)
    {
        if (report.Keys.IsEmpty) return life;
        foreach (var (who, marks) in report.Keys)
        {
            if (!LegMoves.IsIn(life, who) || life.State.MixerOf(who) != report.Mixer) continue;
            var repeats = false;
            foreach (var (other, owned) in life.UplinkKeys) repeats |= other != who & KeyMark.Meet(owned.AsSpan(), marks.AsSpan());
            if (!repeats)
            {
                life = life with { UplinkKeys = life.UplinkKeys.SetItem(who, marks) };
                continue;
            }

            effects.Add(new ConferenceEffect.Say($"Mixer {report.Mixer}: {who} sends under a key of somebody at another mixer; its call ends."));
            life = ConferenceMachine.Expel(life, who, LeaveReason.DialogFailed, effects, context);
        }

        return life;
    }

    /// <summary>Who is not in any more is forgotten at once: it may come back under its name, with other keys.</summary>
    public static ConferenceLife Kept(ConferenceLife life)
    {
        var gone = life.UplinkKeys.Keys.Where(p => !LegMoves.IsIn(life, p)).ToList();
        return gone.Count == 0 ? life : life with { UplinkKeys = life.UplinkKeys.RemoveRange(gone) };
    }
}
