using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Support;
using CsCheck;
using Xunit;
using static ConfCluster.Protocols.Tests.Srtp.SrtpProperties;

namespace ConfCluster.Protocols.Tests.Srtp;

public class SrtcpTests
{
    private static readonly Mki First = new(1, 4);
    private static readonly Mki Second = new(2, 4);

    [Fact]
    [Trait("RFC", "3711 §3.4")]
    public void A_packet_with_any_bit_flipped_is_refused_and_the_true_one_still_opens()
    {
        using var ring = Ring(1, First, Second);
        var receiver = new SrtcpReceiver(ring, 1);
        var packet = Report(new SrtcpSender(ring));
        for (var bit = 0; bit < packet.Length * 8; bit++)
        {
            var forged = packet.ToArray();
            forged[bit / 8] ^= (byte)(1 << bit % 8);
            var before = forged.ToArray();
            Assert.NotEqual(UnprotectError.None, receiver.Unprotect(forged, out _));
            Assert.Equal(before, forged);
        }

        Assert.Equal(0, receiver.SourceCount);
        Assert.Equal(UnprotectError.None, receiver.Unprotect(packet, out _));
    }

    [Fact]
    public void A_packet_cut_at_any_length_is_refused()
    {
        using var ring = Ring();
        var packet = Report(new SrtcpSender(ring));
        foreach (var cut in Fragments.CutAtEveryLength(packet))
            Assert.NotEqual(UnprotectError.None, new SrtcpReceiver(ring, 1).Unprotect(cut, out _));
    }

    [Fact]
    [Trait("RFC", "3711 §3.4")]
    public void A_packet_in_the_clear_is_refused_as_such()
    {
        var vector = VectorFile.Json("srtp/srtp_computed.json").GetProperty("cases").EnumerateArray()
            .Single(c => c.TryGetProperty("e_flag", out var e) && e.GetInt32() == 0);
        using var ring = new KeyRing(SrtpProfile.AesCm128HmacSha1Tag80);
        byte[] Hex(string name) => VectorFile.Hex(vector.GetProperty(name).GetString()!);
        ring.Install(new MasterKey(ring.Profile, Protocols.Wire.SecretBytes.CopyOf([.. Hex("master_key"), .. Hex("master_salt")]), Mki.None));
        var receiver = new SrtcpReceiver(ring, 1);
        Assert.Equal(UnprotectError.NotEncrypted, receiver.Unprotect(Hex("srtcp"), out _));
        Assert.Equal(0, receiver.SourceCount);
    }

    [Fact]
    public void Ten_thousand_forged_packets_leave_no_state_behind()
    {
        using var ring = Ring();
        using var other = Ring(99);
        var (receiver, sender) = (new SrtcpReceiver(ring, 4), new SrtcpSender(other));
        for (var ssrc = 0u; ssrc < 10_000; ssrc++)
            Assert.Equal(UnprotectError.TagMismatch, receiver.Unprotect(Report(sender, ssrc), out _));
        Assert.Equal(0, receiver.SourceCount);
    }

    [Fact]
    public void More_sources_than_allowed_are_refused_and_the_known_one_goes_on()
    {
        using var ring = Ring();
        var (receiver, sender) = (new SrtcpReceiver(ring, 1), new SrtcpSender(ring));
        Assert.Equal(UnprotectError.None, receiver.Unprotect(Report(sender, 1), out _));
        Assert.Equal(UnprotectError.TooManySources, receiver.Unprotect(Report(sender, 2), out _));
        Assert.Equal(UnprotectError.None, receiver.Unprotect(Report(sender, 1), out _));
    }

    [Fact]
    [Trait("RFC", "3711 §3.3.2")]
    public void A_replay_is_refused_also_after_the_keys_changed()
    {
        using var ring = Ring(1, First, Second);
        var (receiver, sender) = (new SrtcpReceiver(ring, 1), new SrtcpSender(ring));
        var packet = Report(sender);
        Assert.Equal(UnprotectError.None, receiver.Unprotect(packet.ToArray(), out _));
        using var same = Ring(1, First, Second);
        receiver.Use(same);
        Assert.Equal(UnprotectError.Replayed, receiver.Unprotect(packet, out _));
    }

