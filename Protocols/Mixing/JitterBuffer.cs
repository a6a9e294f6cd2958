using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Puts the packets of one source in order and says what is next to be played, packet by packet, whatever their length. The delay adapts:
/// <see cref="DelayEstimator"/> says how much is held before playing begins, a late packet makes it longer at once, and who plays shortens
/// it by <see cref="Excess"/>. A hole in the sequence is a loss; a hole in the timestamps alone is silence (RFC 3551 §4.1).
/// </summary>
public sealed class JitterBuffer
{
    /// <summary>RFC 6716 §3.4: the longest frame of Opus; G.711 takes less for the longest time we take.</summary>
    public const int MaxPayload = 1275;

    /// <summary>Frames of 20 ms that a packet has at most (RFC 7587 §4.2: 120 ms).</summary>
    public const int LongestPacket = 6;

    /// <summary>Frames: a hole in the timestamps longer than this is another clock, not a pause (10 s).</summary>
    private const int LongestGap = 500;

    private readonly Slot[] _slots;
    private readonly Stack<byte[]> _spare = new();
    private readonly int _frame;
    private readonly int _capacity;
    private readonly DelayEstimator _delay;
    private readonly bool _adapts;
    private bool _started;
    private bool _playing;
    private bool _pausing;
    private bool _begun;
    private bool _missed;
    private bool _ended;
    private int _count;
    private int _waited;
    private int _hold;
    private uint _now;
    private ushort _nextSequence;
    private ushort _newest;
    private uint _nextTimestamp;

