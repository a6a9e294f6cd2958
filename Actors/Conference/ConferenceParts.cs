using System.Collections.Immutable;
using Akka.Actor;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Conference;

/// <summary>What every conference of a node shares.</summary>
/// <param name="Journal">The writer of its events, a <c>JournalWriter</c> that begins behind a sequence number, or reads first; tests put a probe in.</param>
public sealed record ConferenceParts(
    ConferenceSettings Settings, EntityRegions Regions, ActiveConferences Active, Func<ConferenceId, long?, Props> Journal, TimeProvider Clock)
{
    /// <summary>There are no other nodes: calls that this process does not know of are lost.</summary>
    public bool IsAlone { get; init; } = true;

    /// <summary>The incarnation that the mixer after another one shall be, beside the conference's other mixers; alone, the next number.</summary>
    public Func<MixerId, long?, ImmutableArray<MixerId>, long> NextMixer { get; init; } = (before, _, _) => checked(before.Incarnation + 1);

    /// <summary>A mixer with nobody at it had no room for a leg.</summary>
    public Action<MixerId> NoRoom { get; init; } = _ => { };

    /// <summary>As in <see cref="DecisionContext"/>.</summary>
    public Func<int, bool> HasRoomBeside { get; init; } = _ => true;
}
