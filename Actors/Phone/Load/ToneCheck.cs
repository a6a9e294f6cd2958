using ConfCluster.Protocols.Phone;

namespace ConfCluster.Actors.Phone.Load;

/// <summary>
/// Listens whether the right tones are there: half a second at a time, in which every tone of the load has a whole number of periods, so that
/// none shows at another's frequency. What was heard is right when each tone of the others has its share of the power and one's own has none.
/// </summary>
internal sealed class ToneCheck(int talkers, int own)
{
    public const int Most = 16;

    private const int Window = 4000;
    private const double Lowest = 420;
    private const double Step = 142;

    private readonly short[] _heard = new short[Window];
    private int _count;
    private bool _slipped;

    public int Right { get; private set; }

    public int Wrong { get; private set; }

    /// <summary>Of <see cref="Wrong"/>: a packet was late or missing meanwhile, and what is played instead has the tones at another phase.</summary>
    public int Interrupted { get; private set; }

    public static double Hertz(int talker) => Lowest + talker * Step;

    public void Restart() => (_count, _slipped) = (0, false);

    /// <param name="slipped">Some of it is not what was sent.</param>
    public void Hear(ReadOnlySpan<short> samples, bool slipped = false)
    {
        _slipped |= slipped;
        var taken = Math.Min(samples.Length, Window - _count);
        samples[..taken].CopyTo(_heard.AsSpan(_count));
        _count += taken;
        if (_count < Window) return;
        _count = 0;
        if (IsRight(_heard, talkers, own)) Right++;
        else (Wrong, Interrupted) = (Wrong + 1, Interrupted + (_slipped ? 1 : 0));
        _slipped = false;
    }

    /// <param name="own">Number of the tone that this phone says itself; -1: none.</param>
    internal static bool IsRight(ReadOnlySpan<short> heard, int talkers, int own)
    {
        var others = own >= 0 ? talkers - 1 : talkers;
        for (var i = 0; i < talkers; i++)
        {
            var share = ToneGenerator.ShareOf(Hertz(i), heard);
            if (i == own ? share > 0.01 : share < 0.5 / others) return false;
        }

        return true;
    }
}
