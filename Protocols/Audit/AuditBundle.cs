using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ConfCluster.Protocols.Audit;

/// <summary>
/// All that another machine needs to judge a conference: the records with their hashes, and signed heads. The public key is not in it, since
/// whoever judges must have it from elsewhere.
/// </summary>
public sealed record AuditBundle(string Format, string Conference, ImmutableArray<LinkedRecord> Records, ImmutableArray<AuditHead> Heads)
{
    public const string Format1 = "confcluster audit bundle 1";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static AuditBundle Of(string conference, IEnumerable<KeyChangeRecord> records, IEnumerable<AuditHead> heads) =>
        new(Format1, conference, AuditChain.Link(conference, records), [.. heads]);

    public string Write() => JsonSerializer.Serialize(this, Json);

    public static bool TryRead(string text, out AuditBundle? bundle, out string problem)
    {
        (bundle, problem) = (null, "");
        try
        {
            bundle = JsonSerializer.Deserialize<AuditBundle>(text, Json);
        }
        catch (JsonException e)
        {
            problem = e.Message;
            return false;
        }

        if (bundle is { Format: Format1, Records.IsDefault: false, Heads.IsDefault: false }
            && bundle.Records.All(r => r is { Record.Fields.IsDefault: false })) return true;
        problem = "it is no audit bundle of a format that is known here";
        return false;
    }

    /// <summary>The chain, the heads, and the rules about keys. A bundle whose last record no head covers proves too little.</summary>
    public ImmutableArray<AuditViolation> Verify(AuditPublicKey key)
    {
        var found = AuditChain.Verify(Conference, Records, Heads, key).ToBuilder();
        var (last, signed) = (Records.Length == 0 ? 0 : Records.Max(r => r.Record.Number), Heads.Length == 0
            ? 0 : Heads.Max(h => h.Number));
        if (last > signed) found.Add(new AuditViolation(last, AuditRule.Head, null,
            $"records {signed + 1} to {last} are covered by no signed head"));
        found.AddRange(AuditChecks.Run(Conference, Records.Select(r => r.Record)));
        return found.DrainToImmutable();
    }
}
