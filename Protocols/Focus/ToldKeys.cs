using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// What an SDP of ours says of our keys: the group keys of the leg, oldest first, those of epochs to come that it was told, and its own, each under its MKI;
/// to a leg that cannot tell keys by MKI the newest group key alone, without one. Every SDP lists them all, since each takes the place of the one before
/// (RFC 4568 §7.1.4).
/// </summary>
internal sealed class ToldKeys : IDisposable
{
    /// <summary>The ladder and the three before it.</summary>
    private const int MaxUnknown = KeyLadder.MaxRungs + 3;

    private ToldKeys(ImmutableArray<MasterKey> keys) => Keys = keys;

    public ImmutableArray<MasterKey> Keys { get; }

    public static ToldKeys Of(ImmutableArray<GroupKey> group, MasterKey own)
    {
        ImmutableArray<MasterKey> shared = [.. All(group).Select(g => g.For(own.Profile)).OfType<MasterKey>()];
        if (own.Mki.IsPresent) return new ToldKeys([.. shared.Select(k => k.Copy()), own.Copy()]);
        return new ToldKeys(shared is [.., var newest] ? [new MasterKey(newest.Profile, newest.KeyAndSalt.Copy(), Mki.None, newest.Lifetime)] : [own.Copy()]);
    }

    /// <summary>
    /// The leg's group keys with <paramref name="next"/>: the one in use stays, and the newest that it took, since it may be about to be moved there. Either
    /// may have been told in advance.
    /// </summary>
    /// <param name="inUse">Null: its own key. Number 0: one of a former life of the focus, so that any may be.</param>
    /// <param name="taken">The newest that it took; null: the last that it was told.</param>
    public static ImmutableArray<GroupKey> With(ImmutableArray<GroupKey> group, GroupKey next, KeyEpoch? inUse, KeyEpoch? taken)
    {
        taken ??= group.Where(g => g.Epoch != next.Epoch).Select(g => (KeyEpoch?)g.Epoch).LastOrDefault();
        var others = All(group).Where(g => g.Epoch != next.Epoch && next.Rungs.All(r => r.Epoch != g.Epoch));
        var kept = inUse is { Number: 0 } ? others.TakeLast(MaxUnknown) : others.Where(g => g.Epoch == inUse || g.Epoch == taken);
        return [.. kept.Select(g => g.Rungs.IsEmpty && group.Contains(g) ? g : g.CopyWith([])), next];
    }

    private static IEnumerable<GroupKey> All(ImmutableArray<GroupKey> group) => group.SelectMany(g => (IEnumerable<GroupKey>)[g, .. g.Rungs]);

    /// <summary>RFC 4568 §7.1.2: whether the peer gives as its own a key that is ours or the group's. In constant time per key.</summary>
    public static bool AreRepeated(AcceptedMedia media, ImmutableArray<MasterKey> own, ImmutableArray<GroupKey> group)
    {
        var found = false;
        foreach (var ours in All(own, group))
            foreach (var theirs in media.Uplink)
                found |= ours.KeyAndSalt.FixedTimeEquals(theirs.KeyAndSalt);
        return found;
    }

    public static ImmutableArray<MasterKey> All(ImmutableArray<MasterKey> own, ImmutableArray<GroupKey> group) => [.. own, .. All(group).SelectMany(g => g.Keys)];

    public void Dispose()
    {
        foreach (var key in Keys) key.Dispose();
    }
}
