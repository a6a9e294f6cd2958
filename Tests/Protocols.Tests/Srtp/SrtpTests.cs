using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Srtp.SrtpProperties;

namespace ConfCluster.Protocols.Tests.Srtp;

public class SrtpTests
{
    [Fact]
    public void Ten_thousand_forged_packets_leave_no_state_behind()
    {
        using var ring = Ring();
        var receiver = new SrtpReceiver(ring, 4);
        using var other = Ring(99);
        var sender = new SrtpSender(other);
        for (var ssrc = 0u; ssrc < 10_000; ssrc++)
            Assert.Equal(UnprotectError.TagMismatch, receiver.Unprotect(Protected(sender, new PacketIndex(1), ssrc), out _, out _));
        Assert.Equal(0, receiver.SourceCount);
    }

    [Fact]
    public void A_packet_with_any_bit_flipped_is_refused_and_the_true_one_still_opens()
    {
        using var ring = Ring(1, new Mki(1, 4), new Mki(2, 4));
        var receiver = new SrtpReceiver(ring, 1);
        var packet = Protected(new SrtpSender(ring), new PacketIndex(100));
        for (var bit = 0; bit < packet.Length * 8; bit++)
        {
            var forged = packet.ToArray();
            forged[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.NotEqual(UnprotectError.None, receiver.Unprotect(forged, out _, out _));
        }

        Assert.Equal(UnprotectError.None, receiver.Unprotect(packet, out _, out _));
    }

    [Fact]
    public void A_packet_cut_at_any_length_is_refused()
    {
        using var ring = Ring();
        var packet = Protected(new SrtpSender(ring), new PacketIndex(1));
        for (var n = 0; n < packet.Length; n++)
            Assert.NotEqual(UnprotectError.None, new SrtpReceiver(ring, 1).Unprotect(packet.AsSpan(0, n).ToArray(), out _, out _));
    }

    [Fact]
    [Trait("RFC", "3711 §3.3.2")]
    public void A_replay_is_refused()
    {
        using var ring = Ring();
        var receiver = new SrtpReceiver(ring, 1);
        var packet = Protected(new SrtpSender(ring), new PacketIndex(1));
        Assert.Equal(UnprotectError.None, receiver.Unprotect(packet.ToArray(), out _, out _));
        Assert.Equal(UnprotectError.Replayed, receiver.Unprotect(packet, out _, out _));
    }

    [Fact]
    [Trait("RFC", "3711 §8.1")]
    public void The_MKI_switches_keys_without_losing_the_rollover_counter()
    {
        var (first, second) = (new Mki(1, 4), new Mki(2, 4));
        using var ring = Ring(1, first, second);
        var (sender, receiver) = (new SrtpSender(ring), new SrtpReceiver(ring, 1));
        Assert.Equal(UnprotectError.None, receiver.Unprotect(Protected(sender, new PacketIndex(0xFFFF)), out _, out _));
        Assert.Equal(UnprotectError.None, receiver.Unprotect(Protected(sender, new PacketIndex(0x1_0000)), out _, out _));
        ring.Activate(second);
        Assert.Equal(UnprotectError.None, receiver.Unprotect(Protected(sender, new PacketIndex(0x1_0001)), out _, out _));
        Assert.True(receiver.TryGetHighest(new Ssrc(7), out var highest));
        Assert.Equal(1u, highest.Roc);
        var old = Protected(sender, new PacketIndex(0x1_0002));
        ring.Destroy(second);
        Assert.Equal(UnprotectError.UnknownMki, receiver.Unprotect(old, out _, out _));
    }

    [Fact]
    public void An_index_is_never_used_twice_not_even_by_our_own_fault()
    {
        using var ring = Ring();
        var sender = new SrtpSender(ring);
        Protected(sender, new PacketIndex(5));
        Assert.Throws<InvalidOperationException>(() => Protected(sender, new PacketIndex(5)));
        Assert.Throws<InvalidOperationException>(() => Protected(sender, new PacketIndex(4)));
    }

    [Fact]
    [Trait("RFC", "3711 §9.2")]
    public void A_key_protects_no_more_packets_than_its_lifetime()
    {
        using var ring = new KeyRing(SrtpProfile.AesCm128HmacSha1Tag80);
        using var key = MasterKey.Generate(ring.Profile, Mki.None, s => s.Fill(3));
        ring.Install(new MasterKey(ring.Profile, key.KeyAndSalt.Copy(), Mki.None, lifetime: 2));
        ring.Activate(Mki.None);
        var sender = new SrtpSender(ring);
        Assert.NotEmpty(Protected(sender, new PacketIndex(1)));
        Assert.NotEmpty(Protected(sender, new PacketIndex(2)));
        Assert.Empty(Protected(sender, new PacketIndex(3)));
    }

    [Fact]
    public void Protecting_and_opening_allocate_nothing()
    {
        using var ring = Ring();
        var (sender, receiver) = (new SrtpSender(ring), new SrtpReceiver(ring, 1));
        var (rtcpSender, rtcpReceiver) = (new SrtcpSender(ring), new SrtcpReceiver(ring, 1));
        var (packet, report) = (new byte[256], new byte[256]);
        void Once(uint i)
        {
            RtpHeader.Write(packet, false, 0, (ushort)i, i * 160, new Ssrc(7));
            var length = sender.Protect(packet, 172, new PacketIndex(i));
            if (receiver.Unprotect(packet.AsSpan(0, length), out _, out _) != UnprotectError.None) throw new InvalidOperationException();
            length = rtcpSender.Protect(report, Protocols.Rtp.Rtcp.ReceiverReport.Write(report, new Ssrc(7), null));
            if (rtcpReceiver.Unprotect(report.AsSpan(0, length), out _) != UnprotectError.None) throw new InvalidOperationException();
        }

        long Thousand(uint first)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = first; i < first + 1000; i++) Once(i);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        for (var i = 1u; i < 200; i++) Once(i);
        // The runtime may put something of its own on this thread once, when it compiles the method anew.
        Assert.Contains(0, new[] { Thousand(200), Thousand(1200), Thousand(2200) });
    }
}
