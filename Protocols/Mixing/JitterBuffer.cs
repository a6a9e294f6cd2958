namespace ConfCluster.Protocols.Mixing;

/// <summary>What a jitter buffer yields for one tick. Empty: the talker pauses, or nothing has come yet.</summary>
public enum JitterOutcome : byte { Empty, Frame, Lost }

/// <summary>
/// Puts the packets of one source in order and yields 20 ms of codes per tick, whatever the packets' length (RFC 3550 §6.4.1 defines the
/// jitter it hides). The delay is fixed: playing begins when the target is reached, or when the first packet has waited that long. A hole
/// in the sequence is a loss; a hole in the timestamps alone is silence (RFC 3551 §4.1). One octet is one sample.
/// Left out: a delay that adapts itself.
/// </summary>
public sealed class JitterBuffer
{
    /// <summary>60 ms of G.711.</summary>
    public const int MaxPayload = 480;

    /// <summary>A hole in the timestamps longer than this is another clock, not a pause (10 s).</summary>
    private const int MaxGap = 80_000;

    private readonly Slot[] _slots;
    private readonly byte[] _store;
    private readonly int _target;
    private readonly int _capacity;
    private bool _started;
    private bool _playing;
    private bool _pausing;
    private bool _begun;
    private bool _missed;
    private int _count;
    private int _waited;
    private ushort _nextSequence;
    private ushort _newest;
    private uint _nextTimestamp;

