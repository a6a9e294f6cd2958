using ConfCluster.Actors.Media.Opus;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Actors.Tests.Media;

/// <summary>The system's libopus behind our interface. Without the library there is nothing to test but that it is not offered.</summary>
public class OpusTests
{
    private const int Frame = 960;
    private const int Rate = 48_000;

    [Fact]
    [Trait("RFC", "6716 §3.1")]
    public void A_tone_comes_through_and_every_packet_says_that_it_is_20_ms()
    {
        if (!SystemCodecs.Found.Has(AudioCodec.Opus)) return;
        var packets = Encode(Pcm.Tone(1, Rate, -12, 1000));
        Assert.All(packets, p => Assert.Equal(Frame, OpusPacket.Duration(p)));
        Assert.True(Share(Decode(packets, lost: []), 1000) > 0.95);
    }

    [Fact]
    [Trait("RFC", "6716 §2.1.7")]
    public void A_lost_packet_is_repaired_by_the_copy_in_the_next_one()
    {
        if (!SystemCodecs.Found.Has(AudioCodec.Opus)) return;
        var packets = Encode(Voice(3));
        int[] lost = [.. Enumerable.Range(3, 20).Select(i => 6 * i)];
        var whole = Decode(packets, lost: []);
        var repaired = Decode(packets, lost, repair: true);
        var concealed = Decode(packets, lost, repair: false);
        Assert.Equal(whole.Length, repaired.Length);
        Assert.True(Difference(whole, repaired, lost) < Difference(whole, concealed, lost));
    }

    [Fact]
    [Trait("RFC", "6716 §4.4")]
    public void Concealment_goes_over_into_silence_and_never_ends_in_noise()
    {
        if (!SystemCodecs.Found.Has(AudioCodec.Opus)) return;
        using var decoder = SystemCodecs.Found.CreateDecoder(AudioCodec.Opus);
        var frame = new short[6 * Frame];
        Assert.Equal(0, decoder.Conceal(frame.AsSpan(0, Frame)));
        foreach (var packet in Encode(Pcm.Tone(0.5, Rate, -12, 500))) Assert.Equal(Frame, decoder.Decode(packet, frame));
        Assert.True(decoder.Conceal(frame.AsSpan(0, Frame)) > 0);
        for (var i = 0; i < 10; i++) decoder.Conceal(frame.AsSpan(0, 700));
        Assert.Equal(0, decoder.Conceal(frame.AsSpan(0, Frame)));
        Assert.All(frame[..Frame], s => Assert.Equal(0, s));
    }

    [Fact]
    public void What_is_no_packet_changes_nothing()
    {
        if (!SystemCodecs.Found.Has(AudioCodec.Opus)) return;
        using var decoder = SystemCodecs.Found.CreateDecoder(AudioCodec.Opus);
        Assert.Equal(-1, decoder.Decode([0xFF], new short[6 * Frame]));
        Assert.Equal(-1, decoder.Decode([0x03, 0x00], new short[6 * Frame]));
    }

    [Fact]
    public void Without_the_library_opus_is_neither_to_be_had_nor_offered()
    {
        Assert.False(AudioCodecs.Managed.Has(AudioCodec.Opus));
        Assert.Equal<AudioCodec>([AudioCodec.G722, AudioCodec.Pcmu], AudioCodecs.Managed.Only([AudioCodec.Opus, AudioCodec.G722, AudioCodec.Pcmu]));
        Assert.Throws<InvalidOperationException>(() => AudioCodecs.Managed.CreateEncoder(AudioCodec.Opus));
    }

    /// <summary>Harmonics of a gliding pitch in syllables: nothing that concealment could foresee.</summary>
    private static short[] Voice(double seconds)
    {
        var (samples, phase) = (new short[(int)(seconds * Rate)], 0.0);
        for (var i = 0; i < samples.Length; i++)
        {
            var t = i / (double)Rate;
            phase += 2 * Math.PI * (140 + 60 * Math.Sin(2 * Math.PI * 2.3 * t)) / Rate;
            var loud = Math.Max(0, Math.Sin(2 * Math.PI * 4.1 * t));
            samples[i] = (short)(3000 * loud * Enumerable.Range(1, 14).Sum(h => Math.Sin(h * phase) / Math.Sqrt(h)));
        }

        return samples;
    }

    private static List<byte[]> Encode(short[] samples)
    {
        using var encoder = SystemCodecs.Found.CreateEncoder(AudioCodec.Opus);
        var (packets, payload) = (new List<byte[]>(), new byte[480]);
        for (var i = 0; i + Frame <= samples.Length; i += Frame) packets.Add(payload[..encoder.Encode(samples.AsSpan(i, Frame), payload)]);
        return packets;
    }

    private static short[] Decode(List<byte[]> packets, int[] lost, bool repair = false)
    {
        using var decoder = SystemCodecs.Found.CreateDecoder(AudioCodec.Opus);
        var (samples, frame) = (new List<short>(), new short[6 * Frame]);
        for (var i = 0; i < packets.Count; i++)
        {
            if (!lost.Contains(i)) Assert.Equal(Frame, decoder.Decode(packets[i], frame));
            else if (repair) Assert.Equal(Frame, ((IRepairingDecoder)decoder).Recover(packets[i + 1], frame.AsSpan(0, Frame)));
            else Assert.Equal(Frame, decoder.Conceal(frame.AsSpan(0, Frame)));
            samples.AddRange(frame[..Frame]);
        }

        return [.. samples];
    }

    private static double Difference(short[] a, short[] b, int[] frames) =>
        frames.Sum(f => Enumerable.Range(f * Frame, Frame).Sum(i => Math.Pow(a[i] - b[i], 2)));

    private static double Share(short[] samples, double hertz)
    {
        double s = 0, c = 0, total = 0;
        for (var i = samples.Length / 2; i < samples.Length; i++)
        {
            var (sin, cos) = Math.SinCos(2 * Math.PI * hertz * i / Rate);
            (s, c, total) = (s + samples[i] * sin, c + samples[i] * cos, total + (double)samples[i] * samples[i]);
        }

        return 2 * (s * s + c * c) / (samples.Length / 2.0 * total);
    }
}
