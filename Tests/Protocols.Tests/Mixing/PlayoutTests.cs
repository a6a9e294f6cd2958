using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Tests.Codecs;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class PlayoutTests
{
    private static readonly MixerSettings Adaptive = new(3, 50, TimeSpan.FromSeconds(5)) { MinJitterPackets = 2, MaxJitterPackets = 15 };

    [Fact]
    [Trait("RFC", "3550 §6.4.1")]
    public void On_a_steady_network_the_delay_goes_down_to_its_least_without_a_click()
    {
        var run = new Run(Adaptive, _ => 0);
        run.Until(40);
        Assert.Equal(40, run.Delays[10]);
        Assert.InRange(run.Delays[^1], 0, 40);
        Assert.Equal(20, run.TargetDelay);
        run.AssertSmooth(from: 200);
    }

    [Fact]
    public void A_late_packet_makes_the_delay_longer_at_once_and_the_next_one_as_late_is_in_time()
    {
        // One packet in 50 comes 100 ms late.
        var run = new Run(Adaptive, i => i > 100 && i % 50 == 0 ? 5 : 0);
        run.Until(165);
        Assert.True(run.Delays[164] >= 100 && run.Delays[140] <= 40, $"{run.Delays[140]} to {run.Delays[164]} ms");
        var late = run.Playout.LateOrDuplicate;
        run.Until(900);
        Assert.Equal(late, run.Playout.LateOrDuplicate);
        Assert.True(run.Outcomes.Skip(170).All(o => o == PlayoutOutcome.Decoded));
    }

    [Fact]
    public void After_a_rough_time_the_delay_shrinks_slowly_and_what_is_heard_stays_smooth()
    {
        var random = new[] { 0, 3, 1, 4, 0, 2, 5, 1, 0, 3, 2 };
        var run = new Run(Adaptive, i => i < 500 ? random[i * 7 % random.Length] : 0);
        run.Until(500);
        var rough = run.Delays[^1];
        run.Until(2500);
        Assert.InRange(rough, 80, 300);
        Assert.InRange(run.Delays[^1], 0, 60);
        Assert.True(run.Delays[750] >= 60, $"{run.Delays[750]} ms five seconds later");
        run.AssertSmooth(from: 600);
        var missing = Enumerable.Range(100, 2400).Where(t => run.Outcomes[t] != PlayoutOutcome.Decoded).ToArray();
        Assert.True(missing.Length < 25, $"{missing.Length}: {string.Join(' ', missing)}");
    }

    [Fact]
    public void Nothing_is_ever_waited_for_longer_than_the_most()
    {
        var run = new Run(Adaptive, i => i == 200 ? 40 : 0);
        run.Until(600);
        Assert.True(run.Delays.Max() <= 320, $"{run.Delays.Max()} ms");
    }

    [Theory]
    [InlineData(AudioCodec.Pcmu, 160)]
    [InlineData(AudioCodec.G722, 320)]
    public void A_tone_in_each_codec_is_heard_at_its_rate(AudioCodec codec, int samples)
    {
        var (playout, encoder) = (new Playout(new MixerSettings(2, 50, TimeSpan.FromSeconds(5))), AudioCodecs.Managed.CreateEncoder(codec));
        var tone = Signals.Tone(700, 50 * samples, 50 * samples, 8000);
        var heard = new List<short>();
        var payload = new byte[160];
        for (var i = 0; i < 50; i++)
        {
            var length = encoder.Encode(tone.AsSpan(i * samples, samples), payload);
            Assert.True(playout.Put((ushort)i, (uint)(160 * i), codec, payload.AsSpan(0, length)));
            if (playout.Take() == PlayoutOutcome.Decoded) heard.AddRange(playout.Frame.AtRate(50 * samples));
        }

        Assert.True(Signals.ToneToRest(heard.Skip(samples).ToArray(), 700, 50 * samples) > 30);
    }

    [Fact]
    [Trait("RFC", "3389 §4")]
    public void A_pause_that_was_announced_is_filled_with_noise_until_the_talker_goes_on()
    {
        var playout = new Playout(new MixerSettings(2, 50, TimeSpan.FromSeconds(5)));
        var loud = new List<double>();
        for (var i = 0; i < 60; i++)
        {
            if (i is < 20 or >= 40) playout.Put((ushort)(i < 20 ? i : i - 19), (uint)(160 * i), AudioCodec.Pcma, new byte[160]);
            if (i == 20) playout.Put(20, 160 * 20, null, [40]);
            var outcome = playout.Take();
            loud.Add(outcome == PlayoutOutcome.Silent ? -200 : Signals.Level(playout.Frame.AtRate(8000), 32_768 * Math.Sqrt(2)));
        }

        Assert.InRange(loud[30], -42, -38);
        Assert.True(loud[50] > -20 || loud[50] < -43, $"{loud[50]:F1}");
    }

    [Fact]
    public void A_codec_with_another_clock_begins_anew_and_no_packet_of_it_is_taken_for_another()
    {
        var playout = new Playout(Adaptive);
        Assert.False(playout.Put(1, 0, AudioCodec.Opus, []));
        Assert.True(playout.Put(2, 0, AudioCodec.Pcmu, new byte[160]));
        Assert.False(playout.Put(3, 160, AudioCodec.Pcmu, new byte[1000]));
        Assert.Equal(PlayoutOutcome.Silent, playout.Take());
    }

    /// <summary>A tone of 200 Hz over a network that delays packet i by so many ticks.</summary>
    private sealed class Run(MixerSettings settings, Func<int, int> lateness)
    {
        private const int Amplitude = 8000;
        private readonly List<short> _heard = [];
        private readonly Dictionary<int, List<int>> _arrivals = [];
        private int _tick;

        public Playout Playout { get; } = new(settings);

        public List<int> Delays { get; } = [];

        public List<PlayoutOutcome> Outcomes { get; } = [];

        public int TargetDelay => 20 * (settings.MinJitterPackets - 1);

        /// <param name="ticks">For less than 50 it is seconds.</param>
        public void Until(int ticks)
        {
            if (ticks < 50) ticks *= 50;
            for (; _tick < ticks; _tick++)
            {
                var at = _tick + lateness(_tick);
                if (!_arrivals.TryGetValue(at, out var list)) _arrivals[at] = list = [];
                list.Add(_tick);
                if (_arrivals.Remove(_tick, out var now))
                    foreach (var i in now)
                        Playout.Put((ushort)i, (uint)(160 * i), AudioCodec.Pcmu, Packet(i));
                Outcomes.Add(Playout.Take());
                _heard.AddRange(Playout.Frame.AtRate(8000));
                Delays.Add((int)Playout.Delay.TotalMilliseconds);
            }
        }

        public void AssertSmooth(int from)
        {
            var bound = 3 * Amplitude * 2 * Math.PI * 200 / 8000;
            for (var i = from * 160; i < _heard.Count; i++)
                Assert.True(Math.Abs(_heard[i] - _heard[i - 1]) <= bound, $"a step of {_heard[i] - _heard[i - 1]} in tick {i / 160}");
        }

        private static byte[] Packet(int i) =>
            [.. Enumerable.Range(160 * i, 160).Select(n => G711.Encode(AudioCodec.Pcmu, (short)(Amplitude * Math.Sin(2 * Math.PI * 200 * n / 8000))))];
    }
}
