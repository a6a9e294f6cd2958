using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Torture;

/// <summary>The torture messages of RFC 4475 and RFC 5118 with what becomes of each: Vectors/sip/rfc*/manifest.txt.</summary>
internal static class TortureManifest
{
    public static readonly string[] Folders = ["rfc4475", "rfc5118"];

    /// <summary>One row; <paramref name="Keyed"/> is the treatment with an offer that has keys, or empty.</summary>
    public sealed record Row(string Folder, string File, string Section, string Expected, string Treatment, string Keyed, string Reason)
    {
        public byte[] Bytes => VectorFile.Bytes($"sip/{Folder}/{File}.dat");

        public bool IsRead => !Treatment.StartsWith("reader", StringComparison.Ordinal);

        public SipMessage Read()
        {
            Assert.True(SipReader.TryRead(Bytes, out var message, out var error), error.Detail);
            return message!;
        }
    }

    public static IReadOnlyList<Row> Rows { get; } = [.. Folders.SelectMany(f => VectorFile.Lines($"sip/{f}/manifest.txt").Select(l => Parse(f, l)))];

    public static Row Of(string file) => Rows.Single(r => r.File == file);

    /// <summary>File names, for a theory.</summary>
    public static TheoryData<string> Files(Func<Row, bool> where) => [.. Rows.Where(where).Select(r => r.File)];

    private static Row Parse(string folder, string line)
    {
        var cells = line.Split('|', StringSplitOptions.TrimEntries);
        var treatment = cells[3].Split("; keyed ");
        return new Row(
            folder, cells[0], cells[1], cells[2], treatment[0], treatment.Length > 1 ? treatment[1] : "", cells.Length > 4 ? cells[4] : "");
    }
}
