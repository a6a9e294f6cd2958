using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>What is heard in a tick: at every rate that somebody listens at, each talker in all the quality that it has there.</summary>
internal sealed class TickMix(MixerSettings settings, MixerBuffers buffers)
{
    private readonly RateMix[] _mixes = buffers.Mixes;
    private readonly Contributors _contributors = buffers.Contributors;
    private readonly List<Leg> _echoes = [];
    private int? _rates;

    /// <summary>At which mixers send to each other.</summary>
    private static readonly int TrunkPlace = AudioFrame.PlaceOf(AudioFormat.Of(AudioCodec.L16).SampleRate);

    public TalkerSelection Talkers { get; } = new(settings);

    /// <summary>Who listens, or at which rate, may be another from now on.</summary>
    public void LegsChanged() => _rates = null;

    /// <summary>Plays one frame of every leg into the mix, sends that to the other mixers, and plays what came from them.</summary>
    /// <returns>True: another has the word.</returns>
    public bool Make(MixerLegs mixerLegs, Trunks trunks, ulong tick, TimeSpan now, IMediaSink sink)
    {
        var legs = mixerLegs.All;
        foreach (var leg in _echoes) leg.Echo = null;
        _echoes.Clear();
        var rates = _rates ??= RatesOf(legs) | (trunks.IsWanted ? 1 << TrunkPlace : 0);
        for (var i = 0; i < _mixes.Length; i++)
        {
            _mixes[i].IsUsed = (rates & 1 << i) != 0;
            if (_mixes[i].IsUsed) _mixes[i].Clear();
        }

        var changed = Talkers.Choose(legs, trunks);
        _contributors.Clear();
        foreach (var leg in Talkers.Heard)
        {
            _contributors.Add(leg.Slot, leg.Uplink.Source, AudioLevel.Of(leg.Uplink.Frame.Own));
            foreach (var mix in _mixes)
                if (mix.IsUsed)
                    mix.Add(leg.Uplink.Frame);
        }

        if (!trunks.IsWanted) return changed;
        trunks.Send(Talkers.Heard.Count, _mixes[TrunkPlace].Whole(), _contributors, tick, now, sink);
        foreach (var receiver in trunks.Receivers)
        {
            if (!receiver.Play(_contributors, now)) continue;
            foreach (var mix in _mixes)
                if (mix.IsUsed)
                    mix.Add(receiver.Frame);
            if (trunks.HasOurLegs(receiver)) FindEchoes(receiver, mixerLegs.Owners);
        }

        return changed;
    }

    /// <summary>Who moves from one mixer to the other is at both for a moment, and is not to hear itself.</summary>
    private void FindEchoes(TrunkReceiver receiver, SsrcOwners owners)
    {
        foreach (var (source, _) in receiver.Heard)
        {
            if (owners.OwnerOf(source) is not Leg leg) continue;
            leg.Echo = receiver.Frame;
            _echoes.Add(leg);
        }
    }

    /// <summary>At which somebody listens: a bit for each, by <see cref="AudioFrame.PlaceOf"/>.</summary>
    private static int RatesOf(List<Leg?> legs)
    {
        var rates = 0;
        foreach (var leg in legs)
            if (leg is { MaySend: true })
                rates |= 1 << AudioFrame.PlaceOf(leg.Output.Packets.Format.SampleRate);
        return rates;
    }
}
