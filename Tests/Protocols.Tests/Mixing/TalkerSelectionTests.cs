using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Who is mixed, who is not even decoded, and who has the word.</summary>
public class TalkerSelectionTests
{
    private const int MostTalkers = 2;
    private static readonly ExtensionIds Levels = new(6, Voice: true, 0);
    private static readonly AudioLevel Silent = new(127, false);
    private readonly MixerScene _scene = new(settings: MixerScene.Settings with { MaxTalkers = MostTalkers });

    [Fact]
    [Trait("RFC", "6464 §3")]
    public void A_silent_packet_is_authenticated_and_not_decoded()
    {
        var phones = Conference(2, Levels);
        for (var i = 0; i < 100; i++)
        {
            foreach (var phone in phones) phone.Say(Square(100), Silent);
            _scene.Tick();
        }

        Assert.Equal(100ul, phones[0].Statistics.PacketsReceived);
        Assert.InRange(phones[0].Statistics.Undecoded, 95ul, 98ul);
        Assert.All(phones[1].Heard.Skip(4), p => Assert.All(p.Codes, c => Assert.Equal(0xFF, c)));
    }

    [Fact]
    public void A_level_that_was_not_agreed_on_is_not_looked_at()
    {
        var phones = Conference(2, default);
        for (var i = 0; i < 20; i++)
        {
            phones[0].Extensions = Levels;
            phones[0].Say(Square(8000), Silent);
            _scene.Tick();
        }

        Assert.Equal(0ul, phones[0].Statistics.Undecoded);
        Assert.Equal(Square(8000), phones[1].Heard[^1].Codes);
    }

