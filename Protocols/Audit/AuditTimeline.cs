using System.Collections.Immutable;
using System.Globalization;

namespace ConfCluster.Protocols.Audit;

/// <summary>One line of the story of a conference.</summary>
public sealed record TimelineLine(long Number, DateTimeOffset At, string Text);

/// <summary>The records as sentences for people, each step of a leg at its own time.</summary>
public static class AuditTimeline
{
    public static ImmutableArray<TimelineLine> Of(IEnumerable<KeyChangeRecord> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var taken = new HashSet<string>();
        var lines = ImmutableArray.CreateBuilder<TimelineLine>();
        foreach (var record in records)
        {
            if (record is { What: "joined" }
                && record["participant"] is { } joined)
                names[joined] = AuditLogReader.Distinct(taken, record["display"] ?? record["identity"] ?? joined);
            var name = record["participant"] is { } id ? names.GetValueOrDefault(id, id) : "";
            var at = KeyChangeRecord.TryTime(record.At, out var time) ? time : DateTimeOffset.UnixEpoch;
            if (record.What == "steps") lines.AddRange(Steps(record, names, at));
            else lines.Add(new TimelineLine(record.Number, at, Sentence(record, name)));
        }

        return lines.DrainToImmutable();
    }

    private static string Sentence(KeyChangeRecord r, string name) => r.What switch
    {
        "created" => $"conference {r["conference"]} began",
        "taken" => $"taken over, incarnation {r["incarnation"]}",
        "joined" => $"{name} joined: {r["identity"]}{Proof(r)}, {Keying(r["keying"])}{(r["protected"] == "yes"
            ? "" : ", its keys crossed an unprotected hop")}",
        "left" => $"{name} left: {Words(r["reason"])}",
        "planned" => $"to go by blueprint {r["blueprint"]}{string.Concat(r.Fields.Where(f => f.Name == "set").Select(f => $", {f.Value}"))}",
        "moved" => $"{name} goes to mixer {r["mixer"]} for want of room, under a new SSRC",
        "mixer" => $"mixer {(r["number"] is { } number ? $"{number}." : "")}{r["incarnation"]} placed{Loss(r["loss"])}",
        "ended" => $"ended: {Words(r["reason"])}",
        "ssrcs" => $"{r.Fields.Count(f => f.Name == "ssrc")} SSRCs reserved{(r["mixer"] is { } mixer ? $" for mixer {mixer}" : "")}",
        "policy" => Policy(r),
        "epoch" => $"EPOCH {r["epoch"]} began: {Words(r["reason"])}{(r["note"] is { } note ? $" ({note})" : "")}{(r["source"] == "kms"
            ? ", its key made by the KMS" : "")}{Commitments(r)}",
        "ladder" => $"keys of {r.Fields.Select(f => f.Value.Split(' ')[0]).Distinct().Count()} epochs to come are made, to be told in advance",
        "deferred" => $"a rekeying waits for {(r["for"] == "key" ? "a key of the KMS" : "the interval")}: {Words(r["reason"])}, until {Clock(r["until"])}",
        "passed" => $"epoch {r["epoch"]}{Unused(r)} {(r["passage"] == "revoked" ? "forgotten by all phones" : r["passage"])}",
        _ => $"{r.What}: {string.Join(", ", r.Fields.Select(f => $"{f.Name} {f.Value}"))}",
    };

    private static string Loss(string? loss)
    {
        if (loss is null) return "";
        var what = loss switch { "silent" => "is silent", "drained" => "is on a node that is emptied", _ => Words(loss) };
        return $" since the one before it {what}; every leg of it has a new SSRC";
    }

    private static IEnumerable<TimelineLine> Steps(KeyChangeRecord record, Dictionary<string, string> names, DateTimeOffset stored)
    {
        foreach (var parts in record.Fields.Select(f => f.Value.Split(' ', 4)))
        {
            if (parts.Length != 4) continue;
            var name = names.GetValueOrDefault(parts[3], parts[3]);
            yield return new TimelineLine(record.Number, KeyChangeRecord.TryTime(parts[2], out var at) ? at : stored, parts[0] switch
            {
                "sent" => $"  {name} was sent epoch {parts[1]}",
                "ready" => $"  {name} acknowledged its call",
                "confirmed" => $"  {name} took epoch {parts[1]}",
                "told" => $"  {name} was told to send under epoch {parts[1]}",
                "moved" => $"  {name} is under epoch {parts[1]}",
                "deaf" => $"  {name} hears nothing under the group's key and is under its own",
                "ownKey" => $"  {name} is under its own key",
                "silenced" => $"  {name} hears nothing until a newer key",
                "dropped" => $"  {name} is dropped",
                "refused" => $"  {name} refused epoch {parts[1]}",
                _ => $"  {name}: {parts[0]} epoch {parts[1]}",
            });
        }
    }

    /// <summary>Rungs are named from the first to the last.</summary>
    private static string Unused(KeyChangeRecord r) => r["to"] is not { } to ? "" : to == r["epoch"] ? ", never begun," : $" to {to}, never begun,";

    private static string Proof(KeyChangeRecord r) => r["caller"] is { } caller ? $", {r["proof"]} {caller}" : "";

    private static string Keying(string? keying) => keying switch
    {
        "groupByMki" => "group key by MKI",
        "groupPlain" => "group key without MKI",
        "groupBothWays" => "the group's key both ways",
        "switched" => "forwarded unopened, the group's key both ways",
        _ => "own key",
    };

    private static string Policy(KeyChangeRecord r)
    {
        var changes = (r["on-join"], r["on-leave"]) switch
        {
            ("on", "on") => "on each join and leave",
            ("on", _) => "on each join",
            (_, "on") => "on each leave",
            _ => "when asked",
        };
        return $"rules: rekey {changes}, {Span(r["min-interval"])} apart, told within {Span(r["distribution-timeout"])}, grace {Span(r["grace"])}, "
            + (r["join-key"] == "current" ? "newcomers get the key in use" : "newcomers get only younger keys")
            + (r["ladder"] is { } rungs ? $", {rungs} keys told in advance" : "") + (r["revoke"] == "now" ? ", phones are told to forget" : "");
    }

    private static string Commitments(KeyChangeRecord r)
    {
        var texts = r.Fields.Where(f => f.Name == "commitment").Select(f => f.Value.Split(' ')).Select(c =>
            $"{c[0]} {c[^1][..Math.Min(16, c[^1].Length)]}").ToList();
        return texts.Count == 0 ? "" : $", commitment {string.Join(", ", texts)}";
    }

    private static string Span(string? ticks) =>
        long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            ? $"{new TimeSpan(n).TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} s" : "?";

    private static string Clock(string? at) => at is not null
        && KeyChangeRecord.TryTime(at, out var time) ? time.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture) : "?";

    /// <summary>nodeLost: node lost.</summary>
    private static string Words(string? name) => string.Concat((name ?? "?").Select(c => char.IsUpper(c)
        ? $" {char.ToLowerInvariant(c)}" : $"{c}"));
}
