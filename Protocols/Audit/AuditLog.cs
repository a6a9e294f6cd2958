namespace ConfCluster.Protocols.Audit;

/// <summary>When media to a leg was under an epoch.</summary>
/// <param name="End">Null: it still is where the log ends.</param>
internal sealed record KeyUse(AuditLeg Leg, long Epoch, long Record, DateTimeOffset Start, DateTimeOffset? End);

internal sealed record KeySent(long Epoch, long Record, DateTimeOffset At);

/// <summary>A participant from its join to its leave, and its keys.</summary>
internal sealed class AuditLeg(string id, string name, bool isInGroup, long record, DateTimeOffset joined)
{
    public string Id => id;

    public string Name => name;

    public bool IsInGroup => isInGroup;

    /// <summary>What it sends is under the newest key that it was sent, as soon as it has it.</summary>
    public bool SendsWhatItTakes { get; init; }

    /// <summary>Its media is forwarded unopened; it sends under what it was told in a second round.</summary>
    public bool IsSwitched { get; init; }

    public long JoinRecord => record;

    public DateTimeOffset Joined => joined;

    public long? LeaveRecord { get; set; }

    public DateTimeOffset? Left { get; set; }

    public List<KeySent> Sent { get; } = [];

    public Dictionary<long, DateTimeOffset> Took { get; } = [];

    public List<KeyUse> Uses { get; } = [];

    /// <summary>Media under a group key was last sent to it, and which.</summary>
    public KeyUse? Open { get; set; }

    public bool IsInAt(DateTimeOffset at) => joined <= at && (Left is null || at < Left);

    public void Close(DateTimeOffset at)
    {
        if (Open is not { } open) return;
        Uses.Add(open with { End = at });
        Open = null;
    }
}

internal sealed record AuditEpoch(long Number, long Record, DateTimeOffset At, string Reason, string? Note, IReadOnlyList<string> Commitments);

/// <summary>A key that was made for an epoch to come, to be told in advance.</summary>
internal sealed record AuditRung(long Number, long Record, IReadOnlyList<string> Commitments);

/// <summary>The rules as stored; those that the checks need.</summary>
internal sealed record AuditPolicy(
    long Record, bool OnJoin, bool OnLeave, TimeSpan MinInterval, TimeSpan DistributionTimeout, TimeSpan Grace, bool NextEpochOnly, bool EvictionBypasses)
{
    /// <summary>How long a leaver may be exposed.</summary>
    public TimeSpan BoundOf(bool isSwitched) =>
        (isSwitched ? BeginsWithin(true) : TimeSpan.Zero) + ReachesWithin(isSwitched) + Grace + (isSwitched ? TimeSpan.Zero : MinInterval);

    /// <summary>Where media is forwarded unopened a change may meet a rekeying of two rounds, and waits for its end.</summary>
    public TimeSpan BeginsWithin(bool isSwitched) => isSwitched && 2 * DistributionTimeout > MinInterval ? 2 * DistributionTimeout : MinInterval;

    /// <summary>Both rounds, and the wait for an epoch in the place of one that a leaver took along.</summary>
    public TimeSpan ReachesWithin(bool isSwitched) => isSwitched ? MinInterval + 2 * DistributionTimeout : DistributionTimeout;

    public bool Bypasses(string reason) => reason switch
    {
        "asked" or "focusRecovered" or "mixerReplaced" or "wornOut" => true,
        "evicted" => EvictionBypasses,
        _ => false,
    };
}

internal sealed record AuditStep(long Record, string Kind, long Epoch, DateTimeOffset At, string Participant);

/// <param name="TakesOver">Another had its place.</param>
internal sealed record AuditMixer(long Record, DateTimeOffset At, long Incarnation, bool TakesOver);

/// <summary>A moment at which the conference began, was taken over, or ended.</summary>
internal sealed record AuditMoment(long Record, DateTimeOffset At);

/// <summary>
/// The records of a conference, read by themselves: who was in when, was sent which key, and was under which. Shares no code with what made
/// the events, so that a fault there is not made here again.
/// </summary>
internal sealed class AuditLog
{
    /// <summary>Made when they are first asked for: by then everything is read.</summary>
    private Dictionary<long, (DateTimeOffset First, DateTimeOffset? Last, bool IsOpen)>? _uses;

