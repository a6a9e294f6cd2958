using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Decides each tick who is in the mix and who has the word. Who tells the level of its packets is decoded only when it is loud enough and
/// among the loudest; the others must be decoded first, and are measured.
/// </summary>
internal sealed class TalkerSelection(MixerSettings settings)
{
    private readonly LoudestSpeakers _loudest = new(settings.MaxTalkers);
    private readonly DominantSpeaker _dominant = new();
    private readonly float _speech = AudioLevel.Silence - settings.SilenceLevel;

    public DominantSpeaker Dominant => _dominant;

    /// <summary>Sets <see cref="Leg.Heard"/>: the leg has a frame that is to be mixed.</summary>
    /// <returns>True: another has the word.</returns>
    public bool Choose(IReadOnlyList<Leg?> legs)
    {
        _loudest.Begin();
        for (var slot = 0; slot < legs.Count; slot++)
            if (legs[slot] is { MayBeHeard: true } leg)
                Offer(slot, leg);
        _loudest.End();
        for (var slot = 0; slot < legs.Count; slot++)
            if (legs[slot] is { } leg)
                leg.Heard = leg.MayBeHeard && leg.Uplink.Play(_loudest.Contains(slot));
        return _dominant.Next();
    }

    /// <summary>The leg in that slot is closed.</summary>
    public void Forget(Leg leg)
    {
        _loudest.Forget(leg.Slot);
        _dominant.Gone(leg.Participant);
    }

    private void Offer(int slot, Leg leg)
    {
        var sounds = leg.Uplink.Listen();
        ref readonly var level = ref leg.Uplink.Level;
        var speaks = level.Loudness >= _speech;
        if (sounds || level.IsTold && speaks) _loudest.Offer(slot, level.Loudness);
        if (speaks && level.HasVoice) _dominant.Offer(leg.Participant, level.Loudness);
    }
}