    /// <param name="frame">Units of the RTP clock in 20 ms.</param>
    public JitterBuffer(MixerSettings settings, int frame)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _frame = frame;
        _delay = new DelayEstimator(frame, settings.JitterPackets, settings.MinJitterPackets, settings.MaxJitterPackets);
        _adapts = settings.MaxJitterPackets > settings.MinJitterPackets;
        _capacity = Math.Max(settings.JitterCapacity, settings.JitterPackets + 1);
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)_capacity);
        _slots = new Slot[size];
    }

    /// <summary>Packets that came after their place was played, or twice.</summary>
    public ulong LateOrDuplicate { get; private set; }

    /// <summary>Packets thrown away to keep the delay.</summary>
    public ulong Skipped { get; private set; }

    public int Count => _count;

    /// <summary>Units that the fastest packets wait before they are played; 0 while nothing plays.</summary>
    public int Delay => _playing ? Math.Max(0, (int)(_now - _nextTimestamp) - _frame - _delay.Fastest) : 0;

    /// <summary>Units by which the delay is longer than it should be.</summary>
    public int Excess => _playing && _adapts ? Math.Max(0, Delay - (_delay.Target - _frame)) : 0;

    public int Target => _delay.Target;

    /// <summary>Another source, or the same from its beginning.</summary>
    public void Reset()
    {
        foreach (ref var slot in _slots.AsSpan()) Free(ref slot);
        _delay.Reset();
        (_started, _playing, _pausing, _begun, _missed, _ended, _count, _waited, _hold) = (false, false, false, false, false, false, 0, 0, 0);
    }

    /// <summary>What is held is played, and nothing after it is missed.</summary>
    public void End() => _ended = true;

    /// <summary>Its packets come the same way as those of another source, whose place it takes.</summary>
    internal void Expect(JitterBuffer before) => _delay.Expect(before._delay);

    /// <summary>The source before has nothing more to be played, so that this one has waited long enough.</summary>
    public void BeginNow() => _waited = _delay.Target / _frame;

    /// <summary>Another 20 ms have passed.</summary>
    public void Tick()
    {
        _now += (uint)_frame;
        _delay.Tick();
    }

    /// <param name="duration">In units of the clock; 0: a packet without audio, which only takes its place in the sequence.</param>
    /// <param name="payload">With a duration of 0: a silence descriptor, or empty.</param>
    /// <returns>False: late, twice, or too long to be audio.</returns>
    public bool Put(ushort sequence, uint timestamp, AudioCodec codec, int duration, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > MaxPayload || duration > LongestPacket * _frame) return false;
        if (!_started) Start(sequence);
        if (duration > 0) _delay.Arrived(timestamp, _now);
        var ahead = (short)(sequence - _nextSequence);
        if (ahead < 0 && !_begun && _count > 0 && (ushort)(_newest - sequence) < _capacity)
        {
            // Before playing begins a packet from before the first one still has its place.
            (_nextSequence, ahead) = (sequence, 0);
        }

        // A packet whose time was concealed is late even if no later one was played yet.
        var behind = _playing && duration > 0 ? (int)(timestamp - _nextTimestamp) : 0;
        var late = ahead < 0 || behind <= -duration && behind < 0 && behind > -LongestGap * _frame;
        if (late || _slots[sequence & (_slots.Length - 1)] is { Used: true } taken && taken.Sequence == sequence)
        {
            LateOrDuplicate++;
            // The next one that is as late must find its place: what is played stands still for a while.
            if (late && _playing && _adapts) _hold = Math.Max(_hold, _delay.Target - 2 * _frame - Delay);
            return false;
        }

        if (ahead >= _capacity)
        {
            // The sequence jumped: what is held belongs to before the jump.
            Skipped += (ulong)_count;
            Reset();
            Start(sequence);
        }

        Keep(sequence, timestamp, codec, duration, payload);
        return true;
    }

    /// <summary>The next part of what is to be played; asked for until a tick is full.</summary>
    /// <param name="room">Units that are missing: a pause is no longer than this, a packet or a loss may be.</param>
    public JitterOutcome Next(int room, out JitterPart part)
    {
        part = new JitterPart { Units = room };
        if (!_playing && !Begin()) return _missed ? JitterOutcome.Lost : JitterOutcome.Empty;
        if (_hold > 0)
        {
            part = new JitterPart { Units = Math.Min(room, _hold) };
            _hold -= part.Units;
            return JitterOutcome.Lost;
        }

        KeepDelay();
        while (_count > 0)
        {
            ref var slot = ref _slots[FirstHeld(out var hole) & (_slots.Length - 1)];
            var ahead = (int)(slot.Timestamp - _nextTimestamp);
            if (slot.Duration == 0)
            {
                var descriptor = slot.Payload;
                Drop(ref slot);
                if (descriptor.IsEmpty) continue;
                part = new JitterPart { Payload = descriptor };
                return JitterOutcome.Noise;
            }

            if (Math.Abs((long)ahead) > LongestGap * _frame) _nextTimestamp = slot.Timestamp;
            else if (ahead <= -slot.Duration) Drop(ref slot);
            else return ahead > 0 ? Gap(slot, ahead, room, hole, out part) : Frame(ref slot, -ahead, out part);
        }

        return RunDry();
    }

    private void Start(ushort sequence) => (_started, _nextSequence, _newest, _pausing) = (true, sequence, sequence, false);

    private void Keep(ushort sequence, uint timestamp, AudioCodec codec, int duration, ReadOnlySpan<byte> payload)
    {
        ref var slot = ref _slots[sequence & (_slots.Length - 1)];
        Free(ref slot);
        // Room that was used last is still near the processor, and after a few packets nothing is allocated any more.
        if (!_spare.TryPop(out var store) || store.Length < payload.Length) store = new byte[(payload.Length + 159) / 160 * 160];
        payload.CopyTo(store);
        slot = new Slot(store, sequence, codec, timestamp, duration, payload.Length);
        if (_count++ == 0 || (short)(sequence - _newest) > 0) _newest = sequence;
    }

    /// <summary>What stood there is readable until the next packet is put.</summary>
    private void Free(ref Slot slot)
    {
        if (slot.Store is { } store) _spare.Push(store);
        slot = default;
    }

    private bool Begin()
    {
        if (_count == 0) return false;
        if (Depth() < _delay.Target && _waited++ < _delay.Target / _frame) return false;
        while (_count > 1 && Depth() > _delay.Target + _frame) Skip();
        (_playing, _begun, _waited, _pausing, _missed, _ended, _hold) = (true, true, 0, false, false, false, 0);
        _nextTimestamp = _slots[FirstHeld(out _) & (_slots.Length - 1)].Timestamp;
        return true;
    }

    /// <summary>The peer's clock runs faster than ours, or a burst followed a pause: give up the oldest packet.</summary>
    private void KeepDelay()
    {
        if (_count <= 1 || Depth() <= 2 * _delay.Target + 2 * _frame) return;
        Skip();
        _nextTimestamp = _slots[FirstHeld(out _) & (_slots.Length - 1)].Timestamp;
    }

    /// <summary>Units between the first and the end of the newest packet.</summary>
    private int Depth()
    {
        if (_count == 0) return 0;
        ref var first = ref _slots[FirstHeld(out _) & (_slots.Length - 1)];
        ref var last = ref _slots[_newest & (_slots.Length - 1)];
        var span = (int)(last.Timestamp - first.Timestamp);
        return (span >= 0 && span <= LongestGap * _frame ? span : 0) + last.Duration;
    }

    private void Skip() => Drop(ref _slots[FirstHeld(out _) & (_slots.Length - 1)]);

    /// <summary>The lowest sequence held; only with a packet in the buffer.</summary>
    private ushort FirstHeld(out bool hole)
    {
        var sequence = _nextSequence;
        while (_slots[sequence & (_slots.Length - 1)] is not { Used: true } slot || slot.Sequence != sequence) sequence++;
        hole = sequence != _nextSequence;
        return sequence;
    }

    /// <summary>Time without a packet: concealed, or a pause, up to where the next packet begins. A pause may be played shorter.</summary>
    private JitterOutcome Gap(in Slot next, int ahead, int room, bool hole, out JitterPart part)
    {
        if (!hole)
        {
            var cut = Math.Min(Excess, ahead);
            _nextTimestamp += (uint)cut;
            ahead -= cut;
        }

        // A loss is filled frame by frame, since a copy of one is of a whole one.
        var units = Math.Min(ahead, hole ? Math.Max(room, _frame) : room);
        _nextTimestamp += (uint)units;
        var copy = hole && ahead == units && ahead <= next.Duration ? next.Payload : default;
        part = new JitterPart { Units = units, Codec = next.Codec, Payload = copy };
        return hole ? JitterOutcome.Lost : JitterOutcome.Empty;
    }

    private JitterOutcome Frame(ref Slot slot, int played, out JitterPart part)
    {
        part = new JitterPart { Units = slot.Duration - played, Skip = played, Codec = slot.Codec, Payload = slot.Payload };
        _nextTimestamp += (uint)part.Units;
        Drop(ref slot, audio: true);
        return JitterOutcome.Frame;
    }

    private void Drop(ref Slot slot, bool audio = false)
    {
        if (!audio && slot.Duration > 0) Skipped++;
        _pausing = !audio && slot.Duration == 0;
        _nextSequence = (ushort)(slot.Sequence + 1);
        Free(ref slot);
        _count--;
    }

    /// <summary>Nothing is left: wait for the target again. A talker who announced a pause is not missed.</summary>
    private JitterOutcome RunDry()
    {
        _playing = false;
        _missed = !_pausing && !_ended;
        return _missed ? JitterOutcome.Lost : JitterOutcome.Empty;
    }

    private readonly record struct Slot(byte[]? Store, ushort Sequence, AudioCodec Codec, uint Timestamp, int Duration, int Length)
    {
        public bool Used => Store is not null;

        public ReadOnlySpan<byte> Payload => Store.AsSpan(0, Length);
    }
}
