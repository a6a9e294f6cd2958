using System.Text.Json;

namespace ConfCluster.Support;

/// <summary>
/// Test data beside the test assembly, under Vectors/. Text files begin with their origin as a comment ("#"), JSON files hold it as
/// "origin" or in a "//" comment.
/// </summary>
public static class VectorFile
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private static readonly JsonSerializerOptions Plain = new()
    {
        PropertyNameCaseInsensitive = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>Where <paramref name="relative"/> ("sip/rfc4475/wsinv.dat") lies.</summary>
    public static string PathOf(string relative) =>
        Path.Combine(AppContext.BaseDirectory, "Vectors", Path.Combine(relative.Split('/')));

    public static byte[] Bytes(string relative) => File.ReadAllBytes(PathOf(relative));

    public static string Text(string relative) => File.ReadAllText(PathOf(relative));

    /// <summary>The lines of a text file without empty ones and comments ("#").</summary>
    public static IReadOnlyList<string> Lines(string relative) =>
        [.. File.ReadLines(PathOf(relative)).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#')];

    public static JsonElement Json(string relative)
    {
        using var document = JsonDocument.Parse(Text(relative), Lenient);
        return document.RootElement.Clone();
    }

    public static T Json<T>(string relative) =>
        JsonSerializer.Deserialize<T>(Text(relative), Plain) ?? throw new InvalidDataException($"{relative} is null.");

    /// <summary>Hex digits, spaces and colons between them allowed, to bytes.</summary>
    public static byte[] Hex(string digits) =>
        Convert.FromHexString(string.Concat(digits.Where(c => !char.IsWhiteSpace(c) && c != ':')));

    /// <summary>Names without folder and extension, sorted, of the files in a folder: names for a theory.</summary>
    public static IReadOnlyList<string> Names(string folder, string extension) =>
        [.. Directory.EnumerateFiles(PathOf(folder), "*." + extension).Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];
}
