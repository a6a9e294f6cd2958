using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>A key that somebody pressed.</summary>
/// <param name="Event">RFC 4733 §3.2: 0 to 15.</param>
public readonly record struct Digit(byte Event, TimeSpan Duration)
{
    /// <summary>Without the key: what is dialled may be a secret.</summary>
    public override string ToString() => "<digit>";
}

/// <summary>
/// Telephone-event packets of one source become digits, each told once (RFC 4733 §2.5.2.2): when its end comes, or, if all three packets
/// of that were lost, when the next one begins. Events other than the keys are not for us.
/// </summary>
internal struct DigitReader
{
    /// <summary>RFC 4733 §3.2, table 3.</summary>
    private const byte LastKey = 15;

    private uint _timestamp;
    private ushort _duration;
    private byte _event;
    private bool _pressed;
    private bool _any;

    public bool Receive(uint timestamp, in TelephoneEvent block, int clockRate, out Digit digit)
    {
        digit = default;
        if (block.Event > LastKey) return false;
        // RFC 4733 §2.5.1.2: the packets of an event share its timestamp. One from before the last is late.
        if (_any && (int)(timestamp - _timestamp) < 0) return false;
        var ended = false;
        if (!_any || timestamp != _timestamp)
        {
            ended = _any && _pressed;
            if (ended) digit = Told(clockRate);
            (_any, _timestamp, _event, _duration, _pressed) = (true, timestamp, block.Event, 0, true);
        }

        _duration = Math.Max(_duration, block.Duration);
        if (ended || !_pressed || !block.IsEnd) return ended;
        _pressed = false;
        digit = Told(clockRate);
        return true;
    }

    public void Reset() => this = default;

    private readonly Digit Told(int clockRate) => new(_event, TimeSpan.FromSeconds(_duration / (double)clockRate));
}
