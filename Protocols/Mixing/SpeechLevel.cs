using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// How loud one source is, in decibels above digital silence: up at once and down slowly, so that it covers the pauses between words
/// (RFC 6464 §5). From the levels in its packets, or from what was decoded; a source whose packets claim much more than is in them is
/// believed no more (RFC 6464 §6).
/// </summary>
internal struct SpeechLevel
{
    /// <summary>Decibels in 20 ms.</summary>
    private const float Fall = 1;

    private const float Exaggeration = 20;

    /// <summary>One second of it in a row.</summary>
    private const int MostExaggerations = 50;

    private byte _loudestSince;
    private bool _any;
    private bool _voiceSince;
    private bool _knowsVoice;
    private float _measured;
    private int _exaggerations;

    /// <summary>The newest packet had a level, and the source is to be believed.</summary>
    public bool IsTold { get; private set; }

    public bool IsBelieved => _exaggerations < MostExaggerations;

    public float Loudness { get; private set; }

    /// <summary>Somebody speaks, as far as the source tells. One that never says so has nobody to ask.</summary>
    public bool HasVoice { get; private set; }

    /// <summary>What the newest packet said; null: nothing.</summary>
    public void Told(AudioLevel? level)
    {
        IsTold = level is not null && IsBelieved;
        if (level is not { } told) return;
        var loudness = (byte)(AudioLevel.Silence - told.Level);
        (_loudestSince, _any) = (_any ? Math.Max(_loudestSince, loudness) : loudness, true);
        _voiceSince |= told.Voice;
        _knowsVoice |= told.Voice;
    }

    /// <summary>20 ms have passed: what packets said since the last time counts.</summary>
    public void Tick()
    {
        Loudness = Math.Max(_any ? _loudestSince : 0, Loudness - Fall);
        HasVoice = !_knowsVoice || _voiceSince;
        // Between two packets of 40 or 60 ms nothing new is said.
        if (_any) _voiceSince = false;
        (_loudestSince, _any) = (0, false);
    }

    /// <summary>20 ms have passed of a source that does not tell.</summary>
    public void Measured(byte level)
    {
        Loudness = Math.Max(AudioLevel.Silence - level, Loudness - Fall);
        HasVoice = true;
    }

    /// <summary>What a source that tells turned out to be.</summary>
    public void Audit(byte level)
    {
        _measured = Math.Max(AudioLevel.Silence - level, _measured - Fall);
        if (!IsBelieved) return;
        _exaggerations = Loudness > _measured + Exaggeration ? _exaggerations + 1 : 0;
        if (!IsBelieved) IsTold = false;
    }

    public void Reset() => this = default;
}
