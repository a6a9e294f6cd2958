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
    private readonly List<Leg> _waiting = [];
    private readonly List<Leg> _heard = [];
    private readonly float _speech = AudioLevel.Silence - settings.SilenceLevel;

    public DominantSpeaker Dominant => _dominant;

    /// <summary>Whose frames are to be mixed in this tick, by slot.</summary>
    public List<Leg> Heard => _heard;

    /// <summary>Sets <see cref="Heard"/> and <see cref="Leg.Heard"/>: the leg has a frame that is to be mixed.</summary>
    /// <returns>True: another has the word.</returns>
    public bool Choose(List<Leg?> legs, Trunks trunks)
    {
        _loudest.Begin();
        _waiting.Clear();
        for (var slot = 0; slot < legs.Count; slot++)
        {
            if (legs[slot] is not { } leg) continue;
            leg.Heard = false;
            if (!leg.MayBeHeard) continue;
            // Most are silent and were before: whoever is chosen, it is none of them.
            if (Offer(slot, leg) || !leg.Uplink.IsWithheld) _waiting.Add(leg);
            else _ = leg.Uplink.Play(chosen: false);
        }

        _loudest.End();
        _heard.Clear();
        foreach (var leg in _waiting)
        {
            leg.Heard = leg.Uplink.Play(_loudest.Contains(leg.Slot));
            if (leg.Heard) _heard.Add(leg);
        }

        trunks.OfferTo(_dominant, _speech);
        return _dominant.Next();
    }

    /// <summary>The leg in that slot is closed.</summary>
    public void Forget(Leg leg)
    {
        _loudest.Forget(leg.Slot);
        _dominant.Gone(leg.Participant);
    }

    /// <returns>True: it may be chosen.</returns>
    private bool Offer(int slot, Leg leg)
    {
        var sounds = leg.Uplink.Listen();
        ref readonly var level = ref leg.Uplink.Level;
        var speaks = level.Loudness >= _speech;
        var offered = sounds || level.IsTold && speaks;
        if (offered) _loudest.Offer(slot, level.Loudness);
        if (speaks && level.HasVoice) _dominant.Offer(leg.Participant, level.Loudness);
        return offered;
    }
}
