using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Conference;

/// <summary>A conference as the management API shows it.</summary>
internal static class ConferenceViews
{
    public static ConferenceView Of(ConferenceLife life, MixerReport? report)
    {
        var state = life.State;
        var media = report is { } r && r.Mixer == state.Mixer ? r.Legs.ToDictionary(l => l.Participant, l => l.Statistics) : [];
        return new ConferenceView(
            state.Conference, state.IsActive, state.Incarnation, state.IsActive ? state.Mixer : null, life.WantedVersion,
            life.AppliedVersion, state.IsActive ? state.Since : null, [.. state.Members().Select(m => View(m, media))])
        {
            Callouts = [.. life.Callouts],
        };
    }

    private static ParticipantView View(Member member, Dictionary<ParticipantId, LegStatistics> media) => new(
        member.Participant, member.Identity, member.DisplayName, member.Ssrc.ToString(), member.JoinedAt,
        media.TryGetValue(member.Participant, out var statistics) ? statistics : null)
    {
        Caller = member.Caller,
    };
}
