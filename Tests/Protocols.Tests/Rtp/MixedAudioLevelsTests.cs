using ConfCluster.Protocols.Rtp;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Rtp;

public class MixedAudioLevelsTests
{
    private static readonly Ssrc Mixer = new(0x4D495852);

    [Fact]
    [Trait("RFC", "6465 §4")]
    public void Three_levels_look_as_in_the_RFC_s_figure()
    {
        var packet = new byte[60];
        var length = MixedAudioLevels.Write(packet, false, 0, 1, 2, Mixer, [new(10), new(11), new(12)], 7, [1, 2, 127]);
        Assert.Equal(12 + 12 + 8, length);
        Assert.Equal([0xBE, 0xDE, 0, 1, 0x72, 1, 2, 127], packet[24..length]);
        Assert.Equal(0x93, packet[0]);
    }

    [Fact]
    [Trait("RFC", "6465 §3")]
    public void Levels_are_read_in_the_order_of_the_sources() =>
        Gen.Select(Gen.Byte[1, 14], Gen.Select(Gen.UInt, Gen.Byte[0, 127]).Array[0, RtpHeader.MaxCsrcs]).Sample((id, sources) =>
        {
            var packet = new byte[MixedAudioLevels.LongestHeader(sources.Length)];
            var length = MixedAudioLevels.Write(
                packet, true, 9, 3, 4, Mixer, sources.Select(s => new Ssrc(s.Item1)).ToArray(), id, sources.Select(s => s.Item2).ToArray());
            return length == packet.Length && RtpHeader.TryRead(packet, out var header, out _) && header.Length == length
                && !MixedAudioLevels.TryRead(header, packet, id, sources.Length, out _)
                && Enumerable.Range(0, sources.Length).All(i =>
                    header.Csrc(packet, i).Value == sources[i].Item1 && MixedAudioLevels.TryRead(header, packet, id, i, out var level) && level == sources[i].Item2);
        });

    [Fact]
    public void Without_an_identifier_there_are_sources_only()
    {
        var packet = new byte[60];
        Assert.Equal(16, MixedAudioLevels.Write(packet, false, 0, 1, 2, Mixer, [new(10)], 0, []));
        Assert.True(RtpHeader.TryRead(packet, out var header, out _));
        Assert.False(header.HasExtension);
        Assert.False(MixedAudioLevels.TryRead(header, packet, 7, 0, out _));
    }

    [Fact]
    public void A_count_that_is_not_the_sources_is_refused_and_not_read()
    {
        var packet = new byte[60];
        Assert.Throws<ArgumentException>(() => MixedAudioLevels.Write(packet, false, 0, 1, 2, Mixer, [new(10), new(11)], 7, [1]));
        var length = HeaderExtensions.Append(packet, RtpHeader.Write(packet, false, 0, 1, 2, Mixer, [new(10), new(11)]), 7, [1]);
        Assert.True(RtpHeader.TryRead(packet.AsSpan(0, length), out var header, out _));
        Assert.False(MixedAudioLevels.TryRead(header, packet, 7, 0, out _));
    }
}
