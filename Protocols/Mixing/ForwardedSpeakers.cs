using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Whose packets are forwarded when more speak than may. Who tells how loud it is (RFC 6464) takes the place of somebody who is quieter by a good deal or has not
/// spoken for a while; who does not tell has its place while it sends and the place is its own, first come, first served. Levels are in the clear and
/// nobody here can check them: who lies is heard, and no more (<see cref="Forwarder"/>).
/// </summary>
internal sealed class ForwardedSpeakers(int places, byte silence, TimeSpan hold)
{
    /// <summary>In dB: so much louder one must be, or two of the same loudness would take turns.</summary>
    private const float Louder = 6;

    /// <summary>Of the newest packet in the mean: half of it is from the last 100 ms.</summary>
    private const float Weight = 0.15f;

    private readonly List<Place> _places = new(places);

    /// <param name="level">As the packet says; null: it does not.</param>
    /// <returns>Whether it is forwarded.</returns>
    public bool Choose(int slot, AudioLevel? level, TimeSpan now)
    {
        var loudness = level is { } told ? AudioLevel.Silence - told.Level : AudioLevel.Silence - silence;
        var speaks = loudness >= AudioLevel.Silence - silence;
        if (Find(slot) is { } own)
        {
            own.Loudness += Weight * (loudness - own.Loudness);
            if (speaks) own.SpokeAt = now;
            return true;
        }

        if (_places.Count < places)
        {
            _places.Add(new Place(slot, loudness, speaks ? now : null));
            return true;
        }

        if (!speaks || _places.Count == 0) return false;
        var weakest = _places[0];
        foreach (var place in _places)
            if ((place.IsSpeaking(now, hold), place.Loudness).CompareTo((weakest.IsSpeaking(now, hold), weakest.Loudness)) < 0)
                weakest = place;
        // Without levels all are as loud as one another.
        if (weakest.IsSpeaking(now, hold) && (level is null || loudness < weakest.Loudness + Louder)) return false;
        _places.Remove(weakest);
        _places.Add(new Place(slot, loudness, now));
        return true;
    }

    private Place? Find(int slot)
    {
        foreach (var place in _places)
            if (place.Slot == slot)
                return place;
        return null;
    }

    /// <summary>It is gone.</summary>
    public void Forget(int slot) => _places.RemoveAll(p => p.Slot == slot);

    private sealed class Place(int slot, float loudness, TimeSpan? spokeAt)
    {
        public int Slot => slot;

        public float Loudness { get; set; } = loudness;

        /// <summary>Null: it has been silent since it came.</summary>
        public TimeSpan? SpokeAt { get; set; } = spokeAt;

        public bool IsSpeaking(TimeSpan now, TimeSpan hold) => now - SpokeAt <= hold;
    }
}
