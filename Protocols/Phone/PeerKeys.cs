using System.Collections.Immutable;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Phone;

/// <summary>
/// What a phone opens packets with: every key that the peer's newest SDP lists, and for a while those that it listed before, since packets under them are
/// still on their way. Keys without MKI cannot stand beside each other, so there the newest replaces the one before. Owns its copies.
/// </summary>
internal sealed class PeerKeys : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly List<(MasterKey Key, TimeSpan? Until)> _former = [];
    private ImmutableArray<MasterKey> _listed = [];

    /// <summary>Copies of all of them; the receiver owns them.</summary>
    public ImmutableArray<MasterKey> Copies => [.. _listed.Select(k => k.Copy()), .. _former.Select(f => f.Key.Copy())];

    /// <param name="keys">Borrowed.</param>
    /// <param name="moved">RFC 4568 §7.1.4: another crypto context, which former keys are no part of.</param>
    public void List(ImmutableArray<MasterKey> keys, bool moved)
    {
        _former.AddRange(_listed.Select(k => (k, (TimeSpan?)null)));
        _listed = [.. keys.Select(k => k.Copy())];
        Drop(f => moved || !FitsBeside(f.Key));
    }

    /// <summary>True: some are gone now. What was left at the time of the last call counts from this one.</summary>
    public bool Age(TimeSpan now)
    {
        for (var i = 0; i < _former.Count; i++) _former[i] = (_former[i].Key, _former[i].Until ?? now + Grace);
        return Drop(f => f.Until <= now);
    }

    public void Dispose()
    {
        Drop(_ => true);
        foreach (var key in _listed) key.Dispose();
        _listed = [];
    }

    /// <summary>RFC 4568 §6.1: MKIs of one length, each naming one key.</summary>
    private bool FitsBeside(MasterKey former) =>
        former.Mki.IsPresent && _listed.All(k => k.Profile == former.Profile && k.Mki.Length == former.Mki.Length && k.Mki != former.Mki);

    private bool Drop(Predicate<(MasterKey Key, TimeSpan? Until)> over)
    {
        foreach (var former in _former)
            if (over(former))
                former.Key.Dispose();
        return _former.RemoveAll(over) > 0;
    }
}
