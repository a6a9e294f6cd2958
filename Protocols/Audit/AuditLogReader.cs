using System.Globalization;

namespace ConfCluster.Protocols.Audit;

/// <summary>Makes an <see cref="AuditLog"/> of records. What cannot be read is named and left out.</summary>
internal sealed class AuditLogReader
{
    /// <summary>Rungs that one step can name; nobody is told more at once.</summary>
    private const int MaxRange = 64;

    private readonly AuditLog _log;
    private readonly HashSet<string> _names = [];

    private AuditLogReader(string conference) => _log = new AuditLog { Conference = conference };

    /// <param name="now">When the conference was looked at, for a node that runs; null: nothing is known after the last record.</param>
    public static AuditLog Read(string conference, IEnumerable<KeyChangeRecord> records, DateTimeOffset? now)
    {
        var reader = new AuditLogReader(conference);
        foreach (var record in records)
        {
            if (!reader.TryTake(record)) reader._log.Break(AuditRule.Record, record.Number, null, $"record {record.Number} ({record.What}) cannot be read");
        }

        reader.Follow();
        var last = reader._log.Records.Select(r => r.At).Concat(reader._log.Steps.Select(s => s.At)).DefaultIfEmpty().Max();
        reader._log.Horizon = now > last ? now.Value : last;
        return reader._log;
    }

    private bool TryTake(KeyChangeRecord record)
    {
        if (!KeyChangeRecord.TryTime(record.At, out var at)) return false;
        var moment = new AuditMoment(record.Number, at);
        _log.Records.Add(moment);
        switch (record.What)
        {
            case "created": _log.Begins.Add(moment); return true;
            case "taken": _log.Takeovers.Add(moment); return true;
            case "ended":
                foreach (var leg in _log.Legs.Values.Where(l => l.Left is null)) (leg.Left, leg.LeaveRecord) = (at, record.Number);
                _log.Ends.Add(moment);
                return true;
            case "joined": return TryJoin(record, at);
            case "left": return TryLeave(record, at);
            case "policy": return TryPolicy(record);
            case "epoch": return TryEpoch(record, at);
            case "ladder": return TryLadder(record);
            case "steps": return record.Fields.All(f => TryStep(record.Number, f.Value));
            case "mixer": return TryMixer(record, at);
            case "moved": return TryMoved(record);
            case "ssrcs":
                _log.Ssrcs.AddRange(record.Fields.Where(f => f.Name == "ssrc").Select(f => (f.Value, record.Number)));
                return true;
            case "deferred":
                if (record["for"] == "key") _log.Lacks.Add(moment);
                return true;
            default: return record.What is "planned" or "passed";
        }
    }

    private bool TryJoin(KeyChangeRecord record, DateTimeOffset at)
    {
        if (record["participant"] is not { } id || record["keying"] is not ("own" or "groupByMki" or "groupPlain" or "groupBothWays" or "switched")) return false;
        if (record["ssrc"] is { } ssrc) _log.Ssrcs.Add((ssrc, record.Number));
        if (record["uplink"] is { } uplink) _log.Ssrcs.Add((uplink, record.Number));
        var leg = new AuditLeg(id, Distinct(_names, record["identity"] ?? id), record["keying"] != "own", record.Number, at)
        {
            SendsWhatItTakes = record["keying"] == "groupBothWays",
            IsSwitched = record["keying"] == "switched",
        };
        return _log.Legs.TryAdd(id, leg);
    }

    private bool TryMixer(KeyChangeRecord record, DateTimeOffset at)
    {
        if (!TryNumber(record["incarnation"], out var incarnation)) return false;
        _log.Mixers.Add(new AuditMixer(record.Number, at, incarnation, record["loss"] is not null));
        _log.Ssrcs.AddRange(record.Fields.Where(f => f.Name == "ssrc").Select(f => (f.Value.Split(' ')[0], record.Number)));
        return true;
    }

    /// <summary>Its leg goes to another mixer.</summary>
    private bool TryMoved(KeyChangeRecord record)
    {
        if (record["participant"] is not { } id || !_log.Legs.TryGetValue(id, out var leg) || leg.Left is not null || record["ssrc"] is not { } ssrc) return false;
        _log.Ssrcs.Add((ssrc, record.Number));
        return true;
    }

