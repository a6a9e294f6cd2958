using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Conference;

/// <summary>A conference as the management API shows it.</summary>
internal static class ConferenceViews
{
    public static ConferenceView Of(ConferenceLife life, LegMonitor media)
    {
        var state = life.State;
        return new ConferenceView(
            state.Conference, state.IsActive, state.Incarnation, state.IsActive ? state.Mixer : null, life.WantedVersion,
            life.AppliedVersion, state.IsActive ? state.Since : null, [.. state.Members().Select(m => View(m, media.Of(state.Mixer, m.Participant)))])
        {
            Callouts = [.. life.Callouts],
        };
    }

    private static ParticipantView View(Member member, LegStatistics? media) => new(
        member.Participant, member.Identity, member.DisplayName, member.Ssrc.ToString(), member.JoinedAt, media)
    {
        Caller = member.Caller,
    };
}
