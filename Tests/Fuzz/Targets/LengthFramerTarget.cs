using System.Buffers.Binary;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Fuzz.Targets;

/// <summary>
/// What nodes read of each other: never throws, gives the same messages whole and in pieces, and holds no more memory than twice what has come, or the longest message.
/// </summary>
public sealed class LengthFramerTarget : IFuzzTarget
{
    private const int Longest = 1000;
    private const int Room = 16;

    public string Name => "length-framer";

    public IEnumerable<byte[]> Seeds =>
        [[.. Length(0), .. Length(3), 1, 2, 3, .. Length(40), .. new byte[40]], [.. Length(Longest), .. new byte[Longest]], Length(Longest + 1)];

    public IEnumerable<byte[]> Dictionary => [Length(0), Length(1), Length(Longest), Length(Longest + 1), Length(int.MaxValue), Length(int.MinValue), Length(-1)];

    public void Run(ReadOnlySpan<byte> input)
    {
        var whole = Messages(input, int.MaxValue);
        foreach (var size in (ReadOnlySpan<int>)[1, 7, 1000])
            if (Messages(input, size) != whole)
                throw new InvalidOperationException($"other messages in pieces of {size}");
    }

    private static string Messages(ReadOnlySpan<byte> input, int size)
    {
        using var framer = new LengthFramer(Longest, Room);
        var (seen, came) = (new System.Text.StringBuilder(), 0);
        while (came < input.Length)
        {
            var room = framer.Room().Span;
            var piece = input[came..Math.Min(input.Length, came + Math.Min(size, room.Length))];
            piece.CopyTo(room);
            framer.Came(piece.Length);
            came += piece.Length;
            if (framer.Capacity > Math.Max(Room, 2 * Math.Min(came, Longest + 4))) throw new InvalidOperationException($"{framer.Capacity} octets held of {came}");
            LengthFrame outcome;
            while ((outcome = framer.Next(out var message)) == LengthFrame.Whole) seen.Append(Convert.ToHexString(message)).Append(';');
            if (outcome == LengthFrame.TooLong) return seen.Append("too long").ToString();
        }

        return seen.Append(framer.Buffered).ToString();
    }

    private static byte[] Length(int length)
    {
        var octets = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(octets, length);
        return octets;
    }
}