    private Dictionary<long, DateTimeOffset>? _sends;
    private Dictionary<long, long>? _begun;
    private Dictionary<long, long>? _rungs;

    public required string Conference { get; init; }

    public List<AuditViolation> Violations { get; } = [];

    public List<AuditMoment> Records { get; } = [];

    public Dictionary<string, AuditLeg> Legs { get; } = new(StringComparer.Ordinal);

    public List<AuditEpoch> Epochs { get; } = [];

    public List<AuditRung> Rungs { get; } = [];

    public List<AuditPolicy> Policies { get; } = [];

    public List<AuditStep> Steps { get; } = [];

    public List<AuditMixer> Mixers { get; } = [];

    /// <summary>Every SSRC that was given to anybody, and in which record.</summary>
    public List<(string Ssrc, long Record)> Ssrcs { get; } = [];

    public List<AuditMoment> Begins { get; } = [];

    public List<AuditMoment> Takeovers { get; } = [];

    public List<AuditMoment> Ends { get; } = [];

    /// <summary>From when on a rekeying that was due waited for a key of the KMS.</summary>
    public List<AuditMoment> Lacks { get; } = [];

    /// <summary>Until when it is known how it was.</summary>
    public DateTimeOffset Horizon { get; set; }

    /// <summary>The first rules are stored with the first join, behind it.</summary>
    public AuditPolicy? PolicyAt(long record) => Policies.LastOrDefault(p => p.Record <= record) ?? Policies.FirstOrDefault();

    /// <summary>Its media is forwarded unopened.</summary>
    public bool IsSwitched => Legs.Values.Any(l => l.IsSwitched);

    public IEnumerable<KeyUse> Uses => Legs.Values.SelectMany(l => l.Uses);

    /// <summary>Media to a leg, or what a leg may have sent that does so under the key that it was told last.</summary>
    public DateTimeOffset? FirstUse(long epoch)
    {
        _sends ??= Legs.Values.Where(l => l.SendsWhatItTakes).SelectMany(l => l.Sent).Select(s => (s.Epoch, s.At))
            .Concat(Steps.Where(s => s.Kind == "told").Select(s => (s.Epoch, s.At)))
            .GroupBy(s => s.Epoch).ToDictionary(g => g.Key, g => g.Min(s => s.At));
        var used = UsesOf(epoch).Select(u => (DateTimeOffset?)u.First).FirstOrDefault();
        return _sends.TryGetValue(epoch, out var sent) && (used is null || sent < used) ? sent : used;
    }

    /// <summary>Null: never used, or still in use where the log ends.</summary>
    public DateTimeOffset? LastUse(long epoch, out bool isOpen)
    {
        var (_, last, open) = UsesOf(epoch).FirstOrDefault();
        isOpen = open;
        return isOpen ? null : last;
    }

    /// <summary>Whether that number began before that record.</summary>
    public bool HasBegun(long epoch, long record) => (_begun ??= First(Epochs.Select(e => (e.Number, e.Record)))).TryGetValue(epoch, out var at) && at < record;

    /// <summary>Whether a key for that number was made before that record, to be told in advance.</summary>
    public bool IsRung(long epoch, long record) => (_rungs ??= First(Rungs.Select(r => (r.Number, r.Record)))).TryGetValue(epoch, out var at) && at < record;

    /// <summary>One or none: when it was first used, last used, and whether it still is.</summary>
    private IEnumerable<(DateTimeOffset First, DateTimeOffset? Last, bool IsOpen)> UsesOf(long epoch)
    {
        _uses ??= Uses.GroupBy(u => u.Epoch).ToDictionary(g => g.Key, g => (g.Min(u => u.Start), g.Max(u => u.End), g.Any(u => u.End is null)));
        if (_uses.TryGetValue(epoch, out var span)) yield return span;
    }

    private static Dictionary<long, long> First(IEnumerable<(long Number, long Record)> all) =>
        all.GroupBy(a => a.Number).ToDictionary(g => g.Key, g => g.Min(a => a.Record));

    public string NameOf(string participant) => Legs.TryGetValue(participant, out var leg) ? leg.Name : participant;

    public void Break(AuditRule rule, long? record, string? who, string text) =>
        Violations.Add(new AuditViolation(record, rule, who is null ? null : NameOf(who), text));
}
