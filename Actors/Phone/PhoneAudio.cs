using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;

namespace ConfCluster.Actors.Phone;

/// <summary>What the softphone says, frame by frame (a tone, a file over and over, or silence), and a record of what it hears.</summary>
internal sealed class PhoneAudio(double? tone, short[]? play, bool record)
{
    /// <summary>An hour; what is heard later is not recorded.</summary>
    private const int MaxRecorded = 3600 * 8000;

    private readonly ToneGenerator? _tone = tone is { } hertz ? new ToneGenerator(hertz) : null;
    private readonly List<short>? _recorded = record ? [] : null;
    private int _at;

    public ReadOnlySpan<short> Recorded => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_recorded);

    public void Fill(Span<short> frame)
    {
        if (play is not null)
        {
            for (var i = 0; i < frame.Length; i++) frame[i] = play[_at++ % play.Length];
            _at %= play.Length;
        }
        else if (_tone is not null) _tone.Fill(frame);
        else frame.Clear();
    }

    public void Keep(ReadOnlySpan<short> frame)
    {
        if (_recorded is not null && _recorded.Count + AudioFrame.Samples <= MaxRecorded) _recorded.AddRange(frame);
    }
}