    /// <param name="target">Packets of 20 ms to wait for.</param>
    /// <param name="capacity">Packets to hold at most.</param>
    public JitterBuffer(int target, int capacity)
    {
        _target = target;
        _capacity = Math.Max(capacity, target + 1);
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)_capacity);
        _slots = new Slot[size];
        _store = new byte[size * MaxPayload];
    }

    /// <summary>Packets that came after their place was played, or twice.</summary>
    public ulong LateOrDuplicate { get; private set; }

    /// <summary>Packets thrown away to keep the delay.</summary>
    public ulong Skipped { get; private set; }

    public int Count => _count;

    /// <summary>Another source, or the same from its beginning.</summary>
    public void Reset()
    {
        Array.Clear(_slots);
        (_started, _playing, _pausing, _begun, _missed, _count, _waited) = (false, false, false, false, false, 0, 0);
    }

    /// <param name="codes">Empty: a packet that carries no audio (an event, comfort noise), which only takes its place in the sequence.</param>
    /// <returns>False: late, twice, or too long to be audio.</returns>
    public bool Put(ushort sequence, uint timestamp, ReadOnlySpan<byte> codes)
    {
        if (codes.Length > MaxPayload) return false;
        if (!_started) Start(sequence);
        var ahead = (short)(sequence - _nextSequence);
        if (ahead < 0 && !_begun && _count > 0 && (ushort)(_newest - sequence) < _capacity)
        {
            // Before playing begins a packet from before the first one still has its place.
            (_nextSequence, ahead) = (sequence, 0);
        }

        if (ahead < 0 || _slots[sequence & (_slots.Length - 1)] is { Used: true } taken && taken.Sequence == sequence)
        {
            LateOrDuplicate++;
            return false;
        }

        if (ahead >= _capacity)
        {
            // The sequence jumped: what is held belongs to before the jump.
            Skipped += (ulong)_count;
            Reset();
            Start(sequence);
        }

        var slot = sequence & (_slots.Length - 1);
        codes.CopyTo(_store.AsSpan(slot * MaxPayload));
        _slots[slot] = new Slot(true, sequence, timestamp, codes.Length);
        if (_count++ == 0 || (short)(sequence - _newest) > 0) _newest = sequence;
        return true;
    }

    /// <summary>Fills one frame of codes; <paramref name="silence"/> stands where a part of it is missing.</summary>
    public JitterOutcome Take(Span<byte> frame, byte silence)
    {
        if (!_playing && !Begin()) return _missed ? JitterOutcome.Lost : JitterOutcome.Empty;
        KeepDelay();
        frame.Fill(silence);
        var (filled, heard, lost) = (0, false, false);
        while (filled < frame.Length)
        {
            if (_count == 0) return RunDry(heard, lost);
            ref var slot = ref _slots[FirstHeld(out var hole) & (_slots.Length - 1)];
            var ahead = (int)(slot.Timestamp - _nextTimestamp);
            if (slot.Length == 0 || ahead < -slot.Length || ahead > MaxGap)
            {
                if (slot.Length > 0 && Math.Abs((long)ahead) > MaxGap) _nextTimestamp = slot.Timestamp;
                else Drop(ref slot);
                continue;
            }

            if (ahead > 0)
            {
                // Time without a packet: played as silence or concealed, up to where the next packet begins.
                var gap = Math.Min(ahead, frame.Length - filled);
                lost |= hole;
                filled += gap;
                _nextTimestamp += (uint)gap;
                continue;
            }

            heard |= Copy(ref slot, frame, ref filled, -ahead);
        }

        return heard ? JitterOutcome.Frame : lost ? JitterOutcome.Lost : JitterOutcome.Empty;
    }

    private void Start(ushort sequence) => (_started, _nextSequence, _newest, _pausing) = (true, sequence, sequence, false);

    private bool Begin()
    {
        if (_count == 0) return false;
        if (Depth() < _target * AudioFrame.Samples && _waited++ < _target) return false;
        while (Depth() > (_target + 1) * AudioFrame.Samples) Skip();
        (_playing, _begun, _waited, _pausing, _missed) = (true, true, 0, false, false);
        _nextTimestamp = _slots[FirstHeld(out _) & (_slots.Length - 1)].Timestamp;
        return true;
    }

    /// <summary>The peer's clock runs faster than ours, or a burst followed a pause: give up the oldest packet.</summary>
    private void KeepDelay()
    {
        if (_count > 1 && Depth() > (2 * _target + 2) * AudioFrame.Samples)
        {
            Skip();
            _nextTimestamp = _slots[FirstHeld(out _) & (_slots.Length - 1)].Timestamp;
        }
    }

    /// <summary>Samples between the first and the end of the newest packet.</summary>
    private int Depth()
    {
        if (_count == 0) return 0;
        ref var first = ref _slots[FirstHeld(out _) & (_slots.Length - 1)];
        ref var last = ref _slots[_newest & (_slots.Length - 1)];
        var span = (int)(last.Timestamp - first.Timestamp);
        return (span is >= 0 and <= MaxGap ? span : 0) + last.Length;
    }

    private void Skip()
    {
        Drop(ref _slots[FirstHeld(out _) & (_slots.Length - 1)]);
    }

    /// <summary>The lowest sequence held; only with a packet in the buffer.</summary>
    private ushort FirstHeld(out bool hole)
    {
        var sequence = _nextSequence;
        while (_slots[sequence & (_slots.Length - 1)] is not { Used: true } slot || slot.Sequence != sequence) sequence++;
        hole = sequence != _nextSequence;
        return sequence;
    }

    private bool Copy(ref Slot slot, Span<byte> frame, ref int filled, int played)
    {
        var left = slot.Length - played;
        var take = Math.Min(left, frame.Length - filled);
        _store.AsSpan((slot.Sequence & (_slots.Length - 1)) * MaxPayload + played, take).CopyTo(frame[filled..]);
        filled += take;
        _nextTimestamp += (uint)take;
        _pausing = false;
        if (take == left) Drop(ref slot, audio: true);
        return take > 0;
    }

    private void Drop(ref Slot slot, bool audio = false)
    {
        if (!audio && slot.Length > 0) Skipped++;
        _pausing = !audio && slot.Length == 0;
        _nextSequence = (ushort)(slot.Sequence + 1);
        slot = default;
        _count--;
    }

    /// <summary>Nothing is left: wait for the target again. A talker who announced a pause is not missed.</summary>
    private JitterOutcome RunDry(bool heard, bool lost)
    {
        _playing = false;
        _missed = lost || !_pausing;
        return heard ? JitterOutcome.Frame : _missed ? JitterOutcome.Lost : JitterOutcome.Empty;
    }

    private readonly record struct Slot(bool Used, ushort Sequence, uint Timestamp, int Length);
}