    [Fact]
    [Trait("RFC", "3711 §3.4")]
    public void The_index_begins_at_0_counts_each_source_and_goes_on_over_a_rekey()
    {
        using var ring = Ring(1, First, Second);
        using var next = Ring(9, First);
        var sender = new SrtcpSender(ring);
        Assert.Equal([0u, 1u], [IndexOf(Report(sender)), IndexOf(Report(sender))]);
        ring.Activate(Second);
        Assert.Equal(2u, IndexOf(Report(sender)));
        sender.Use(next);
        Assert.Equal(3u, IndexOf(Report(sender)));
        Assert.Equal(0u, IndexOf(Report(sender, 8)));
    }

    [Fact]
    public void What_is_lost_or_reordered_within_the_window_stops_nothing() =>
        Gen.Shuffle(Enumerable.Range(0, 100).ToArray()).Sample(order =>
        {
            using var ring = Ring();
            var (receiver, sender) = (new SrtcpReceiver(ring, 1), new SrtcpSender(ring));
            var packets = order.Select(_ => Report(sender)).ToArray();
            return order.Take(60).All(i => receiver.Unprotect(packets[i], out _) == UnprotectError.None);
        }, iter: 50);

    [Fact]
    [Trait("RFC", "3711 §9.2")]
    public void The_limit_that_comes_first_ends_the_key_for_RTP_and_RTCP_both()
    {
        using var ring = new KeyRing(SrtpProfile.AesCm128HmacSha1Tag80);
        using var key = MasterKey.Generate(ring.Profile, Mki.None, s => s.Fill(3));
        ring.Install(new MasterKey(ring.Profile, key.KeyAndSalt.Copy(), Mki.None, lifetime: 2));
        ring.Activate(Mki.None);
        var (rtp, rtcp) = (new SrtpSender(ring), new SrtcpSender(ring));
        Assert.NotEmpty(Report(rtcp));
        Assert.NotEmpty(Report(rtcp));
        Assert.Empty(Report(rtcp));
        Assert.Empty(Protected(rtp, new PacketIndex(1)));
    }

    [Fact]
    [Trait("RFC", "3711 §9.2")]
    public void No_packet_is_sent_behind_the_last_index()
    {
        using var ring = Ring();
        var sender = new SrtpSender(ring);
        Assert.NotEmpty(Protected(sender, new PacketIndex(PacketIndex.Limit - 1)));
        Assert.Empty(Protected(sender, new PacketIndex(PacketIndex.Limit)));
    }

    [Fact]
    public void A_packet_grows_by_what_the_overhead_says()
    {
        foreach (var profile in SrtpProfile.All)
            foreach (var mki in (Mki[])[Mki.None, First])
            {
                using var ring = new KeyRing(profile);
                ring.Install(MasterKey.Generate(profile, mki, s => s.Fill(3)));
                ring.Activate(mki);
                Assert.Equal(172 + SrtpOverhead.Rtp(profile, mki.Length), Protected(new SrtpSender(ring), new PacketIndex(1)).Length);
                Assert.Equal(ReceiverReport.FixedLength + SrtpOverhead.Rtcp(profile, mki.Length), Report(new SrtcpSender(ring)).Length);
            }
    }

    private static uint IndexOf(byte[] packet) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(ReceiverReport.FixedLength)) & 0x7FFF_FFFF;

    private static byte[] Report(SrtcpSender sender, uint ssrc = 7)
    {
        var packet = new byte[ReceiverReport.FixedLength + sender.Overhead];
        return packet[..sender.Protect(packet, ReceiverReport.Write(packet, new Ssrc(ssrc), null))];
    }
}
