using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace ConfCluster.Host.Commands;

/// <summary>A table for people, one JSON document for programs.</summary>
internal static class Output
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Option<bool> JsonOption() => new("--json") { Description = "Print one JSON document instead of a table." };

    public static void WriteJson<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, Json));

    public static void Table(IEnumerable<string> columns, IEnumerable<string[]> rows)
    {
        var table = new Table { Border = TableBorder.Minimal };
        foreach (var column in columns) table.AddColumn(new TableColumn(Markup.Escape(column)) { NoWrap = false });
        foreach (var row in rows) table.AddRow(row.Select(Markup.Escape).ToArray());

        // Piped into a file or grep, a table must not be folded at a terminal's width.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 400;
        AnsiConsole.Write(table);
    }

    /// <summary>One line about what went wrong.</summary>
    public static int Fail(string sentence)
    {
        Console.Error.WriteLine(sentence);
        return ExitCode.Failed;
    }
}