    private bool TryLeave(KeyChangeRecord record, DateTimeOffset at)
    {
        if (record["participant"] is not { } id || !_log.Legs.TryGetValue(id, out var leg) || leg.Left is not null) return false;
        (leg.Left, leg.LeaveRecord) = (at, record.Number);
        return true;
    }

    private bool TryPolicy(KeyChangeRecord record)
    {
        if (!TrySpan(record["min-interval"], out var interval) || !TrySpan(record["distribution-timeout"], out var timeout)) return false;
        if (!TrySpan(record["grace"], out var grace)) return false;
        _log.Policies.Add(new AuditPolicy(
            record.Number, record["on-join"] == "on", record["on-leave"] == "on", interval, timeout, grace, record["join-key"] != "current",
            record["evict-bypasses-interval"] == "on"));
        return true;
    }

    private bool TryEpoch(KeyChangeRecord record, DateTimeOffset at)
    {
        if (!TryNumber(record["epoch"], out var number) || record["reason"] is not { } reason) return false;
        var commitments = record.Fields.Where(f => f.Name == "commitment").Select(f => f.Value).ToList();
        _log.Epochs.Add(new AuditEpoch(number, record.Number, at, reason, record["note"], commitments));
        return true;
    }

    private bool TryLadder(KeyChangeRecord record)
    {
        var rungs = new SortedDictionary<long, List<string>>();
        foreach (var parts in record.Fields.Where(f => f.Name == "rung").Select(f => f.Value.Split(' ', 2)))
        {
            if (parts.Length != 2 || !TryNumber(parts[0], out var number)) return false;
            if (!rungs.TryGetValue(number, out var commitments)) rungs.Add(number, commitments = []);
            commitments.Add(parts[1]);
        }

        _log.Rungs.AddRange(rungs.Select(r => new AuditRung(r.Key, record.Number, r.Value)));
        return rungs.Count > 0;
    }

    private bool TryStep(long record, string text)
    {
        var parts = text.Split(' ', 4);
        if (parts.Length != 4 || !TryRange(parts[1], out var epoch, out var to) || !KeyChangeRecord.TryTime(parts[2], out var at)) return false;
        if (parts[0] is not ("sent" or "confirmed" or "moved" or "ownKey" or "silenced" or "dropped" or "refused" or "deaf" or "told" or "ready")) return false;
        for (; epoch <= to; epoch++) _log.Steps.Add(new AuditStep(record, parts[0], epoch, at, parts[3]));
        return true;
    }

    /// <summary>One number, or the first and the last.</summary>
    private static bool TryRange(string text, out long from, out long to)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0) return TryNumber(text, out from) & TryNumber(text, out to);
        return TryNumber(text[..dash], out from) & TryNumber(text[(dash + 1)..], out to) && from < to && to - from < MaxRange;
    }

    /// <summary>Steps are stored a little later than they were made, in their order.</summary>
    private void Follow()
    {
        foreach (var step in _log.Steps.OrderBy(s => s.At).ToList())
        {
            if (!_log.Legs.TryGetValue(step.Participant, out var leg))
            {
                _log.Break(AuditRule.Record, step.Record, step.Participant, $"{step.Participant} {step.Kind} epoch {step.Epoch} and never joined");
                continue;
            }

            switch (step.Kind)
            {
                case "sent": leg.Sent.Add(new KeySent(step.Epoch, step.Record, step.At)); break;
                case "confirmed": leg.Took.TryAdd(step.Epoch, step.At); break;
                case "moved":
                    leg.Close(step.At);
                    leg.Open = new KeyUse(leg, step.Epoch, step.Record, step.At, null);
                    break;
                case "ownKey" or "silenced" or "dropped" or "deaf": leg.Close(step.At); break;
            }
        }

        foreach (var leg in _log.Legs.Values)
        {
            if (leg.Open is not { } open) continue;
            if (leg.Left is { } left) leg.Close(left < open.Start ? open.Start : left);
            else leg.Uses.Add(open);
        }
    }

    /// <summary>Phones often call themselves the same: the second is #2.</summary>
    internal static string Distinct(HashSet<string> taken, string name)
    {
        var distinct = name;
        for (var n = 2; !taken.Add(distinct); n++) distinct = $"{name} #{n}";
        return distinct;
    }

    private static bool TryNumber(string? text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static bool TrySpan(string? text, out TimeSpan time)
    {
        var isRead = TryNumber(text, out var ticks);
        time = new TimeSpan(ticks);
        return isRead;
    }
}
