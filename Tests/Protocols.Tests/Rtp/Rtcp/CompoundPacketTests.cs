using System.Text;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Support;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Rtp.Rtcp;

public class CompoundPacketTests
{
    private static readonly Ssrc Ours = new(0x11223344);
    private static readonly Ssrc Theirs = new(0x55667788);

    [Fact]
    [Trait("RFC", "3550 §6.1")]
    public void A_report_a_description_and_a_goodbye_are_read_as_they_were_written()
    {
        var report = new SenderReport(Ours, new NtpTime(1, 2), 3, 4, 5);
        var block = new ReportBlock(Theirs, 6, -7, 8, 9, 10, 11);
        var bytes = Compound(report, block, "focus@example.org");
        Assert.Equal(RtcpError.None, CompoundPacket.Validate(bytes));

        var packets = new CompoundPacket(bytes);
        Assert.True(packets.Next(out var first));
        Assert.Equal(report, SenderReport.Read(first));
        Assert.True(ReceiverReport.TryFind(first, Theirs, out var found));
        Assert.Equal(block, found);
        Assert.False(ReceiverReport.TryFind(first, Ours, out _));
        Assert.True(packets.Next(out var second));
        Assert.True(SourceDescription.TryCname(second, Ours, out var cname));
        Assert.Equal("focus@example.org", Encoding.UTF8.GetString(cname));
        Assert.False(SourceDescription.TryCname(second, Theirs, out _));
        Assert.True(packets.Next(out var third));
        Assert.True(Goodbye.Names(third, Ours));
        Assert.False(Goodbye.Names(third, Theirs));
        Assert.False(packets.Next(out _));
    }

    [Fact]
    [Trait("RFC", "3550 §6.4.1")]
    public void A_report_block_is_read_as_it_was_written() =>
        Gen.Select(Gen.UInt, Gen.Byte, Gen.Int[-0x80_0000, 0x7F_FFFF], Gen.UInt, Gen.UInt, Gen.UInt, Gen.UInt)
            .Sample((source, fraction, lost, highest, jitter, last, delay) =>
            {
                var block = new ReportBlock(new Ssrc(source), fraction, lost, highest, jitter, last, delay);
                var bytes = new byte[ReportBlock.Length];
                block.Write(bytes);
                return ReportBlock.Read(bytes) == block;
            });

    [Fact]
    [Trait("RFC", "3550 §6.5.1")]
    public void A_CNAME_of_any_length_ends_at_a_word_boundary() =>
        Gen.Byte.Sample(length =>
        {
            var (bytes, name) = (new byte[512], new byte[length]);
            name.AsSpan().Fill((byte)'a');
            var written = ReceiverReport.Write(bytes, Ours, null);
            written += SourceDescription.Write(bytes.AsSpan(written), Ours, name);
            if (written % 4 != 0 || CompoundPacket.Validate(bytes.AsSpan(0, written)) != RtcpError.None) return false;
            var packets = new CompoundPacket(bytes.AsSpan(0, written));
            packets.Next(out _);
            packets.Next(out var description);
            return SourceDescription.TryCname(description, Ours, out var read) && read.SequenceEqual(name);
        });

    [Fact]
    public void A_CNAME_is_found_behind_other_chunks_and_other_items()
    {
        // Chunk 1: another source with a NAME item. Chunk 2: ours, with a TOOL item before the CNAME.
        byte[] chunks =
        [
            0x55, 0x66, 0x77, 0x88, 2, 3, (byte)'b', (byte)'o', (byte)'b', 0, 0, 0,
            0x11, 0x22, 0x33, 0x44, 6, 1, (byte)'t', 1, 2, (byte)'m', (byte)'e', 0,
        ];
        var description = new RtcpPacket(RtcpType.SourceDescription, 2, [0x82, 202, 0, 6, .. chunks]);
        Assert.True(SourceDescription.TryCname(description, Ours, out var cname));
        Assert.Equal("me", Encoding.UTF8.GetString(cname));
        Assert.False(SourceDescription.TryCname(description, Theirs, out _));
        for (var length = 4; length < 4 + chunks.Length; length++)
        {
            var cut = new RtcpPacket(RtcpType.SourceDescription, 2, description.Bytes[..length]);
            if (SourceDescription.TryCname(cut, Ours, out var found)) Assert.Equal("me", Encoding.UTF8.GetString(found));
        }
    }

