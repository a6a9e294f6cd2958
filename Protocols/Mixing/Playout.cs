using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Protocols.Mixing;

/// <summary>What one frame of a source was: nothing to hear, decoded, or made up for a lost one.</summary>
internal enum PlayoutOutcome : byte { Silent, Decoded, Concealed }

/// <summary>
/// Packets of one source become a frame of samples per tick: jitter buffer, decoder of the codec that each packet names, concealment, noise
/// in pauses (RFC 3389 §4). Made by the first packet, since it is nearly all the memory that a leg takes and most legs of a large
/// conference never speak.
/// </summary>
internal sealed class Playout(MixerSettings settings) : IDisposable
{
    /// <summary>Ticks between two cuts that shorten the delay: 2.5 to 10 ms each, so that nobody hears the voice hurry.</summary>
    private const int TicksBetweenCuts = 10;

    private readonly IAudioDecoder?[] _decoders = new IAudioDecoder?[(int)AudioCodec.L16 + 1];
    private JitterBuffer? _jitter;
    private ComfortNoise? _noise;
    private IAudioDecoder? _decoder;
    private AudioFormat? _format;
    private short[] _samples = [];
    private int _filled;
    private int _decoded;
    private int _concealed;
    private int _untilCut;
    private int _rate = G711.ClockRate;
    private bool _decodes;
    private bool _skipped;
    private int _waits;
    private int _held;
    private ulong _lateBefore;
    private Playout? _before;

    public ulong LateOrDuplicate => _lateBefore + (_jitter?.LateOrDuplicate ?? 0);

    /// <summary>Packets that were taken in their turn and not decoded, since nobody was to hear them.</summary>
    public ulong Undecoded { get; private set; }

    /// <summary>How long packets wait at present.</summary>
    public TimeSpan Delay => _format is null ? TimeSpan.Zero : TimeSpan.FromSeconds(_waits / (double)_format.ClockRate + _held / (double)_rate);

    /// <summary>The last frame taken, at any rate.</summary>
    public FrameSpread Frame { get; } = new();

    /// <summary>Whether packets or decoded samples wait.</summary>
    public bool HasMore => _decoded > 0 || _jitter is { Count: > 0 };

    /// <summary>For a source that takes the place of another one's, on the same way.</summary>
    public static Playout After(Playout before, MixerSettings settings) => new(settings) { _before = before };

    /// <summary>Its turn: nothing is waited for any more.</summary>
    public void BeginNow() => _jitter?.BeginNow();

    /// <summary>The source says goodbye: what is held is played, and nothing after it is missed.</summary>
    public void End() => _jitter?.End();

    /// <summary>20 ms pass, in which another source is played.</summary>
    public void Wait() => _jitter?.Tick();

    /// <param name="codec">Null: a packet that carries no audio, which only takes its place in the sequence (a silence descriptor, if any).</param>
    /// <returns>False: it is no packet of that codec.</returns>
    public bool Put(ushort sequence, uint timestamp, AudioCodec? codec, ReadOnlySpan<byte> payload)
    {
        if (codec is not { } known)
        {
            _jitter?.Put(sequence, timestamp, default, 0, payload);
            return true;
        }

        if (_format is null || AudioFormat.Of(known).ClockRate != _format.ClockRate) Begin(AudioFormat.Of(known));
        var duration = known switch
        {
            AudioCodec.Opus => OpusPacket.Duration(payload),
            AudioCodec.L16 => payload.Length / L16.Width,
            _ => payload.Length,
        };
        if (duration <= 0 || duration > JitterBuffer.LongestPacket * _format!.TicksPerFrame || payload.Length > JitterBuffer.MaxPayload) return false;
        _jitter!.Put(sequence, timestamp, known, duration, payload);
        return true;
    }

    /// <param name="decode">
    /// False: time goes on and nothing is decoded. A decoder that is used again after that goes on from where it was; its first frame should be
    /// faded in.
    /// </param>
    public PlayoutOutcome Take(bool decode = true)
    {
        if (_jitter is null) return PlayoutOutcome.Silent;
        _decodes = decode;
        _jitter.Tick();
        (_waits, _held) = (_jitter.Delay, _filled);
        Shorten();
        if (!decode && _filled == 0 && TrySkipFrame()) return PlayoutOutcome.Silent;
        while (_filled < _rate / 50) Append(_rate / 50);
        var length = _rate / 50;

        var outcome = _decoded > 0 ? PlayoutOutcome.Decoded : _concealed > 0 ? PlayoutOutcome.Concealed : PlayoutOutcome.Silent;
        Frame.Set(_samples.AsSpan(0, length), 50 * length, outcome == PlayoutOutcome.Silent || _skipped);
        _skipped = false;
        Remove(0, length);
        return outcome;
    }

    public void Reset()
    {
        _jitter?.Reset();
        _noise?.Reset();
        DisposeDecoders();
        (_filled, _decoded, _concealed) = (0, 0, 0);
    }

    public void Dispose() => DisposeDecoders();

    private void Begin(AudioFormat format)
    {
        Reset();
        _lateBefore += _jitter?.LateOrDuplicate ?? 0;
        (_format, _rate, _jitter) = (format, format.SampleRate, new JitterBuffer(settings, format.TicksPerFrame));
        if (_before?._jitter is { } before) _jitter.Expect(before);
        _before = null;
    }

