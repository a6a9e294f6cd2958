namespace ConfCluster.Protocols.Codecs;

/// <summary>
/// The noise of a silence descriptor (RFC 3389 §3): its level and, when it tells, its spectrum by reflection coefficients. It goes on until
/// audio comes again. The noise is the same after every <see cref="Reset"/>: it need not surprise anybody.
/// </summary>
internal sealed class ComfortNoise
{
    /// <summary>More coefficients than anybody sends; the rest is ignored.</summary>
    private const int MaxOrder = 16;

    private const uint Seed = 0x9E3779B9;
    private readonly float[] _reflection = new float[MaxOrder];
    private readonly float[] _backward = new float[MaxOrder + 1];
    private int _order;
    private float _gain;
    private uint _state = Seed;

    public bool IsOn { get; private set; }

    /// <param name="payload">RFC 3389 §3: the level in -dBov, then coefficients.</param>
    public bool TrySet(ReadOnlySpan<byte> payload)
    {
        // RFC 3389 §3.1: the most significant bit of the level is 0.
        if (payload.IsEmpty || payload[0] > 127) return false;
        _order = Math.Min(payload.Length - 1, MaxOrder);
        // The noise is even between -1 and 1: its power is a third. The filter adds power, so that much less goes into it.
        var power = 3.0;
        for (var i = 0; i < _order; i++)
        {
            // RFC 3389 §3.2: uniformly quantized, 127 is zero.
            _reflection[i] = Math.Clamp(258 * (payload[1 + i] - 127) / 32_768f, -0.99f, 0.99f);
            power *= 1 - _reflection[i] * _reflection[i];
        }

        // dBov: 0 is the power of a square wave at the limit.
        _gain = (float)(32_768 * Math.Pow(10, -payload[0] / 20.0) * Math.Sqrt(power));
        Array.Clear(_backward);
        IsOn = true;
        return true;
    }

    public void Fill(Span<short> frame)
    {
        for (var i = 0; i < frame.Length; i++) frame[i] = (short)Math.Clamp(Filter(_gain * Next()), short.MinValue, short.MaxValue);
    }

    public void Reset() => (IsOn, _state) = (false, Seed);

    /// <summary>An all-pole lattice.</summary>
    private float Filter(float value)
    {
        for (var i = _order - 1; i >= 0; i--)
        {
            value -= _reflection[i] * _backward[i];
            _backward[i + 1] = _backward[i] + _reflection[i] * value;
        }

        _backward[0] = value;
        return value;
    }

    /// <summary>Xorshift: even between -1 and 1.</summary>
    private float Next()
    {
        _state ^= _state << 13;
        _state ^= _state >> 17;
        _state ^= _state << 5;
        return (int)_state / 2147483648f;
    }
}
