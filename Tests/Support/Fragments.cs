namespace ConfCluster.Support;

/// <summary>The variants in which every parser test runs: inside a larger buffer, cut at every length, in pieces.</summary>
public static class Fragments
{
    /// <summary>A copy of <paramref name="whole"/> in the middle of a larger buffer full of 0xAA: whoever reads past either end notices.</summary>
    public static ReadOnlyMemory<byte> InsideALargerBuffer(ReadOnlySpan<byte> whole, int margin = 32)
    {
        var buffer = new byte[whole.Length + 2 * margin];
        Array.Fill(buffer, (byte)0xAA);
        whole.CopyTo(buffer.AsSpan(margin));
        return buffer.AsMemory(margin, whole.Length);
    }

    /// <summary>Every proper prefix, the empty one first, each in an array of its own.</summary>
    public static IEnumerable<byte[]> CutAtEveryLength(byte[] whole)
    {
        for (var length = 0; length < whole.Length; length++) yield return whole[..length];
    }

    /// <summary>Two pieces, split once at every byte.</summary>
    public static IEnumerable<IReadOnlyList<byte[]>> SplitAtEveryByte(byte[] whole)
    {
        for (var at = 1; at < whole.Length; at++) yield return [whole[..at], whole[at..]];
    }

    /// <summary>Pieces of <paramref name="size"/> bytes, the last one shorter.</summary>
    public static IReadOnlyList<byte[]> InPieces(byte[] whole, int size) => [.. whole.Chunk(size)];

    /// <summary>Each byte once replaced by <paramref name="change"/> of it.</summary>
    public static IEnumerable<byte[]> WithEveryByteChanged(byte[] whole, Func<byte, byte> change)
    {
        for (var i = 0; i < whole.Length; i++)
        {
            var copy = whole.ToArray();
            copy[i] = change(copy[i]);
            yield return copy;
        }
    }
}
