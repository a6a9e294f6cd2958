using System.Collections.Immutable;
using ConfCluster.Actors.Audit;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Audit;

namespace ConfCluster.Host.Roles;

/// <summary>The audit of the conferences in a data directory, whether its node runs or not. Never writes there, but for the key when it is asked for.</summary>
internal sealed class AuditReading(ConfClusterSettings settings)
{
    /// <summary>What was decided last may not be stored yet.</summary>
    private static readonly TimeSpan StoredAfter = TimeSpan.FromSeconds(1);

    private readonly AuditJournal _journal = new(settings.Journal.Database);
    private readonly AuditKeyFile _key = new(settings.Audit.KeyFile);

    public string DataDirectory => Path.GetFullPath(settings.DataDirectory);

    /// <summary>For a node that runs: until when everything is known. Else nothing is known after the last record.</summary>
    public DateTimeOffset? Now() => Roles.DataDirectory.IsHeld(DataDirectory) ? TimeProvider.System.GetUtcNow() - StoredAfter : null;

    /// <summary>Also those of which only signed heads are left.</summary>
    public ImmutableArray<string> Conferences()
    {
        var signed = Directory.Exists(_key.HeadDirectory) ? Directory.EnumerateFiles(_key.HeadDirectory, "*.heads").Select(f => Path.GetFileNameWithoutExtension(f)) : [];
        return [.. _journal.Conferences().Union(signed).Order(StringComparer.Ordinal)];
    }

    public ImmutableArray<KeyChangeRecord> Records(string conference) => _journal.Of(conference);

    public ImmutableArray<AuditHead> Heads(string conference) => AuditHeadFile.Of(_key.HeadDirectory, conference)?.Read() ?? [];

    public AuditView View(string conference) => new(conference, Records(conference), Heads(conference), Now());

    /// <summary>Null when there is no key yet, or with a problem when it cannot be read.</summary>
    public AuditPublicKey? PublicKey(bool makeIt, out string problem)
    {
        problem = "";
        if (!makeIt && !File.Exists(_key.Path)) return null;
        using var seed = _key.Open(out problem);
        return seed is null ? null : AuditKey.PublicOf(seed);
    }

    /// <summary>The records with all heads, and one more that covers the last record.</summary>
    public AuditBundle? Export(AuditView view, out string problem)
    {
        using var seed = _key.Open(out problem);
        if (seed is null) return null;
        var chain = view.Records.Aggregate(AuditChain.Begin(view.Name), (c, r) => c.Append(r));
        return AuditBundle.Of(view.Name, view.Records, [.. view.Heads, AuditKey.Sign(seed, chain, TimeProvider.System.GetUtcNow())]);
    }
}

/// <param name="Now">Until when the records are all; null: until the last of them.</param>
internal sealed record AuditView(string Name, ImmutableArray<KeyChangeRecord> Records, ImmutableArray<AuditHead> Heads, DateTimeOffset? Now)
{
    public long SignedTo => Heads.Select(h => h.Number).DefaultIfEmpty().Max();

    public ExposureSummary Exposure() => Protocols.Audit.Exposure.Of(Name, Records, Now);

    public ImmutableArray<AuditViolation> Verify(IEnumerable<AuditHead> alsoShown, AuditPublicKey key) =>
    [
        .. AuditChain.Verify(Name, AuditChain.Link(Name, Records), [.. Heads, .. alsoShown], key), .. AuditChecks.Run(Name, Records, Now),
    ];
}
