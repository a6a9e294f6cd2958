using System.Text;
using ConfCluster.Fuzz.Structures;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Fuzz.Targets;

/// <summary>The stream framer: never throws, and gives the same frames whole, byte by byte and in uneven pieces.</summary>
public sealed class SipFramerTarget : IFuzzTarget
{
    public string Name => "sip-framer";

    public IEnumerable<byte[]> Seeds => Corpus.Read(Name);

    public IStructure Structure { get; } = new LineStructure(';');

    public IEnumerable<byte[]> Dictionary =>
        new[] { "\r\n", "\r\n\r\n", "\r", "\n", "l: 5\r\n", "Content-Length: 0\r\n\r\n", "Content-Length:\r\n 7\r\n", "Content-Length: 99999999999\r\n" }
            .Select(Encoding.UTF8.GetBytes);

    public void Run(ReadOnlySpan<byte> input)
    {
        var whole = Frames(input, input.Length);
        foreach (var size in (ReadOnlySpan<int>)[1, 7, 1000])
            if (Frames(input, size) != whole)
                throw new InvalidOperationException($"other frames in pieces of {size}");
    }

    private static string Frames(ReadOnlySpan<byte> input, int size)
    {
        using var framer = new SipFramer();
        var seen = new StringBuilder();
        while (!input.IsEmpty)
        {
            var piece = input[..Math.Min(size, input.Length)];
            input = input[piece.Length..];
            framer.Append(piece);
            SipFrameOutcome outcome;
            while ((outcome = framer.Next(out var frame, out var error)) != SipFrameOutcome.NeedMoreData)
            {
                seen.Append(outcome).Append(' ').Append(error.Kind).Append(' ').Append(Convert.ToHexString(frame)).AppendLine();
                if (outcome == SipFrameOutcome.Malformed) return seen.ToString();
            }
        }

        return seen.Append(framer.Buffered).ToString();
    }
}