    [Fact]
    [Trait("RFC", "3550 §A.2")]
    public void A_compound_cut_inside_a_packet_is_refused_and_reads_the_same_inside_a_larger_buffer()
    {
        var whole = Compound(new SenderReport(Ours, new NtpTime(1, 2), 3, 4, 5), default(ReportBlock), "a");
        Assert.Equal(RtcpError.None, CompoundPacket.Validate(Fragments.InsideALargerBuffer(whole).Span));
        var ends = new List<int>();
        var packets = new CompoundPacket(whole);
        for (var end = 0; packets.Next(out var packet);) ends.Add(end += packet.Bytes.Length);
        foreach (var cut in Fragments.CutAtEveryLength(whole))
            Assert.Equal(ends.Contains(cut.Length), CompoundPacket.Validate(cut) == RtcpError.None);
    }

    [Fact]
    [Trait("RFC", "3550 §A.2")]
    public void What_is_no_compound_packet_is_refused_by_name()
    {
        Assert.Equal(RtcpError.NotAReportFirst, Changed(1, (byte)RtcpType.Goodbye));
        Assert.Equal(RtcpError.BadVersion, Changed(0, 0x40));
        Assert.Equal(RtcpError.BadPadding, Changed(0, 0xA0));
        Assert.Equal(RtcpError.BadLength, Changed(3, 0xFF));
        Assert.Equal(RtcpError.BadLength, Changed(0, 0x9F));
    }

    [Theory]
    [InlineData(4, RtcpError.None)]
    [InlineData(0, RtcpError.BadPadding)]
    [InlineData(3, RtcpError.BadPadding)]
    [InlineData(8, RtcpError.BadLength)]
    [Trait("RFC", "3550 §6.4.1")]
    public void The_padding_of_the_last_packet_is_whole_words_and_leaves_the_packet_whole(byte padding, RtcpError expected)
    {
        var bytes = new byte[ReceiverReport.FixedLength + 4];
        ReceiverReport.Write(bytes, Ours, null);
        bytes[0] |= 0x20;
        bytes[3]++;
        bytes[^1] = padding;
        Assert.Equal(expected, CompoundPacket.Validate(bytes));
    }

    [Fact]
    public void Whatever_passes_the_check_is_walked_to_its_end() =>
        Gen.Select(Gen.Int[0, 3], Gen.Byte[200, 204].Array[0, 4], Gen.Byte.Array[0, 200]).Sample((blocks, types, noise) =>
        {
            var bytes = new byte[noise.Length / 4 * 4];
            noise.AsSpan(0, bytes.Length).CopyTo(bytes);
            for (int at = 0, i = 0; at + 4 <= bytes.Length && i < types.Length; i++)
            {
                var words = Math.Min(bytes[at + 3] % 16, (bytes.Length - at) / 4 - 1);
                (bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]) = ((byte)(0x80 | blocks), types[i], 0, (byte)words);
                at += 4 * (words + 1);
            }

            if (CompoundPacket.Validate(bytes) != RtcpError.None) return;
            var packets = new CompoundPacket(bytes);
            while (packets.Next(out var packet))
            {
                if (packet.Type is RtcpType.SenderReport or RtcpType.ReceiverReport) ReceiverReport.TryFind(packet, Ours, out _);
                if (packet.Type == RtcpType.SourceDescription) SourceDescription.TryCname(packet, Ours, out _);
                if (packet.Type == RtcpType.Goodbye) Goodbye.Names(packet, Ours);
            }
        });

    private static RtcpError Changed(int at, byte value)
    {
        var bytes = Compound(new SenderReport(Ours, new NtpTime(1, 2), 3, 4, 5), null, "a");
        bytes[at] = value;
        return CompoundPacket.Validate(bytes);
    }

    private static byte[] Compound(SenderReport report, ReportBlock? block, string cname)
    {
        var bytes = new byte[512];
        var length = report.Write(bytes, block);
        length += SourceDescription.Write(bytes.AsSpan(length), report.Ssrc, Encoding.UTF8.GetBytes(cname));
        length += Goodbye.Write(bytes.AsSpan(length), report.Ssrc);
        return bytes[..length];
    }
}
