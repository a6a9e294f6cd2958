using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class DigitReaderTests
{
    private DigitReader _reader;

    [Fact]
    [Trait("RFC", "4733 §2.5.2.2")]
    public void A_key_is_told_once_with_its_duration_however_often_its_end_comes()
    {
        Assert.Null(Receive(1000, 5, 160));
        Assert.Null(Receive(1000, 5, 320));
        Assert.Equal(new Digit(5, TimeSpan.FromMilliseconds(100)), Receive(1000, 5, 800, end: true));
        Assert.Null(Receive(1000, 5, 800, end: true));
        Assert.Null(Receive(1000, 5, 800, end: true));
    }

    [Fact]
    [Trait("RFC", "4733 §2.5.2.2")]
    public void A_key_whose_end_was_lost_is_told_when_the_next_one_begins()
    {
        Receive(1000, 1, 400);
        Assert.Equal(new Digit(1, TimeSpan.FromMilliseconds(50)), Receive(3000, 2, 160));
        Assert.Equal(new Digit(2, TimeSpan.FromMilliseconds(40)), Receive(3000, 2, 320, end: true));
    }

    [Fact]
    [Trait("RFC", "4733 §2.5.1.2")]
    public void The_same_key_pressed_twice_is_two_keys_and_a_late_packet_of_the_first_is_none()
    {
        Assert.NotNull(Receive(1000, 7, 400, end: true));
        Assert.NotNull(Receive(5000, 7, 400, end: true));
        Assert.Null(Receive(1000, 7, 400, end: true));
    }

    [Fact]
    [Trait("RFC", "4733 §3.2")]
    public void Other_events_are_no_keys() => Assert.Null(Receive(1000, 32, 400, end: true));

    [Theory]
    [Trait("RFC", "4733 §2.3")]
    [InlineData(new byte[] { 11, 0x8A, 0x03, 0x20 }, true)]
    [InlineData(new byte[] { 11, 0x8A, 0x03 }, false)]
    [InlineData(new byte[] { }, false)]
    public void A_block_is_four_octets(byte[] payload, bool good)
    {
        Assert.Equal(good, TelephoneEvent.TryRead(payload, out var block));
        if (good) Assert.Equal(new TelephoneEvent(11, true, 10, 800), block);
    }

    [Fact]
    public void A_digit_does_not_say_which_key_it_was() => Assert.Equal("<digit>", new Digit(7, TimeSpan.Zero).ToString());

    private Digit? Receive(uint timestamp, byte key, ushort duration, bool end = false) =>
        _reader.Receive(timestamp, new TelephoneEvent(key, end, 10, duration), 8000, out var digit) ? digit : null;
}
