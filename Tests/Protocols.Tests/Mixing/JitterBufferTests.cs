using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class JitterBufferTests
{
    private const byte Silence = 0xFF;
    private JitterReader _buffer = new(3);
    private readonly byte[] _frame = new byte[AudioFrame.Samples];

    [Fact]
    public void Playing_begins_when_the_target_is_reached()
    {
        Assert.Equal([JitterOutcome.Empty, JitterOutcome.Empty, JitterOutcome.Frame], Enumerable.Range(0, 3).Select(i => PutAndTake(i)));
        Assert.Equal(1, _frame[0]);
    }

    [Fact]
    public void A_single_packet_is_played_after_the_same_wait()
    {
        Put(0);
        Assert.Equal(
            [JitterOutcome.Empty, JitterOutcome.Empty, JitterOutcome.Empty, JitterOutcome.Frame], Enumerable.Range(0, 4).Select(_ => Take()));
    }

    [Fact]
    public void Reordered_packets_are_played_in_order()
    {
        _buffer = new JitterReader(5);
        foreach (var i in new[] { 2, 0, 1, 4, 3 }) Put(i);
        Assert.Equal([1, 2, 3, 4, 5], Enumerable.Range(0, 5).Select(_ => Heard()));
        Assert.Equal(0UL, _buffer.LateOrDuplicate);
    }

    [Fact]
    public void A_hole_in_the_sequence_is_a_loss_of_its_length()
    {
        _buffer = new JitterReader(5);
        foreach (var i in new[] { 0, 1, 2, 4, 5 }) Put(i);
        Assert.Equal([1, 2, 3], Enumerable.Range(0, 3).Select(_ => Heard()));
        Assert.Equal(JitterOutcome.Lost, Take());
        Assert.Equal([5, 6], Enumerable.Range(0, 2).Select(_ => Heard()));
    }

    [Fact]
    public void A_hole_in_the_timestamps_alone_is_silence()
    {
        _buffer = new JitterReader(5);
        for (var i = 0; i < 3; i++) Put(i);
        _buffer.Put(3, 5 * 160, Codes(3));
        for (var i = 0; i < 3; i++) Heard();
        Assert.Equal([JitterOutcome.Empty, JitterOutcome.Empty], [Take(), Take()]);
        Assert.Equal(4, Heard());
    }

    [Fact]
    public void What_comes_late_or_twice_is_counted_and_not_played()
    {
        for (var i = 0; i < 4; i++) Put(i);
        Assert.False(Put(2));
        Heard();
        Assert.False(Put(0));
        Assert.Equal(2UL, _buffer.LateOrDuplicate);
        Assert.Equal([2, 3, 4], Enumerable.Range(0, 3).Select(_ => Heard()));
    }

    [Fact]
    [Trait("RFC", "4733 §2.5.1")]
    public void Events_take_their_place_in_the_sequence_and_are_no_loss()
    {
        for (var i = 0; i < 3; i++) Put(i);
        for (var i = 3; i < 6; i++) _buffer.Put((ushort)i, 3 * 160, []);
        for (var i = 0; i < 3; i++) Heard();
        Assert.Equal(JitterOutcome.Empty, Take());
    }

    [Fact]
    public void A_jump_of_the_sequence_begins_anew()
    {
        for (var i = 0; i < 3; i++) Put(i);
        for (var i = 0; i < 3; i++) _buffer.Put((ushort)(1000 + i), (uint)(777_777 + 160 * i), Codes(i));
        Assert.Equal([1, 2, 3], Enumerable.Range(0, 3).Select(_ => Heard()));
    }

    [Fact]
    public void A_backward_jump_of_the_timestamps_is_played_through()
    {
        for (var i = 0; i < 3; i++) Put(i);
        Heard();
        for (var i = 3; i < 6; i++) _buffer.Put((ushort)i, (uint)(4_000_000_000 + 160 * i), Codes(i));
        Assert.Equal([2, 3, 4, 5, 6], Enumerable.Range(0, 5).Select(_ => Heard()));
    }

    [Fact]
    public void After_running_dry_a_loss_is_told_and_the_target_waited_for_again()
    {
        for (var i = 0; i < 3; i++) Put(i);
        for (var i = 0; i < 3; i++) Heard();
        Assert.Equal(JitterOutcome.Lost, Take());
        Assert.Equal([JitterOutcome.Lost, JitterOutcome.Lost, JitterOutcome.Frame], Enumerable.Range(10, 3).Select(i => PutAndTake(i)));
        Assert.Equal(11, _frame[0]);
    }

    [Fact]
    public void A_burst_does_not_make_the_delay_longer()
    {
        for (var i = 0; i < 40; i++) Put(i);
        Heard();
        Assert.True(_buffer.Count <= 4, $"{_buffer.Count} packets wait");
    }

    [Fact]
    public void A_sender_with_a_faster_clock_loses_packets_instead_of_being_ever_later()
    {
        var sent = 0;
        for (var tick = 0; tick < 2000; tick++)
        {
            Put(sent++);
            if (tick % 20 == 0) Put(sent++);
            Take();
            Assert.InRange(_buffer.Count, 0, 10);
        }
    }

    [Fact]
    public void Sequence_and_timestamp_wrap()
    {
        _buffer = new JitterReader(6);
        for (var i = 0; i < 6; i++) _buffer.Put((ushort)(65533 + i), unchecked((uint)-320 + (uint)(160 * i)), Codes(i));
        Assert.Equal([1, 2, 3, 4, 5, 6], Enumerable.Range(0, 6).Select(_ => Heard()));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(20)]
    [InlineData(30)]
    [InlineData(40)]
    [InlineData(60)]
    public void Packets_of_any_length_give_the_same_samples(int milliseconds)
    {
        var (samples, sent, heard) = (milliseconds * 8, 0, new List<byte>());
        for (var tick = 0; tick < 300; tick++)
        {
            for (; sent * milliseconds <= tick * 20; sent++)
            {
                var start = sent * samples;
                _buffer.Put((ushort)sent, (uint)start, [.. Enumerable.Range(start, samples).Select(n => (byte)(n % 251))]);
            }

            if (_buffer.Take(_frame, Silence) == JitterOutcome.Frame) heard.AddRange(_frame);
        }

        Assert.True(heard.Count > 290 * 160);
        Assert.Equal(Enumerable.Range(0, heard.Count).Select(n => (byte)(n % 251)), heard);
        Assert.Equal(0UL, _buffer.Skipped + _buffer.LateOrDuplicate);
    }

    [Fact]
    public void Whatever_comes_the_buffer_stays_within_its_bounds() =>
        Gen.Select(Gen.UShort, Gen.UInt, Gen.Int[0, 500], Gen.Bool).Array[1, 300].Sample(packets =>
        {
            var (buffer, frame) = (new JitterReader(3), new byte[AudioFrame.Samples]);
            foreach (var (sequence, timestamp, length, near) in packets)
            {
                buffer.Put(near ? (ushort)(sequence % 80) : sequence, near ? timestamp % 20_000 : timestamp, new byte[length]);
                Assert.InRange(buffer.Count, 0, 64);
                if ((sequence & 1) == 0) buffer.Take(frame, Silence);
            }

            for (var i = 0; i < 100_000 && buffer.Count > 0; i++) buffer.Take(frame, Silence);
            Assert.Equal(0, buffer.Count);
        });

    private bool Put(int i) => _buffer.Put((ushort)i, (uint)(160 * i), Codes(i));

    private JitterOutcome Take() => _buffer.Take(_frame, Silence);

    private JitterOutcome PutAndTake(int i)
    {
        Put(i);
        return Take();
    }

    private int Heard()
    {
        Assert.Equal(JitterOutcome.Frame, Take());
        Assert.All(_frame, c => Assert.Equal(_frame[0], c));
        return _frame[0];
    }

    private static byte[] Codes(int i) => [.. Enumerable.Repeat((byte)(i + 1), AudioFrame.Samples)];

    /// <summary>A buffer of G.711 packets, read in frames of octets as a decoder would be given them.</summary>
    private sealed class JitterReader(int target)
    {
        private readonly JitterBuffer _buffer = new(new MixerSettings(target, 50, TimeSpan.FromSeconds(5)), AudioFrame.Samples);
        private readonly List<byte> _left = [];

        public ulong LateOrDuplicate => _buffer.LateOrDuplicate;

        public ulong Skipped => _buffer.Skipped;

        public int Count => _buffer.Count;

        public bool Put(ushort sequence, uint timestamp, byte[] codes) => _buffer.Put(sequence, timestamp, AudioCodec.Pcmu, codes.Length, codes);

        public JitterOutcome Take(byte[] frame, byte silence)
        {
            _buffer.Tick();
            var outcome = _left.Count > 0 ? JitterOutcome.Frame : JitterOutcome.Empty;
            while (_left.Count < frame.Length)
            {
                var next = _buffer.Next(frame.Length - _left.Count, out var part);
                if (next == JitterOutcome.Frame) _left.AddRange(part.Payload[part.Skip..]);
                else _left.AddRange(Enumerable.Repeat(silence, part.Units));
                if (next == JitterOutcome.Frame || outcome == JitterOutcome.Empty) outcome = next;
            }

            _left.CopyTo(0, frame, 0, frame.Length);
            _left.RemoveRange(0, frame.Length);
            return outcome;
        }
    }
}