    /// <summary>A packet of 20 ms that nobody is to hear, as most are in a large conference: no sample of it is made.</summary>
    /// <returns>False: it was something else, and has been taken as always.</returns>
    private bool TrySkipFrame()
    {
        var outcome = _jitter!.Next(_format!.TicksPerFrame, out var part);
        if (outcome != JitterOutcome.Frame || part.Units != _format.TicksPerFrame || AudioFormat.Of(part.Codec).SampleRate != _rate)
        {
            Append(outcome, part, Math.Max(1, _rate / _format.ClockRate));
            return false;
        }

        _noise?.Reset();
        Undecoded++;
        return _skipped = true;
    }

    private void Append(int length)
    {
        var perUnit = Math.Max(1, 50 * length / _format!.ClockRate);
        Ensure(length);
        Append(_jitter!.Next((length - _filled + perUnit - 1) / perUnit, out var part), part, perUnit);
    }

    private void Append(JitterOutcome outcome, in JitterPart part, int perUnit)
    {
        switch (outcome)
        {
            case JitterOutcome.Frame when !_decodes: Skip(part); break;
            case JitterOutcome.Frame: Decode(part); break;
            case JitterOutcome.Noise: (_noise ??= new ComfortNoise()).TrySet(part.Payload); break;
            case JitterOutcome.Lost when _decodes: Conceal(part, part.Units * perUnit); break;
            default: Pause(part.Units * perUnit); break;
        }
    }

    private void Skip(in JitterPart part)
    {
        Use(part.Codec);
        var count = (int)((long)part.Units * _rate / _format!.ClockRate);
        Room(count).Clear();
        _filled += count;
        _noise?.Reset();
        Undecoded++;
    }

    private void Decode(in JitterPart part)
    {
        Use(part.Codec);
        _decoder = _decoders[(int)part.Codec] ??= settings.Codecs.CreateDecoder(part.Codec);
        var rate = _rate;
        var most = rate / 50 * JitterBuffer.LongestPacket;
        Ensure(most);
        var length = _decoder.Decode(part.Payload, _samples.AsSpan(_filled, most));
        if (length < 0)
        {
            Conceal(new JitterPart { Units = part.Units }, (int)((long)part.Units * rate / _format!.ClockRate));
            return;
        }

        _noise?.Reset();
        var skip = Math.Min(length, (int)((long)part.Skip * rate / _format!.ClockRate));
        _filled += length;
        if (skip > 0) Remove(_filled - length, skip);
        _decoded = _filled;
    }

    private void Conceal(in JitterPart part, int count)
    {
        var room = Room(count);
        if (_decoder is null)
        {
            room.Clear();
        }
        else
        {
            var heard = !part.Payload.IsEmpty && _decoder is IRepairingDecoder repairing ? repairing.Recover(part.Payload, room) : _decoder.Conceal(room);
            if (heard > 0) _concealed = _filled + count;
        }

        _filled += count;
    }

    /// <summary>RFC 3389 §4: noise, if the talker told of any.</summary>
    private void Pause(int count)
    {
        var room = Room(count);
        if (_noise is { IsOn: true } && _decodes)
        {
            _noise.Fill(room);
            _concealed = _filled + count;
        }
        else
        {
            room.Clear();
        }

        _filled += count;
    }

    private Span<short> Room(int count)
    {
        Ensure(count);
        return _samples.AsSpan(_filled, count);
    }

    private void Use(AudioCodec codec)
    {
        var rate = AudioFormat.Of(codec).SampleRate;
        if (rate == _rate) return;
        // What is left of the codec before is at another rate, and what it would conceal as well.
        (_filled, _decoded, _concealed) = (0, 0, 0);
        (_decoder, _rate) = (null, rate);
    }

    /// <summary>Where more is held than the network asks for, a period of the voice is taken out: nothing but the time changes.</summary>
    private void Shorten()
    {
        if (_decoder is null || --_untilCut > 0 || _jitter!.Excess < _format!.TicksPerFrame || _noise is { IsOn: true }) return;
        var rate = _rate;
        while (_filled < rate / 25 && _jitter.Count > 0)
        {
            var before = _filled;
            Append(rate / 25);
            if (_filled == before) return;
        }

        var (shortest, longest) = (rate / 400, rate / 100);
        if (_filled < rate / 25 || _decoded < 2 * longest) return;
        var lag = PitchSearch.Period(_samples.AsSpan(0, _filled), shortest, longest);
        for (var i = 0; i < lag; i++) _samples[i] = (short)((_samples[i] * (lag - i) + _samples[i + lag] * i) / lag);
        Remove(lag, lag);
        _untilCut = TicksBetweenCuts;
    }

    private void Ensure(int count)
    {
        if (_filled + count > _samples.Length) Array.Resize(ref _samples, Math.Max(_filled + count, 2 * AudioFrame.Samples));
    }

    private void Remove(int at, int count)
    {
        _samples.AsSpan(at + count, _filled - at - count).CopyTo(_samples.AsSpan(at));
        (_filled, _decoded, _concealed) = (_filled - count, Math.Max(0, _decoded - count), Math.Max(0, _concealed - count));
    }

    private void DisposeDecoders()
    {
        foreach (var decoder in _decoders) decoder?.Dispose();
        Array.Clear(_decoders);
        _decoder = null;
    }
}
