using ConfCluster.Protocols.Conference;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Who has the word: whoever speaks loudest for a while. Told seldom: a change needs <see cref="ChallengeTicks"/> of being the loudest and
/// comes no sooner than <see cref="RestTicks"/> after the last; a speaker keeps the word through pauses shorter than
/// <see cref="QuietTicks"/>. Offer each who speaks, then call <see cref="Next"/>, every 20 ms.
/// </summary>
public sealed class DominantSpeaker
{
    public const int ChallengeTicks = 15;

    public const int RestTicks = 25;

    public const int QuietTicks = 100;

    /// <summary>Decibels by which somebody must be louder than one who still speaks.</summary>
    public const int Margin = 3;

    private (ParticipantId Who, float Loudness)? _loudest;
    private float? _own;
    private ParticipantId? _challenger;
    private int _challenge;
    private int _quiet;
    private int _rested = RestTicks;

    /// <summary>Null: nobody.</summary>
    public ParticipantId? Speaker { get; private set; }

    /// <param name="loudness">Decibels above digital silence.</param>
    public void Offer(ParticipantId who, float loudness)
    {
        if (who == Speaker) _own = loudness;
        if (_loudest is null || loudness > _loudest.Value.Loudness) _loudest = (who, loudness);
    }

    /// <summary>Whoever left has not got the word any more.</summary>
    public void Gone(ParticipantId who)
    {
        if (Speaker == who) _quiet = QuietTicks;
    }

    /// <returns>True: <see cref="Speaker"/> is another.</returns>
    public bool Next()
    {
        var (loudest, own) = (_loudest, _own);
        (_loudest, _own) = (null, null);
        _rested++;
        _quiet = own is null ? _quiet + 1 : 0;
        var challenger = loudest is { } l && l.Who != Speaker && (own is not { } mine || l.Loudness > mine + Margin) ? l.Who : (ParticipantId?)null;
        (_challenger, _challenge) = (challenger, challenger is null ? 0 : challenger == _challenger ? _challenge + 1 : 1);
        if (_rested < RestTicks) return false;
        if (_challenge >= ChallengeTicks) return Give(challenger);
        return Speaker is not null && _quiet > QuietTicks && Give(null);
    }

    private bool Give(ParticipantId? who)
    {
        (Speaker, _challenger, _challenge, _quiet, _rested) = (who, null, 0, 0, 0);
        return true;
    }
}
