using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Conference;

/// <summary>What the mixers of a conference last said of each leg, put together from their reports; for the management API.</summary>
internal sealed class LegMonitor
{
    private readonly Dictionary<int, Seen> _mixers = [];

    /// <summary>A whole report replaces what there is of that mixer, also of one that had its number before.</summary>
    public void Take(MixerReport report)
    {
        if (!_mixers.TryGetValue(report.Mixer.Number, out var seen) || report.Mixer != seen.Mixer)
        {
            // One that was replaced says so a last time.
            if (seen is not null && report.Mixer.Incarnation < seen.Mixer.Incarnation) return;
            _mixers[report.Mixer.Number] = seen = new Seen(report.Mixer);
        }

        if (!report.IsPartial) seen.Legs.Clear();
        (seen.Speaker, seen.Trunk) = (report.Speaker, report.Trunk);
        foreach (var leg in report.Legs) seen.Legs[leg.Participant] = leg;
    }

    /// <summary>Who has the word, of the legs of that mixer.</summary>
    public ParticipantId? Speaker(MixerId? mixer) => Find(mixer)?.Speaker;

    public TrunkReport Trunk(MixerId? mixer) => Find(mixer)?.Trunk ?? default;

    public LegStatistics? Of(MixerId? mixer, ParticipantId participant) =>
        Find(mixer) is { } seen && seen.Legs.TryGetValue(participant, out var report) ? report.Statistics : null;

    private Seen? Find(MixerId? mixer) => mixer is { } known && _mixers.TryGetValue(known.Number, out var seen) && seen.Mixer == known ? seen : null;

    private sealed class Seen(MixerId mixer)
    {
        public MixerId Mixer => mixer;

        public Dictionary<ParticipantId, LegReport> Legs { get; } = [];

        public ParticipantId? Speaker { get; set; }

        public TrunkReport Trunk { get; set; }
    }
}
