using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Srtp.SrtpProperties;

namespace ConfCluster.Protocols.Tests.Srtp;

/// <summary>A source that runs already when it is first heard: its ROC stands in no packet.</summary>
public class RolloverGuessesTests
{
    private const uint Source = 7;

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(RolloverGuesses.Untold)]
    [Trait("RFC", "3711 §3.3.1")]
    public void The_first_few_ROCs_are_found_without_being_told_and_then_kept(uint roc)
    {
        using var ring = Ring();
        var guesses = new RolloverGuesses();
        var receiver = new SrtpReceiver(ring, 1) { Guesses = guesses };
        var sender = new SrtpSender(ring);
        for (ushort sequence = 65_530; sequence != 20; sequence++)
        {
            var index = new PacketIndex(sequence > 1000 ? roc : roc + 1, sequence);
            Assert.Equal(UnprotectError.None, receiver.Unprotect(Protected(sender, index, Source), out _, out _, out var newest));
            Assert.Equal(index, newest);
        }

        Assert.Equal(roc == 0 ? 0ul : 1, guesses.Tried);
    }

    [Theory]
    [InlineData(50u, 50u, 0ul)]
    [InlineData(50u, 51u, 1ul)]
    [InlineData(50u, 49u, 1ul)]
    [InlineData(50u, 2u, 1ul)]
    public void What_was_told_comes_first_then_its_neighbours_then_the_first_few(uint told, uint roc, ulong tried)
    {
        using var ring = Ring();
        var guesses = new RolloverGuesses();
        guesses.Tell(new Ssrc(Source), new PacketIndex(told, 30_000));
        var receiver = new SrtpReceiver(ring, 1) { Guesses = guesses };
        Assert.Equal(UnprotectError.None, receiver.Unprotect(Protected(new SrtpSender(ring), new PacketIndex(roc, 30_050), Source), out _, out _, out var newest));
        Assert.Equal((new PacketIndex(roc, 30_050), tried), (newest, guesses.Tried));
    }

    [Fact]
    [Trait("RFC", "3711 §3.3.1")]
    public void What_was_told_before_a_wrap_is_right_after_it()
    {
        using var ring = Ring();
        var guesses = new RolloverGuesses();
        guesses.Tell(new Ssrc(Source), new PacketIndex(9, 65_500));
        var receiver = new SrtpReceiver(ring, 1) { Guesses = guesses };
        Assert.Equal(UnprotectError.None, receiver.Unprotect(Protected(new SrtpSender(ring), new PacketIndex(10, 3), Source), out _, out _));
        Assert.Equal(0ul, guesses.Tried);
    }

    [Theory]
    [InlineData(RolloverGuesses.Untold + 1, true)]
    [InlineData(1u, false)]
    public void Others_are_not_found_nor_is_any_by_who_does_not_guess(uint roc, bool guesses)
    {
        using var ring = Ring();
        var receiver = new SrtpReceiver(ring, 1) { Guesses = guesses ? new RolloverGuesses() : null };
        Assert.Equal(UnprotectError.TagMismatch, receiver.Unprotect(Protected(new SrtpSender(ring), new PacketIndex(roc, 5), Source), out _, out _));
        Assert.Equal(0, receiver.SourceCount);
    }

    [Fact]
    public void A_source_that_is_known_is_not_guessed_about()
    {
        using var ring = Ring();
        var guesses = new RolloverGuesses();
        var receiver = new SrtpReceiver(ring, 1) { Guesses = guesses };
        var sender = new SrtpSender(ring);
        Assert.Equal(UnprotectError.None, receiver.Unprotect(Protected(sender, new PacketIndex(0, 5), Source), out _, out _));
        Assert.Equal(UnprotectError.TagMismatch, receiver.Unprotect(Protected(sender, new PacketIndex(2, 6), Source), out _, out _));
        Assert.Equal(0ul, guesses.Tried);
    }

    [Fact]
    public void Forged_packets_cost_no_more_for_long_leave_nothing_behind_and_keep_nobody_out()
    {
        using var ring = Ring();
        using var other = Ring(99);
        var guesses = new RolloverGuesses();
        var receiver = new SrtpReceiver(ring, 4) { Guesses = guesses };
        var forger = new SrtpSender(other);
        for (var ssrc = 100u; ssrc < 10_100; ssrc++)
            Assert.Equal(UnprotectError.TagMismatch, receiver.Unprotect(Protected(forger, new PacketIndex(1), ssrc), out _, out _));
        Assert.Equal(0, receiver.SourceCount);
        Assert.InRange(guesses.Tried, (ulong)RolloverGuesses.Patience, (ulong)(RolloverGuesses.Patience + 10_000 / RolloverGuesses.Rest + 1));

        // The newcomer is heard within so many packets, and from then on without delay.
        var sender = new SrtpSender(ring);
        var lost = 0;
        for (ushort sequence = 1; sequence < 100; sequence++)
            if (receiver.Unprotect(Protected(sender, new PacketIndex(2, sequence), Source), out _, out _) != UnprotectError.None)
                lost++;
        Assert.InRange(lost, 0, RolloverGuesses.Rest);
        Assert.Equal(UnprotectError.None, receiver.Unprotect(Protected(sender, new PacketIndex(3, 5), Source + 1), out _, out _));
    }

    [Fact]
    public void A_failed_guess_leaves_the_packet_as_it_was_under_every_suite()
    {
        foreach (var suite in SrtpProfile.All)
        {
            using var ring = new KeyRing(suite);
            using var key = MasterKey.Generate(suite, Mki.None, s => s.Fill(3));
            ring.Install(key.Copy());
            ring.Activate(Mki.None);
            var packet = Protected(new SrtpSender(ring), new PacketIndex(9, 5), Source);
            var copy = packet.ToArray();
            Assert.Equal(UnprotectError.TagMismatch, new SrtpReceiver(ring, 1) { Guesses = new RolloverGuesses() }.Unprotect(packet, out _, out _));
            Assert.Equal(copy, packet);
        }
    }
}
