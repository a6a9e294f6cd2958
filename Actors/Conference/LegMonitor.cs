using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Conference;

/// <summary>What the mixer of a conference last said of each leg, put together from its reports; for the management API.</summary>
internal sealed class LegMonitor
{
    private readonly Dictionary<ParticipantId, LegReport> _legs = [];
    private MixerId? _mixer;
    private ParticipantId? _speaker;

    /// <summary>A whole report replaces what there is, also that of another mixer.</summary>
    public void Take(MixerReport report)
    {
        if (!report.IsPartial || report.Mixer != _mixer) _legs.Clear();
        (_mixer, _speaker) = (report.Mixer, report.Speaker);
        foreach (var leg in report.Legs) _legs[leg.Participant] = leg;
    }

    /// <summary>Who has the word.</summary>
    public ParticipantId? Speaker(MixerId? mixer) => mixer is not null && mixer == _mixer ? _speaker : null;

    public LegStatistics? Of(MixerId? mixer, ParticipantId participant) =>
        mixer is not null && mixer == _mixer && _legs.TryGetValue(participant, out var report) ? report.Statistics : null;
}
