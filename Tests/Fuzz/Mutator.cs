namespace ConfCluster.Fuzz;

/// <summary>
/// Makes inputs out of seeds: bit flips, interesting bytes, cuts, duplicated and removed stretches, splices of two seeds, words of the
/// dictionary, and, half of the time, what the structure of the format makes of it. Its only source of chance is the seed, so a run can be repeated.
/// </summary>
public sealed class Mutator(IReadOnlyList<byte[]> seeds, IReadOnlyList<byte[]> dictionary, IStructure? structure, int seed)
{
    private const int MaxLength = 70_000;

    private static readonly byte[] Interesting = [0x00, 0x01, 0x09, 0x0A, 0x0D, 0x20, 0x22, 0x25, 0x2C, 0x3A, 0x3B, 0x5C, 0x7F, 0x80, 0xFE, 0xFF];

#pragma warning disable CA5394 // chance that can be repeated is the point
    private readonly Random _random = new(seed);

    public byte[] Next()
    {
        var input = Pick(seeds);
        for (var rounds = 1 + _random.Next(6); rounds > 0; rounds--)
            input = structure is not null && _random.Next(2) == 0 ? structure.Change(input, _random) : Change(input);
        return input.Length <= MaxLength ? input : input[..MaxLength];
    }

    private byte[] Change(byte[] input) => _random.Next(8) switch
    {
        0 => Set(input, at => (byte)(input[at] ^ (1 << _random.Next(8)))),
        1 => Set(input, _ => Pick(Interesting)),
        2 => Set(input, _ => (byte)_random.Next(256)),
        3 => input[.._random.Next(input.Length + 1)],
        4 => Duplicate(input),
        5 => Remove(input),
        6 => Splice(input, Pick(seeds)),
        _ => dictionary.Count == 0 ? Duplicate(input) : Insert(input, Pick(dictionary)),
    };

    private static byte[] Copy(byte[] input) => (byte[])input.Clone();

    private byte[] Set(byte[] input, Func<int, byte> value)
    {
        if (input.Length == 0) return [(byte)_random.Next(256)];
        var copy = Copy(input);
        var at = _random.Next(copy.Length);
        copy[at] = value(at);
        return copy;
    }

    private byte[] Duplicate(byte[] input)
    {
        var (from, to) = Stretch(input);
        var piece = input[from..to];
        for (var times = _random.Next(8) == 0 ? 6 : 1; times > 0 && piece.Length < 8192; times--) piece = [.. piece, .. piece];
        return Insert(input, piece);
    }

    private byte[] Remove(byte[] input)
    {
        var (from, to) = Stretch(input);
        return [.. input[..from], .. input[to..]];
    }

    private byte[] Splice(byte[] a, byte[] b) => [.. a[.._random.Next(a.Length + 1)], .. b[_random.Next(b.Length + 1)..]];

    private byte[] Insert(byte[] input, byte[] piece)
    {
        var at = _random.Next(input.Length + 1);
        return [.. input[..at], .. piece, .. input[at..]];
    }

    private (int From, int To) Stretch(byte[] input)
    {
        var from = _random.Next(input.Length + 1);
        return (from, from + _random.Next(Math.Min(input.Length - from, 64) + 1));
    }

    private T Pick<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];
#pragma warning restore CA5394
}
