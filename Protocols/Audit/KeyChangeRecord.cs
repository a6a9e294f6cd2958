using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace ConfCluster.Protocols.Audit;

/// <summary>
/// One stored event as the audit sees it: nothing but texts, so that whoever has them can hash them and check them without our types. A
/// field that an event does not have is not there.
/// </summary>
/// <param name="Number">Of the event among those of its conference, from 1 without a gap.</param>
/// <param name="At">UTC with seven digits, as <see cref="Text(DateTimeOffset)"/> writes it.</param>
/// <param name="What">Which kind of event.</param>
public sealed record KeyChangeRecord(long Number, string At, string What, ImmutableArray<AuditField> Fields)
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";

    /// <summary>The first field of that name, or null.</summary>
    public string? this[string name] => Fields.FirstOrDefault(f => f.Name == name)?.Value;

    public static string Text(DateTimeOffset at) => at.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    public static bool TryTime(string text, out DateTimeOffset at) =>
        DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at);

    /// <summary>
    /// Every text as UTF-8 behind its length on four octets, big endian: number, time, kind, then name and value of each field. Two records
    /// have the same bytes only when they are the same.
    /// </summary>
    public byte[] CanonicalBytes()
    {
        using var bytes = new MemoryStream();
        Put(bytes, Number.ToString(CultureInfo.InvariantCulture));
        Put(bytes, At);
        Put(bytes, What);
        foreach (var field in Fields)
        {
            Put(bytes, field.Name);
            Put(bytes, field.Value);
        }

        return bytes.ToArray();
    }

    public bool Equals(KeyChangeRecord? other) =>
        other is not null && Number == other.Number && At == other.At && What == other.What && Fields.AsSpan().SequenceEqual(other.Fields.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Number, At, What, Fields.Length);

    private static void Put(MemoryStream bytes, string text)
    {
        var encoded = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, encoded.Length);
        bytes.Write(length);
        bytes.Write(encoded);
    }
}

public sealed record AuditField(string Name, string Value);