    [Fact]
    public void Speech_that_begins_after_silence_is_heard_from_its_first_packet()
    {
        var phones = Conference(2, Levels);
        for (var i = 0; i < 50; i++) Say(phones[0], 0);
        for (var i = 0; i < 3; i++) Say(phones[0], 8000);
        for (var i = 0; i < 10; i++) Say(phones[0], 0);
        Assert.Equal(3, phones[1].Heard.Count(p => p.Codes.SequenceEqual(Square(8000))));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_many_who_speak_the_loudest_are_mixed_whether_they_tell_or_not(bool tell)
    {
        var phones = Conference(4, tell ? Levels : default);
        short[] loud = [500, 8000, 0, 4000];
        for (var i = 0; i < 60; i++)
        {
            for (var p = 0; p < 4; p++) Give(phones[p], loud[p]);
            _scene.Tick();
        }

        Assert.Equal(SumOf(8000, 4000), phones[0].Heard[^1].Codes);
        Assert.Equal(SumOf(4000), phones[1].Heard[^1].Codes);
        Assert.Equal(SumOf(8000, 4000), phones[2].Heard[^1].Codes);
        Assert.Equal(SumOf(8000), phones[3].Heard[^1].Codes);
        Assert.Equal(tell, phones[0].Statistics.Undecoded > 50);
        Assert.Equal(0ul, phones[1].Statistics.Undecoded);
    }

    [Fact]
    public void Whoever_is_displaced_is_faded_and_not_cut()
    {
        var phones = Conference(4, Levels);
        for (var i = 0; i < 60; i++)
        {
            Give(phones[0], 1000);
            Give(phones[1], 1000);
            _scene.Tick();
        }

        phones[3].Heard.Clear();
        for (var i = 0; i < 10; i++)
        {
            Give(phones[0], 1000);
            Give(phones[1], 1000);
            Give(phones[2], 30000);
            _scene.Tick();
        }

        var heard = phones[3].Heard.SelectMany(p => p.Codes).Select(c => G711.Decode(AudioCodec.Pcmu, c)).ToArray();
        // While the newcomer's first packets wait, one of the two fades out: no step larger than the wave itself and what a fade adds.
        var quiet = heard.TakeWhile(s => Math.Abs((int)s) < 2500).ToArray();
        Assert.True(quiet.Length >= 160);
        for (var i = 2; i < quiet.Length; i++) Assert.True(Math.Abs(quiet[i] - quiet[i - 2]) < 140, $"a step at {i}: {quiet[i - 2]} to {quiet[i]}");
    }

    [Fact]
    [Trait("RFC", "6464 §6")]
    public void Whoever_claims_to_shout_and_sends_silence_holds_its_place_for_a_second_at_most()
    {
        var phones = Conference(3, Levels);
        for (var i = 0; i < 300; i++)
        {
            phones[0].Say(Square(0), new AudioLevel(0, true));
            phones[1].Say(Square(0), new AudioLevel(0, true));
            Give(phones[2], 2000);
            _scene.Tick();
            if (i == 40) Assert.All(phones[0].Heard[^1].Codes, c => Assert.Equal(0xFF, c));
        }

        Assert.Equal(Square(2000), phones[0].Heard[^1].Codes);
    }

    [Fact]
    public void Whoever_speaks_has_the_word_and_loses_it_with_the_leg()
    {
        var phones = Conference(3, Levels);
        Assert.Null(_scene.Mixer.Speaker);
        for (var i = 0; i < 60; i++) Say(phones[1], 5000);
        Assert.Equal(phones[1].Id, _scene.Mixer.Speaker);
        Assert.True(_scene.Mixer.TakeSpeakerChange());
        Assert.False(_scene.Mixer.TakeSpeakerChange());
        _scene.Mixer.CloseLeg(phones[1].Id);
        for (var i = 0; i < 3; i++) _scene.Tick();
        Assert.Null(_scene.Mixer.Speaker);
        Assert.True(_scene.Mixer.TakeSpeakerChange());
    }

    [Fact]
    public void Choosing_among_many_talkers_allocates_nothing()
    {
        var phones = Conference(10, Levels);
        var packets = phones.Select((p, n) => Enumerable.Range(0, 600).Select(i => p.Packet(Square(8000), new AudioLevel((byte)((i * (n + 3)) % 60), true))).ToArray())
            .ToArray();
        for (var t = 0; t < 200; t++) Run(t);
        _scene.Sent.Clear();
        var sink = new Nowhere();
        var now = _scene.Now;
        for (var t = 200; t < 300; t++) Tick(t);
        // The runtime may put something of its own on this thread once, when it compiles a method anew.
        Assert.Equal(0, new[] { 300, 400, 500 }.Min(AllocatedFrom));

        long AllocatedFrom(int first)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var t = first; t < first + 100; t++) Tick(t);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        void Run(int t)
        {
            for (var i = 0; i < phones.Length; i++) _scene.Mixer.Receive(phones[i].Slot, false, packets[i][t], phones[i].Address, _scene.Now);
            _scene.Tick();
        }

        void Tick(int t)
        {
            for (var i = 0; i < phones.Length; i++) _scene.Mixer.Receive(phones[i].Slot, false, packets[i][t], phones[i].Address, now);
            _scene.Mixer.Tick(now, sink);
            now += AudioFrame.Duration;
        }
    }

    private MixerPhone[] Conference(int count, ExtensionIds extensions)
    {
        var phones = _scene.Conference(count);
        foreach (var phone in phones)
        {
            phone.Extensions = extensions;
            phone.Renegotiate();
        }

        return phones;
    }

    private void Say(MixerPhone phone, short amplitude)
    {
        Give(phone, amplitude);
        _scene.Tick();
    }

    private static void Give(MixerPhone phone, short amplitude)
    {
        var codes = Square(amplitude);
        if (phone.Extensions.AudioLevel == 0) phone.Say(codes);
        else phone.Say(codes, new AudioLevel(AudioLevel.Of(codes.Select(c => G711.Decode(AudioCodec.Pcmu, c)).ToArray()), amplitude != 0));
    }

    private static byte[] Square(short amplitude) =>
        [.. Enumerable.Range(0, 160).Select(i => G711.Encode(AudioCodec.Pcmu, i % 2 == 0 ? amplitude : (short)-amplitude))];

    private static IEnumerable<byte> SumOf(params short[] amplitudes)
    {
        var frames = amplitudes.Select(a => Square(a).Select(c => (int)G711.Decode(AudioCodec.Pcmu, c)).ToArray()).ToArray();
        return Enumerable.Range(0, 160).Select(i => G711.Encode(AudioCodec.Pcmu, (short)Math.Clamp(frames.Sum(f => f[i]), short.MinValue, short.MaxValue)));
    }

    private sealed class Nowhere : IMediaSink
    {
        public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
        {
        }
    }
}
