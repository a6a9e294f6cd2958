using ConfCluster.Protocols.Rtp;
using ConfCluster.Support;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Rtp;

public class RtpHeaderTests
{
    private static readonly Ssrc[] Csrcs = [new(0xAABBCCDD), new(0x01020304)];

    [Fact]
    [Trait("RFC", "3550 §5.1")]
    public void A_header_is_read_as_it_was_written() =>
        Gen.Select(Gen.Bool, Gen.Byte[0, 127], Gen.UShort, Gen.UInt, Gen.UInt, Gen.UInt.Array[0, RtpHeader.MaxCsrcs])
            .Sample((marker, type, sequence, timestamp, ssrc, csrcs) =>
            {
                var sources = csrcs.Select(c => new Ssrc(c)).ToArray();
                var packet = new byte[RtpHeader.FixedLength + 4 * sources.Length];
                if (RtpHeader.Write(packet, marker, type, sequence, timestamp, new Ssrc(ssrc), sources) != packet.Length) return false;
                if (!RtpHeader.TryRead(packet, out var header, out _)) return false;
                return header == new RtpHeader(
                        marker, false, type, sequence, timestamp, new Ssrc(ssrc), packet.Length, (byte)sources.Length, HasExtension: false)
                    && Enumerable.Range(0, sources.Length).All(i => header.Csrc(packet, i) == sources[i]);
            });

    [Fact]
    public void A_header_cut_anywhere_is_truncated_and_reads_the_same_inside_a_larger_buffer()
    {
        var whole = WithExtension();
        Assert.True(RtpHeader.TryRead(whole, out var header, out _));
        Assert.Equal(whole.Length, header.Length);
        Assert.True(RtpHeader.TryRead(Fragments.InsideALargerBuffer(whole).Span, out var inside, out _));
        Assert.Equal(header, inside);
        foreach (var cut in Fragments.CutAtEveryLength(whole))
        {
            Assert.False(RtpHeader.TryRead(cut, out _, out var error));
            Assert.Equal(RtpError.Truncated, error);
        }
    }

    [Fact]
    [Trait("RFC", "3550 §5.3.1")]
    public void The_extension_lies_between_the_contributing_sources_and_the_payload()
    {
        var packet = WithExtension();
        Assert.True(RtpHeader.TryRead(packet, out var header, out _));
        Assert.True(header.TryExtension(packet, out var profile, out var words));
        Assert.Equal(0xBEDE, profile);
        Assert.Equal([1, 2, 3, 4], words.ToArray());
        Assert.Equal(Csrcs[1], header.Csrc(packet, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => header.Csrc(packet, 2));
    }

    [Fact]
    public void A_packet_without_extension_has_none()
    {
        var packet = new byte[RtpHeader.FixedLength];
        RtpHeader.Write(packet, false, 0, 1, 2, new Ssrc(3));
        Assert.True(RtpHeader.TryRead(packet, out var header, out _));
        Assert.False(header.TryExtension(packet, out _, out _));
    }

    [Fact]
    public void Another_version_is_refused()
    {
        var packet = WithExtension();
        foreach (var version in (int[])[0, 1, 3])
        {
            packet[0] = (byte)(version << 6 | packet[0] & 0x3F);
            Assert.False(RtpHeader.TryRead(packet, out _, out var error));
            Assert.Equal(RtpError.BadVersion, error);
        }
    }

    [Fact]
    public void A_header_names_no_more_than_15_sources() =>
        Assert.Throws<ArgumentException>(() => RtpHeader.Write(new byte[128], false, 0, 0, 0, new Ssrc(1), new Ssrc[16]));

    [Theory]
    [InlineData(1, 19)]
    [InlineData(20, 0)]
    [InlineData(0, -1)]
    [InlineData(21, -1)]
    [Trait("RFC", "3550 §5.1")]
    public void Padding_is_taken_off_and_nonsense_refused(byte padding, int left)
    {
        var packet = new byte[RtpHeader.FixedLength + 20];
        RtpHeader.Write(packet, false, 0, 1, 2, new Ssrc(3));
        packet[0] |= 0x20;
        packet[^1] = padding;
        Assert.True(RtpHeader.TryRead(packet, out var header, out _));
        Assert.Equal(left >= 0, header.TryPayload(packet, out var payload));
        if (left >= 0) Assert.Equal(left, payload.Length);
    }

    [Fact]
    public void A_padded_packet_without_payload_is_refused()
    {
        var packet = new byte[RtpHeader.FixedLength];
        RtpHeader.Write(packet, false, 0, 1, 2, new Ssrc(3));
        packet[0] |= 0x20;
        Assert.True(RtpHeader.TryRead(packet, out var header, out _));
        Assert.False(header.TryPayload(packet, out _));
    }

    [Fact]
    [Trait("RFC", "5761 §4")]
    public void Payload_types_64_to_95_with_the_marker_are_RTCP_and_no_others()
    {
        for (var second = 0; second < 256; second++)
            Assert.Equal(second is >= 192 and <= 223, RtpHeader.LooksLikeRtcp([0x80, (byte)second]));
        Assert.False(RtpHeader.LooksLikeRtcp([0x80]));
    }

    /// <summary>Two CSRCs and an extension of one word.</summary>
    private static byte[] WithExtension()
    {
        var packet = new byte[RtpHeader.FixedLength + 8 + 8];
        var length = RtpHeader.Write(packet, true, 96, 7, 1000, new Ssrc(0x11223344), Csrcs);
        packet[0] |= 0x10;
        new byte[] { 0xBE, 0xDE, 0, 1, 1, 2, 3, 4 }.CopyTo(packet, length);
        return packet;
    }
}
