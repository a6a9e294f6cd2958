using System.Collections.Immutable;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Audit;

/// <summary>
/// Follows the journal and signs how far a conference is, whenever an epoch began or it ended. What it signed once it compares before it
/// signs more: a journal that was changed meanwhile is told, and never signed again.
/// </summary>
public sealed class AuditSigner : IDisposable
{
    /// <summary>Ended conferences whose chain is kept, so that a name that is used again and again is not read from its beginning each time.</summary>
    private const int MaxEnded = 10_000;

    private readonly Lock _one = new();
    private readonly AuditJournal _journal;
    private readonly string _heads;
    private readonly SecretBytes _seed;
    private readonly TimeProvider _clock;
    private readonly Dictionary<string, AuditChain> _chains = [];
    private readonly Queue<string> _ended = [];
    private readonly HashSet<string> _broken = [];
    private long _row;

    /// <param name="seed">Is the signer's from now on.</param>
    /// <param name="after">The row of the journal after which it begins.</param>
    public AuditSigner(AuditJournal journal, string heads, SecretBytes seed, long after, TimeProvider clock) =>
        (_journal, _heads, _seed, _row, _clock) = (journal, heads, seed, after, clock);

    /// <summary>Everything that was stored since the last pass.</summary>
    /// <returns>Conferences whose stored events are not those that were signed, each told once.</returns>
    public ImmutableArray<string> Pass()
    {
        lock (_one)
        {
            var (events, row) = _journal.After(_row);
            var found = events.GroupBy(e => e.Conference).Where(c => !Follow(c.Key, [.. c.Select(e => e.Record)])).Select(c => c.Key).ToImmutableArray();
            _row = row;
            return found;
        }
    }

    public void Dispose()
    {
        lock (_one) _seed.Dispose();
    }

    private bool Follow(string conference, ImmutableArray<KeyChangeRecord> news)
    {
        if (_broken.Contains(conference) || AuditHeadFile.Of(_heads, conference) is not { } file) return true;
        if (Continued(conference, news) is not { } chain && !TryRead(conference, file, news[^1].Number, out chain))
        {
            _broken.Add(conference);
            _chains.Remove(conference);
            return false;
        }

        _chains[conference] = chain;
        if (news.Any(r => r.What is "epoch" or "ended")) file.Append(AuditKey.Sign(_seed, chain, _clock.GetUtcNow()));
        if (news[^1].What == "ended") _ended.Enqueue(conference);
        if (_ended.Count > MaxEnded) _chains.Remove(_ended.Dequeue());
        return true;
    }

    /// <summary>Null: the chain is not known, or does not go on where the news begin.</summary>
    private AuditChain? Continued(string conference, ImmutableArray<KeyChangeRecord> news)
    {
        var chain = _chains.GetValueOrDefault(conference);
        foreach (var record in news)
        {
            if (chain is null || record.Number > chain.Number + 1) return null;
            if (record.Number == chain.Number + 1) chain = chain.Append(record);
        }

        return chain;
    }

    private bool TryRead(string conference, AuditHeadFile file, long upTo, out AuditChain chain)
    {
        chain = AuditChain.Begin(conference);
        var heads = file.Read();
        var last = heads.IsEmpty ? null : heads[^1];
        var isAsSigned = last is null || last.Number == 0;
        foreach (var record in _journal.Of(conference).Where(r => r.Number <= upTo))
        {
            chain = chain.Append(record);
            isAsSigned |= record.Number == last?.Number && chain.Hash == last.Hash;
        }

        return isAsSigned;
    }
}
