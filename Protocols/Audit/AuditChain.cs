using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace ConfCluster.Protocols.Audit;

/// <summary>A record and its hash, which covers all before it.</summary>
public sealed record LinkedRecord(KeyChangeRecord Record, string Hash);

/// <summary>
/// The hash chain of one conference up to a record: SHA-256 over the hash before and the record's canonical bytes. The first hash is that of
/// the conference's name, so that no chain can stand for another.
/// </summary>
/// <param name="Number">Of the last record; 0: none yet.</param>
/// <param name="Hash">64 hex digits.</param>
public sealed record AuditChain(string Conference, long Number, string Hash)
{
    private const string Beginning = "confcluster audit 1\n";

    public static AuditChain Begin(string conference) =>
        new(conference, 0, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Beginning + conference))));

    public AuditChain Append(KeyChangeRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return this with { Number = record.Number, Hash = HashOf(Hash, record) };
    }

    public static ImmutableArray<LinkedRecord> Link(string conference, IEnumerable<KeyChangeRecord> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        var chain = Begin(conference);
        var linked = ImmutableArray.CreateBuilder<LinkedRecord>();
        foreach (var record in records)
        {
            chain = chain.Append(record);
            linked.Add(new LinkedRecord(record, chain.Hash));
        }

        return linked.DrainToImmutable();
    }

    private static string HashOf(string before, KeyChangeRecord record) =>
        Convert.ToHexStringLower(SHA256.HashData([.. Convert.FromHexString(before), .. record.CanonicalBytes()]));

    /// <summary>
    /// Records with the hashes that are claimed for them, against themselves and against signed heads. A head shows a cut and whatever was
    /// done by somebody without the key; of what comes after the last one only the order is known.
    /// </summary>
    public static ImmutableArray<AuditViolation> Verify(string conference, ImmutableArray<LinkedRecord> claimed, IEnumerable<AuditHead> heads,
        AuditPublicKey key)
    {
        ArgumentNullException.ThrowIfNull(heads);
        ArgumentNullException.ThrowIfNull(key);
        return [.. Links(conference, claimed), .. Heads(conference, claimed, heads, key)];
    }

    private static IEnumerable<AuditViolation> Links(string conference, ImmutableArray<LinkedRecord> claimed)
    {
        var before = Begin(conference);
        foreach (var (record, hash) in claimed)
        {
            if (record.Number <= before.Number)
                yield return new AuditViolation(record.Number, AuditRule.Chain, null,
                    $"record {record.Number} stands after record {before.Number}");
            else if (record.Number == before.Number + 2)
                yield return new AuditViolation(record.Number, AuditRule.Chain, null, $"record {before.Number + 1} is missing");
            else if (record.Number > before.Number + 2)
                yield return new AuditViolation(record.Number, AuditRule.Chain, null,
                    $"records {before.Number + 1} to {record.Number - 1} are missing");
            if (!IsHash(hash) || before.Append(record).Hash != hash)
                yield return new AuditViolation(record.Number, AuditRule.Chain, null,
                    $"record {record.Number} is not the one that was chained, or does not follow the one before it");

            // From here on as claimed, so that one change is named once.
            before = before with { Number = record.Number, Hash = IsHash(hash) ? hash : before.Append(record).Hash };
        }
    }

    private static IEnumerable<AuditViolation> Heads(string conference, ImmutableArray<LinkedRecord> claimed, IEnumerable<AuditHead> heads,
        AuditPublicKey key)
    {
        var hashes = new Dictionary<long, string>();
        foreach (var (record, hash) in claimed) hashes[record.Number] = hash;
        long sound = 0;
        foreach (var head in heads.OrderBy(h => h.Number))
        {
            if (head.Conference != conference || !key.HasSigned(head))
                yield return new AuditViolation(head.Number, AuditRule.Head, null,
                    $"the head of record {head.Number} is not signed by this key for this conference");
            else if (!hashes.TryGetValue(head.Number, out var hash))
                yield return new AuditViolation(head.Number, AuditRule.Head, null,
                    $"cut off: record {head.Number} was signed at {head.At} and is not there");
            else if (hash != head.Hash)
                yield return new AuditViolation(head.Number, AuditRule.Head, null,
                    $"something was changed in records {sound + 1} to {head.Number}, which were signed at {head.At}");
            else
                sound = head.Number;
        }
    }

    private static bool IsHash(string text) => text.Length == 2 * SHA256.HashSizeInBytes && text.All(char.IsAsciiHexDigitLower);
}
