using System.Text;

namespace ConfCluster.Fuzz.Structures;

/// <summary>A list of name=value with commas, quoted or not: parameters swapped, repeated, left out, their quotes added or taken off.</summary>
public sealed class ListStructure : IStructure
{
#pragma warning disable CA5394 // chance that can be repeated is the point
    public byte[] Change(byte[] input, Random random)
    {
        var parts = Encoding.UTF8.GetString(input).Split(',').ToList();
        var (at, other) = (random.Next(parts.Count), random.Next(parts.Count));
        switch (random.Next(6))
        {
            case 0: (parts[at], parts[other]) = (parts[other], parts[at]); break;
            case 1: parts.Insert(other, parts[at]); break;
            case 2: parts.RemoveAt(at); break;
            case 3: parts[at] = parts[at].Replace("\"", "", StringComparison.Ordinal); break;
            case 4: parts[at] = Quoted(parts[at]); break;
            default: parts[at] = parts[at] + new string('a', 1 << random.Next(12)); break;
        }

        return Encoding.UTF8.GetBytes(string.Join(',', parts));
    }
#pragma warning restore CA5394

    private static string Quoted(string part)
    {
        var equals = part.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? part : $"{part[..equals]}=\"{part[(equals + 1)..].Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }
}
