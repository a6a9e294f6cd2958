namespace ConfCluster.Fuzz;

/// <summary>
/// One parser under fire. A class in Targets/ with a public parameterless constructor is found by itself. An exception out of
/// <see cref="Run"/> is a crash, so a target throws when a property does not hold.
/// </summary>
public interface IFuzzTarget
{
    /// <summary>The name for --target, and of the folder in corpus/.</summary>
    string Name { get; }

    /// <summary>Inputs to start from; usually <see cref="Corpus.Read"/>.</summary>
    IEnumerable<byte[]> Seeds { get; }

    /// <summary>Words of the format, spliced into inputs; empty when there are none.</summary>
    IEnumerable<byte[]> Dictionary => [];

    /// <summary>How inputs are made that are nearly right; null: octets only.</summary>
    IStructure? Structure => null;

    void Run(ReadOnlySpan<byte> input);
}

/// <summary>Knows the form of an input and breaks one thing of it, so that what is behind the first check is reached.</summary>
public interface IStructure
{
    byte[] Change(byte[] input, Random random);
}

/// <summary>The committed inputs beside the program.</summary>
public static class Corpus
{
    public static IEnumerable<byte[]> Read(string target)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "corpus", target);
        if (!Directory.Exists(folder)) return [];
        return Directory.EnumerateFiles(folder).Where(f => !Path.GetFileName(f).StartsWith('.')).Order(StringComparer.Ordinal).Select(File.ReadAllBytes);
    }
}
