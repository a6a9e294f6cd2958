using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Srtp;

/// <summary>A receiver that goes on where another one was, by the highest index that the other one told some packets ago.</summary>
public class ResumeProperties
{
    private static readonly Ssrc Source = new(7);

    /// <summary>Highest indices all over the first rollovers, many of them right before or after one.</summary>
    private static readonly Gen<ulong> Told = Gen.Frequency(
        (1, Gen.ULong[0, 0x7FFF]),
        (2, Gen.Select(Gen.ULong[1, 1000], Gen.Int[-3, 3]).Select((roc, off) => (ulong)((long)(roc << 16) + off))),
        (1, Gen.ULong[0x8000, 0xFFFF_FFFF]));

    [Fact]
    [Trait("RFC", "3711 §3.3.1")]
    public void What_follows_the_told_index_is_opened_however_much_is_missing_between() =>
        Gen.Select(Told, Gen.ULong[1, 0x7FFF], Gen.Int[1, 200]).Sample((told, missing, count) =>
        {
            using var ring = SrtpProperties.Ring();
            var (sender, receiver) = (new SrtpSender(ring), new SrtpReceiver(ring, 1));
            receiver.Resume(Source, new PacketIndex(told));
            for (var i = 0; i < count; i++)
            {
                var packet = SrtpProperties.Protected(sender, new PacketIndex(told + missing + (ulong)i));
                if (receiver.Unprotect(packet, out _, out _) != UnprotectError.None) return false;
            }

            return receiver.TryGetHighest(Source, out var highest) && highest.Value == told + missing + (ulong)count - 1;
        }, iter: 300);

    [Fact]
    [Trait("RFC", "3711 §3.3.2")]
    public void Nothing_at_or_below_the_told_index_is_taken_before_or_after_something_new_has_come() =>
        Gen.Select(Told, Gen.ULong[0, 300], Gen.Bool).Sample((told, below, isLater) =>
        {
            if (below > told) return true;
            using var ring = SrtpProperties.Ring();
            var (sender, receiver) = (new SrtpSender(ring), new SrtpReceiver(ring, 1));
            var old = SrtpProperties.Protected(sender, new PacketIndex(told - below));
            receiver.Resume(Source, new PacketIndex(told));
            if (isLater && receiver.Unprotect(SrtpProperties.Protected(sender, new PacketIndex(told + 1)), out _, out _) != UnprotectError.None) return false;
            return receiver.Unprotect(old, out _, out _) is UnprotectError.Replayed or UnprotectError.TooOld;
        }, iter: 1000);

    [Fact]
    public void A_receiver_that_has_come_farther_does_not_go_back_and_has_no_more_sources_than_it_may()
    {
        using var ring = SrtpProperties.Ring();
        var (sender, receiver) = (new SrtpSender(ring), new SrtpReceiver(ring, 1));
        var packet = SrtpProperties.Protected(sender, new PacketIndex(100));
        Assert.Equal(UnprotectError.None, receiver.Unprotect((byte[])packet.Clone(), out _, out _));
        receiver.Resume(Source, new PacketIndex(50));
        receiver.Resume(new Ssrc(8), new PacketIndex(1, 5));
        receiver.Resume(Source, new PacketIndex(PacketIndex.Limit));
        Assert.Equal(UnprotectError.Replayed, receiver.Unprotect(packet, out _, out _));
        var sources = new (Ssrc Source, PacketIndex Highest)[4];
        Assert.Equal(1, receiver.CopyHighest(sources));
        Assert.Equal((Source, new PacketIndex(100)), sources[0]);
        receiver.Resume(Source, new PacketIndex(1, 0));
        Assert.Equal(UnprotectError.TooOld, receiver.Unprotect(SrtpProperties.Protected(sender, new PacketIndex(0, 0x8001)), out _, out _));
    }
}
