using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Phone;

/// <summary>
/// Keys of the group that came in a bundle which another has replaced. Where media is forwarded unopened others still send under them, and so does the phone, until
/// a message of the new bundle has told it to send under a key of that, and the next message after that has come. Owns its copies.
/// </summary>
internal sealed class CarriedKeys : IDisposable
{
    private ImmutableArray<MasterKey> _keys = [];

    /// <summary>What packets are opened with from now on.</summary>
    /// <param name="told">What the message brings; taken over.</param>
    /// <param name="before">What was so far; borrowed.</param>
    /// <param name="sendsUnder">What the phone sent under until this message; null: a key of its own.</param>
    /// <param name="begins">The message begins a new bundle and lets the phone go on as it is.</param>
    public ImmutableArray<MasterKey> Carry(ImmutableArray<MasterKey> told, ImmutableArray<MasterKey> before, Mki? sendsUnder, bool begins)
    {
        if (begins) Replace([.. before.Where(k => GroupKey.IsOfAnEpoch(k.Mki)).Select(k => k.Copy())]);
        else if (!_keys.Any(k => k.Mki == sendsUnder)) Replace([]);
        return [.. _keys.Where(k => told.All(t => t.Mki != k.Mki)).Select(k => k.Copy()), .. told];
    }

    public void Dispose() => Replace([]);

    private void Replace(ImmutableArray<MasterKey> keys)
    {
        foreach (var key in _keys) key.Dispose();
        _keys = keys;
    }
}
