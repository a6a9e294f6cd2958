using System.Buffers.Binary;
using ConfCluster.Protocols.Wire;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Wire;

public sealed class LengthFramerTests
{
    private const int Longest = 300;
    private const int Room = 16;

    [Fact]
    public void Messages_come_out_as_they_went_in_however_they_are_cut() =>
        Gen.Select(Gen.Byte.Array[0, Longest].Array[0, 12], Gen.Int[1, 400].Array[1, 20]).Sample((messages, pieces) =>
        {
            using var framer = new LengthFramer(Longest, Room);
            var (seen, read) = Read(framer, [.. messages.SelectMany(Framed)], pieces);
            Assert.Equal(LengthFrame.NeedMore, read);
            Assert.Equal(messages, seen);
            Assert.Equal(0, framer.Buffered);
            framer.Room();
            Assert.Equal(Room, framer.Capacity);
        });

    [Fact]
    public void Whatever_comes_it_holds_no_more_than_twice_the_longest_message_and_does_not_depend_on_how_it_is_cut() =>
        Gen.Select(Gen.Byte.Array[0, 2000], Gen.Int[1, 400].Array[1, 20]).Sample((octets, pieces) =>
        {
            using var cut = new LengthFramer(Longest, Room);
            using var whole = new LengthFramer(Longest, Room);
            var (seen, read) = Read(cut, octets, pieces);
            var (expected, end) = Read(whole, octets, [int.MaxValue]);
            Assert.Equal(expected, seen);
            Assert.Equal(end, read);
            Assert.InRange(cut.Capacity, Room, 2 * (Longest + 4));
        });

    [Theory]
    [InlineData(Longest + 1u)]
    [InlineData(0x80000000u)]
    [InlineData(uint.MaxValue)]
    public void What_is_announced_too_long_takes_no_memory_and_is_the_end(uint length)
    {
        using var framer = new LengthFramer(Longest, Room);
        var octets = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(octets, length);
        var (seen, read) = Read(framer, octets, [8]);
        Assert.Empty(seen);
        Assert.Equal((LengthFrame.TooLong, length, Room), (read, framer.Announced, framer.Capacity));
        Assert.Equal(LengthFrame.TooLong, framer.Next(out _));
    }

    [Fact]
    public void What_is_announced_and_does_not_come_takes_no_memory()
    {
        using var framer = new LengthFramer(Longest, Room);
        var octets = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(octets, Longest);
        Assert.Equal(LengthFrame.NeedMore, Read(framer, octets, [1]).End);
        Assert.Equal(Room, framer.Capacity);
    }

    [Fact]
    public void More_than_there_is_room_for_cannot_have_come()
    {
        using var framer = new LengthFramer(Longest, Room);
        Assert.Throws<ArgumentOutOfRangeException>(() => framer.Came(framer.Room().Length + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => framer.Came(-1));
    }

    private static (List<byte[]> Seen, LengthFrame End) Read(LengthFramer framer, byte[] octets, int[] pieces)
    {
        var seen = new List<byte[]>();
        var end = LengthFrame.NeedMore;
        for (var (at, piece) = (0, 0); at < octets.Length && end != LengthFrame.TooLong; piece++)
        {
            var room = framer.Room();
            Assert.False(room.IsEmpty);
            var count = Math.Min(Math.Min(pieces[piece % pieces.Length], room.Length), octets.Length - at);
            octets.AsMemory(at, count).CopyTo(room);
            framer.Came(count);
            at += count;
            while ((end = framer.Next(out var message)) == LengthFrame.Whole) seen.Add(message.ToArray());
        }

        return (seen, end);
    }

    private static byte[] Framed(byte[] message)
    {
        var framed = new byte[4 + message.Length];
        BinaryPrimitives.WriteInt32LittleEndian(framed, message.Length);
        message.CopyTo(framed, 4);
        return framed;
    }
}
