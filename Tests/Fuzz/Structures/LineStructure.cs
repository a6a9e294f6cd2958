using System.Text;

namespace ConfCluster.Fuzz.Structures;

/// <summary>
/// Text made of lines with names, values and parameters: SIP, SDP. Keeps most of the form and breaks one thing: lines swapped, repeated, left
/// out, folded, joined or ended otherwise; parameters swapped, repeated, left out; numbers at their limits; words that never end.
/// </summary>
/// <param name="separator">Between parameters of a line.</param>
public sealed class LineStructure(char separator) : IStructure
{
    private static readonly string[] Ends = ["\r\n", "\r\n", "\n", "\r", "\r\n\r\n", "\r\n ", "\r\n\t", ""];

    private static readonly string[] Numbers =
    [
        "0", "1", "-1", "00", "255", "256", "65535", "65536", "2147483647", "2147483648", "4294967295", "4294967296", "18446744073709551616", "1e3", "0x10", " 7",
    ];

#pragma warning disable CA5394 // chance that can be repeated is the point
    public byte[] Change(byte[] input, Random random)
    {
        var lines = Encoding.Latin1.GetString(input).Split("\r\n").Select(l => l + "\r\n").ToList();
        lines[^1] = lines[^1][..^2];
        var (at, other) = (random.Next(lines.Count), random.Next(lines.Count));
        switch (random.Next(9))
        {
            case 0: (lines[at], lines[other]) = (lines[other], lines[at]); break;
            case 1: lines.Insert(other, lines[at]); break;
            case 2: lines.RemoveAt(at); break;
            case 3: lines[at] = lines[at].TrimEnd('\r', '\n') + Ends[random.Next(Ends.Length)]; break;
            case 4: lines[at] = Folded(lines[at], random); break;
            case 5: lines[at] = Parameters(lines[at], random); break;
            case 6: lines[at] = Number(lines[at], random); break;
            case 7: lines[at] = Long(lines[at], random); break;
            default: lines[at] = Name(lines[at], random); break;
        }

        return Encoding.Latin1.GetBytes(string.Concat(lines));
    }

    private static string Folded(string line, Random random)
    {
        var at = line.IndexOf(' ', random.Next(line.Length + 1));
        return at < 0 ? line : line[..at] + "\r\n" + line[at..];
    }

    private string Parameters(string line, Random random)
    {
        var parts = line.TrimEnd('\r', '\n').Split(separator).ToList();
        var (at, other) = (random.Next(parts.Count), random.Next(parts.Count));
        switch (random.Next(4))
        {
            case 0: (parts[at], parts[other]) = (parts[other], parts[at]); break;
            case 1: parts.Insert(other, parts[at]); break;
            case 2: parts.RemoveAt(at); break;
            default: parts[at] = parts[at].Contains('=', StringComparison.Ordinal) ? parts[at].Replace("=", "= ", StringComparison.Ordinal) : parts[at] + "="; break;
        }

        return string.Join(separator, parts) + "\r\n";
    }

    private static string Number(string line, Random random)
    {
        var from = line.AsSpan().IndexOfAnyInRange('0', '9');
        if (from < 0) return line;
        for (var skip = random.Next(4); skip > 0; skip--)
        {
            var gap = line.AsSpan(from).IndexOfAnyExceptInRange('0', '9');
            var next = gap < 0 ? -1 : line.AsSpan(from + gap).IndexOfAnyInRange('0', '9');
            if (next < 0) break;
            from += gap + next;
        }

        var length = line.AsSpan(from).IndexOfAnyExceptInRange('0', '9');
        return line[..from] + Numbers[random.Next(Numbers.Length)] + (length < 0 ? "" : line[(from + length)..]);
    }

    private static string Long(string line, Random random)
    {
        var at = random.Next(line.Length + 1);
        var c = at < line.Length ? line[at] : 'x';
        return line[..at] + new string(c, 1 << random.Next(14)) + line[at..];
    }

    private static string Name(string line, Random random)
    {
        var end = line.AsSpan().IndexOfAny(':', '=');
        if (end <= 0) return line;
        return random.Next(3) switch
        {
            0 => line[..end].ToUpperInvariant() + line[end..],
            1 => line[..end] + (random.Next(2) == 0 ? " " : "\t") + line[end..],
            _ => line[..random.Next(end)] + line[end..],
        };
    }
#pragma warning restore CA5394
}
