using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace ConfCluster.Architecture.Tests;

/// <summary>The project's own files, found from this file's place in the tree.</summary>
internal static partial class Sources
{
    public static string Root { get; } = FindRoot();

    public static IEnumerable<SourceFile> Of(params ReadOnlySpan<string> folders) =>
        folders.ToArray().SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !Generated().IsMatch(path))
            .Order(StringComparer.Ordinal)
            .Select(path => new SourceFile(path, File.ReadAllText(Path.Combine(Root, path))));

    /// <summary>Product and tests.</summary>
    public static IEnumerable<SourceFile> All() => Of("Protocols", "Actors", "Cluster.Host", "Tests");

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot([CallerFilePath] string here = "")
    {
        var directory = new DirectoryInfo(Path.GetDirectoryName(here)!);
        while (!File.Exists(Path.Combine(directory.FullName, "ConfCluster.sln")))
            directory = directory.Parent ?? throw new InvalidOperationException("ConfCluster.sln is in no folder above this test");
        return directory.FullName;
    }

    [GeneratedRegex("(^|/)(bin|obj)/")]
    private static partial Regex Generated();
}

internal sealed partial record SourceFile(string Path, string Text)
{
    public IEnumerable<(int Number, string Text)> Lines => Text.Split('\n').Select((line, i) => (i + 1, line.TrimEnd('\r')));

    /// <summary>Lines without comments; string contents stay.</summary>
    public IEnumerable<(int Number, string Text)> Code => Lines.Select(l => (l.Number, Comment().Replace(l.Text, "")));

    [GeneratedRegex("(^|\\s)//.*$")]
    private static partial Regex Comment();
}
