using System.Collections.Immutable;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Conference;

/// <summary>How far a source has come: the highest SRTP index of it that was authenticated, ROC ‖ SEQ (RFC 3711 §3.3.1).</summary>
public readonly record struct UplinkIndex(Ssrc Source, ulong Highest);

/// <summary>How far everything has come that a participant sends.</summary>
public readonly record struct LegUplinks(ParticipantId Participant, ImmutableArray<UplinkIndex> Indices);

/// <summary>
/// What a mixer must know of the one before it: a phone keeps its ROC, which no packet tells, and what was taken once must not be taken again. Reported by the
/// mixer now and then, kept in memory only, and given to every mixer that takes over.
/// </summary>
internal static class HandOver
{
    /// <summary>A mixer in charge has reported. An index never falls.</summary>
    public static ConferenceLife Heard(ConferenceLife life, ImmutableArray<LegUplinks> news)
    {
        if (news.IsEmpty) return life;
        var uplinks = life.Uplinks.ToBuilder();
        foreach (var leg in news)
        {
            if (!life.State.Participants.ContainsKey(leg.Participant)) continue;
            var known = uplinks.GetValueOrDefault(leg.Participant, []);
            uplinks[leg.Participant] = [.. leg.Indices.Select(i => Highest(i, known))];
        }

        return life with { Uplinks = uplinks.ToImmutable() };
    }

    /// <summary>Legs that go to a mixer which works already.</summary>
    public static ConferenceLife Moved(ConferenceLife life, ImmutableArray<ConferenceEvent> batch)
    {
        foreach (var moved in batch.OfType<ConferenceEvent.ParticipantMoved>())
        {
            if (!life.Known.TryGetValue(moved.Mixer, out var known) || !life.Uplinks.TryGetValue(moved.Participant, out var indices)) continue;
            var others = known.HandedOver.RemoveAll(u => u.Participant == moved.Participant);
            life = life with { Known = life.Known.SetItem(moved.Mixer, known with { HandedOver = others.Add(new LegUplinks(moved.Participant, indices)) }) };
        }

        return life;
    }

    /// <summary>For the mixer of that number when it begins: how far its legs were elsewhere.</summary>
    public static ImmutableArray<LegUplinks> Begun(ConferenceLife life, int number) =>
    [
        .. life.Uplinks.Where(u => life.State.Participants.TryGetValue(u.Key, out var member) && member.Mixer == number)
            .OrderBy(u => u.Key.Value, StringComparer.Ordinal).Select(u => new LegUplinks(u.Key, u.Value)),
    ];

    /// <summary>
    /// What others send unopened and have sent so long that a newcomer cannot know the ROC (RFC 3711 §3.3.1). As the node that forwards it counts, which cannot
    /// prove anything.
    /// </summary>
    public static ImmutableArray<UplinkIndex> Running(ConferenceLife life, ParticipantId newcomer) =>
    [
        .. life.State.Members().Where(m => m.Participant != newcomer && m.Uplink != default && !life.Departed.Contains(m.Participant))
            .SelectMany(m => life.Uplinks.GetValueOrDefault(m.Participant, []).Where(i => i.Source == m.Uplink && i.Highest > ushort.MaxValue)),
    ];

    /// <summary>Who is not in any more is forgotten.</summary>
    public static ConferenceLife Kept(ConferenceLife life)
    {
        var gone = life.Uplinks.Keys.Where(p => !life.State.Participants.ContainsKey(p)).ToList();
        return gone.Count == 0 ? life : life with { Uplinks = life.Uplinks.RemoveRange(gone) };
    }

    /// <summary>For a state of the mixer that took over: in each, since any of them may be the first that arrives.</summary>
    public static ImmutableArray<LegUplinks> For(ImmutableArray<LegUplinks> handedOver, MixerState wanted)
    {
        if (handedOver.IsEmpty) return [];
        var legs = wanted.Legs.Select(l => l.Participant).ToHashSet();
        return [.. handedOver.Where(u => legs.Contains(u.Participant))];
    }

    private static UplinkIndex Highest(UplinkIndex index, ImmutableArray<UplinkIndex> known)
    {
        foreach (var before in known)
            if (before.Source == index.Source && before.Highest > index.Highest)
                return before;
        return index;
    }
}
