using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace ConfCluster.Host.Logs;

/// <summary>
/// One line per event: time, level, node, what happened. An exception adds its type and message; a bug also where it was thrown, and what caused it.
/// </summary>
internal sealed class LineFormatter(NodeName node) : ConsoleFormatter(FormatName)
{
    public const string FormatName = "line";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        if (logEntry.Exception is { } exception && !message.Contains(exception.Message, StringComparison.Ordinal)) message += $": {Describe(exception)}";
        if (logEntry is { Exception: { } bug, LogLevel: >= LogLevel.Error })
        {
            message += Where(bug);
            for (var cause = bug.InnerException; cause is not null; cause = cause.InnerException) message += $"; caused by {Describe(cause)}{Where(cause)}";
        }

        var time = DateTimeOffset.Now.ToString("yyyy-MM-dd'T'HH:mm:ss.fffzzz", CultureInfo.InvariantCulture);
        textWriter.WriteLine($"{time} {Level(logEntry.LogLevel)} {node.Value} {message.ReplaceLineEndings(" | ")}");
    }

    private static string Describe(Exception exception) => $"{exception.GetType().Name}: {exception.Message}";

    private static string Where(Exception exception)
    {
        var frames = (exception.StackTrace ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return frames.Length == 0 ? "" : $" [{string.Join(" < ", frames.Take(4).Select(f => f.Split(" in ")[0].Replace("at ", "", StringComparison.Ordinal)))}]";
    }

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Critical => "FATAL",
        LogLevel.Error => "ERROR",
        LogLevel.Warning => "WARN ",
        LogLevel.Information => "INFO ",
        _ => "DEBUG",
    };
}

/// <summary>How the node calls itself in its log.</summary>
internal sealed record NodeName(string Value);
