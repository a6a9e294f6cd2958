using System.Text;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// What real phones do when the group key changes, as tests see it: each test owns a section of KeyChanges.md, and fails when what stands there is not what it
/// saw. CONFCLUSTER_WRITE_TABLE=1 writes the section anew.
/// </summary>
internal static class KeyChanges
{
    private const string Table = "KeyChanges.md";
    private const string Heading = "\n## ";

    /// <param name="made">How the rows came about.</param>
    public static void Check(string section, string made, string[] columns, IEnumerable<string[]> rows)
    {
        var text = new StringBuilder($"{section}\n\n{made.ReplaceLineEndings("\n")}\n\n");
        Row(text, columns);
        Row(text, [.. columns.Select(_ => "---")]);
        foreach (var row in rows) Row(text, row);
        var file = Path.Combine(Root(), "Tests", "Interop.Tests", Table);
        var parts = (File.Exists(file) ? File.ReadAllText(file) : "").ReplaceLineEndings("\n").Split(Heading);
        var at = Array.FindIndex(parts, p => p.StartsWith($"{section}\n", StringComparison.Ordinal));
        if (at > 0 && parts[at].TrimEnd('\n') == text.ToString().TrimEnd('\n')) return;
        if (Environment.GetEnvironmentVariable("CONFCLUSTER_WRITE_TABLE") != "1")
            Assert.Fail($"{Table} is out of date; CONFCLUSTER_WRITE_TABLE=1 writes it:\n{text}");
        var kept = parts.Select(p => p.TrimEnd('\n')).ToList();
        if (at > 0) kept[at] = text.ToString().TrimEnd('\n');
        else kept.Add(text.ToString().TrimEnd('\n'));
        File.WriteAllText(file, string.Join($"\n{Heading}", kept) + "\n");
    }

    private static void Row(StringBuilder text, string[] cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "ConfCluster.sln"))) directory = directory.Parent;
        return directory.FullName;
    }
}
