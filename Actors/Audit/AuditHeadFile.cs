using System.Collections.Immutable;
using System.Text.Json;
using ConfCluster.Protocols.Audit;

namespace ConfCluster.Actors.Audit;

/// <summary>The signed heads of one conference, a line of JSON each, only ever appended to.</summary>
public sealed class AuditHeadFile
{
    private const string Marks = "-_.+~!*";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private readonly string _path;

    private AuditHeadFile(string path) => _path = path;

    /// <summary>Null: a conference cannot have that name, so it has no file.</summary>
    public static AuditHeadFile? Of(string directory, string conference) =>
        conference.Length is > 0 and <= 64 && conference.All(c => char.IsAsciiLetterOrDigit(c) || Marks.Contains(c, StringComparison.Ordinal))
            ? new AuditHeadFile(Path.Combine(directory, $"{conference}.heads"))
            : null;

    /// <summary>A line that cannot be read is a head that nobody signed. The last one may be cut off by a power cut, and is left out then.</summary>
    public ImmutableArray<AuditHead> Read()
    {
        if (!File.Exists(_path)) return [];
        var text = File.ReadAllText(_path);
        return [.. text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Read)];
    }

    public void Append(AuditHead head)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        File.AppendAllText(_path, JsonSerializer.Serialize(head, Json) + "\n");
    }

    private static AuditHead Read(string line)
    {
        try
        {
            if (JsonSerializer.Deserialize<AuditHead>(line, Json) is { } head) return head;
        }
        catch (JsonException)
        {
            // Below.
        }

        return new AuditHead("", 0, "", "", "");
    }
}
