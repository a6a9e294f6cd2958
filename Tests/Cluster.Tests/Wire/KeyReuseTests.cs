using System.Buffers.Binary;
using System.Net;
using Xunit;

namespace ConfCluster.Cluster.Tests.Wire;

/// <summary>The judge of K6 finds what is planted, and nothing else.</summary>
public sealed class KeyReuseTests
{
    private static readonly IPEndPoint Old = IPEndPoint.Parse("127.0.0.2:40000");
    private static readonly IPEndPoint New = IPEndPoint.Parse("127.0.0.3:40002");
    private static readonly IPEndPoint Phone = IPEndPoint.Parse("127.0.0.1:50000");
    private static readonly IPEndPoint Other = IPEndPoint.Parse("127.0.0.1:50002");

    [Fact]
    public void A_packet_that_several_are_sent_is_no_reuse()
    {
        var seen = Seen((Old, Phone, Rtp(7, 100, mki: 3)), (Old, Other, Rtp(7, 100, mki: 3)), (Old, Phone, Rtp(7, 101, mki: 3)), (Old, Other, Report(7, 4, mki: 3)));
        Assert.Equal((3, 1, 4, 1), (seen.Srtp, seen.Srtcp, seen.Named, seen.Shared));
        Assert.Empty(seen.Reuses.Concat(seen.Replays).Concat(seen.Unread));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_index_that_another_mixer_uses_again_for_somebody_else_is_found(bool rtcp)
    {
        var seen = Seen((Old, Phone, Packet(rtcp, 7, 100, mki: 3)), (New, Other, Packet(rtcp, 7, 100, mki: 3, fill: 1)));
        Assert.Contains($"{(rtcp ? "SRTCP" : "SRTP")} 100 of 00000007 under MKI 00000003: {Old} to {Phone}", Assert.Single(seen.Reuses), StringComparison.Ordinal);
    }

    [Fact]
    public void What_mixers_send_each_other_is_judged_by_its_SSRC_and_either_end()
    {
        var third = IPEndPoint.Parse("127.0.0.4:40004");
        var seen = Seen((Old, New, Between(7, 100)), (Old, third, Between(7, 100)), (Old, New, Between(7, 101)), (New, Old, Between(8, 100, fill: 1)));
        Assert.Equal((0, 4), (seen.Srtp, seen.Between));
        Assert.Empty(seen.Reuses.Concat(seen.Replays).Concat(seen.Unread));
        foreach (var (from, to) in new[] { (Old, third), (third, New), (Old, New) })
            Assert.Contains("between mixers", Assert.Single(Seen((Old, New, Between(7, 100)), (from, to, Between(7, 100, fill: 1))).Reuses), StringComparison.Ordinal);

        // Of another conference, whose keys have nothing to do with these.
        Assert.Empty(Seen((Old, New, Between(7, 100)), (third, Other, Between(7, 100, fill: 1))).Reuses);
    }

    [Fact]
    public void A_header_that_differs_is_enough()
    {
        var marked = Rtp(7, 100, mki: 3);
        marked[1] |= 0x80;
        Assert.Single(Seen((Old, Phone, Rtp(7, 100, mki: 3)), (Old, Other, marked)).Reuses);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_same_index_under_another_key_is_no_reuse_and_a_replay_for_who_gets_both(bool rtcp)
    {
        var seen = Seen((Old, Phone, Packet(rtcp, 7, 100, mki: 3)), (Old, Other, Packet(rtcp, 7, 100, mki: 4, fill: 1)));
        Assert.Empty(seen.Reuses.Concat(seen.Replays));
        seen = Seen((Old, Phone, Packet(rtcp, 7, 100, mki: 3)), (Old, Phone, Packet(rtcp, 7, 100, mki: 4, fill: 1)));
        Assert.Empty(seen.Reuses);
        Assert.Single(seen.Replays);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_MKI_the_receiver_tells_keys_apart(bool rtcp)
    {
        Assert.Empty(Seen((Old, Phone, Packet(rtcp, 7, 100)), (Old, Other, Packet(rtcp, 7, 100, fill: 1))).Reuses);
        Assert.Single(Seen((Old, Phone, Packet(rtcp, 7, 100)), (New, Phone, Packet(rtcp, 7, 100, fill: 1))).Reuses);
    }

    [Fact]
    public void A_sequence_number_that_comes_again_after_it_wrapped_is_another_index()
    {
        var around = Enumerable.Range(0, 70_000).Select(i => (Old, Phone, Rtp(7, (ushort)(65_350 + i), mki: 3, fill: (byte)(i / 65_536))));
        Assert.Empty(Seen([.. around]).Reuses);
    }

    [Fact]
    public void What_cannot_be_judged_is_said_and_what_is_no_media_is_not()
    {
        var unknown = Rtp(7, 100, mki: 3);
        unknown[1] = 96;
        var clear = Report(7, 1, mki: 3);
        clear[^18] = 0;
        var seen = Seen((Old, Phone, unknown), (Old, Phone, clear), (Old, Phone, Rtp(7, 1, mki: 3)[..40]), (Old, Phone, "INVITE sip:"u8.ToArray()));
        Assert.Equal((3, 0, 0), (seen.Unread.Count, seen.Srtp, seen.Srtcp));
    }

    [Fact]
    public void A_capture_that_was_cut_or_is_none_is_refused()
    {
        var file = PcapFile.Write([new Datagram(TimeSpan.Zero, Old, Phone, Rtp(7, 1, mki: 3))]);
        Assert.Throws<InvalidDataException>(() => PcapFile.Read(file[..^1]));
        Assert.Throws<InvalidDataException>(() => PcapFile.Read(file[..10]));
        Assert.Throws<InvalidDataException>(() => PcapFile.Read(new byte[100]));
    }

    /// <summary>By way of a capture, 20 ms apart.</summary>
    private static KeyReuse Seen(params (IPEndPoint From, IPEndPoint To, byte[] Packet)[] packets) => KeyReuse.Of(PcapFile.Read(PcapFile.Write(
        packets.Select((p, i) => new Datagram(TimeSpan.FromMilliseconds(20 * i), p.From, p.To, p.Packet)))));

    private static byte[] Packet(bool rtcp, uint ssrc, ushort index, uint? mki = null, byte fill = 0) =>
        rtcp ? Report(ssrc, index, mki, fill) : Rtp(ssrc, index, mki, fill);

    private static byte[] Rtp(uint ssrc, ushort sequence, uint? mki = null, byte fill = 0)
    {
        var packet = new byte[12 + 160 + (mki is null ? 10 : 14)];
        packet[0] = 0x80;
        packet.AsSpan(12, 160).Fill(fill);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), ssrc);
        if (mki is { } name) BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan()[^14..], name);
        return packet;
    }

    private static byte[] Between(uint ssrc, ushort sequence, byte fill = 0)
    {
        var packet = new byte[12 + 640 + 16];
        (packet[0], packet[1]) = (0x80, 96);
        packet.AsSpan(12, 640).Fill(fill);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), ssrc);
        return packet;
    }

    private static byte[] Report(uint ssrc, ushort index, uint? mki = null, byte fill = 0)
    {
        var packet = new byte[52 + 4 + (mki is null ? 10 : 14)];
        (packet[0], packet[1]) = (0x80, 200);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), ssrc);
        packet.AsSpan(8, 44).Fill(fill);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(52), 1u << 31 | index);
        if (mki is { } name) BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan()[^14..], name);
        return packet;
    }
}
