using System.Collections.Immutable;
using ConfCluster.Actors.Conference;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Media;

/// <summary>What a lane tells a mixer's actor.</summary>
public abstract record LaneReport
{
    private LaneReport()
    {
    }

    /// <summary>The leg has these local ports; also the answer to a repeated request.</summary>
    public sealed record Opened(ParticipantId Participant, MediaAddress Rtp, MediaAddress Rtcp) : LaneReport;

    /// <summary>No port is left, the lane is full, or its keys are another's.</summary>
    public sealed record Refused(ParticipantId Participant, Rejection Reason) : LaneReport;

    /// <summary>Its newest offer or answer has a key of another leg or of the group; nothing under that is taken.</summary>
    public sealed record Repeating(ParticipantId Participant) : LaneReport;

    /// <summary>Every heartbeat, and at once when a version has been applied. 0 and 0: the mixer has no state.</summary>
    /// <param name="IsPartial">Only legs with news since the report before; all are in the first report of a version.</param>
    public sealed record Alive(Incarnation Incarnation, long Version, ImmutableArray<LegReport> Legs, bool IsPartial) : LaneReport
    {
        public SharedReport Shared { get; init; }

        /// <summary>As <see cref="MixerReport.Trunk"/>.</summary>
        public TrunkReport Trunk { get; init; }

        /// <summary>Who has the word; a report comes at once when it is another.</summary>
        public ParticipantId? Speaker { get; init; }

        /// <summary>So much later than a heartbeat the next one may come: the mixer rests.</summary>
        public TimeSpan Rest { get; init; }

        /// <summary>As <see cref="MixerReport.Question"/>.</summary>
        public long Question { get; init; }
    }

    /// <summary>The participant pressed a key (RFC 4733); it was consumed and not mixed.</summary>
    public sealed record Pressed(ParticipantId Participant, Digit Digit) : LaneReport;

    /// <summary>Nothing authentic has come from it for too long, or something has come again.</summary>
    public sealed record Watched(ParticipantId Participant, bool IsMissing) : LaneReport;

    /// <summary>Its conference has been silent for too long: the mixer is gone from the lane, its keys are zeroed.</summary>
    public sealed record Orphaned : LaneReport;

    /// <summary>The lane is dead, its keys are zeroed.</summary>
    public sealed record Failed(string Reason) : LaneReport;
}
