using System.Collections.Immutable;
using System.Security.Cryptography;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Conference;

/// <summary>
/// The group keys of one conference while they live, made by the system's generator or by the KMS, and those between its mixers; zeroed when the conference says so, or
/// goes.
/// </summary>
internal sealed class GroupKeyKeeper(ConferenceId conference, ImmutableArray<SrtpProfile> suites)
{
    private const int RandLength = 32;
    private readonly Dictionary<KeyEpoch, GroupKey> _keys = [];
    private readonly HashSet<(MixerId, KeyEpoch)> _told = [];
    private readonly Queue<SecretBytes> _stock = [];
    private readonly HashSet<MixerId> _joined = [];
    private TrunkKeys? _trunk;

    /// <summary>A key that was told in advance is there already.</summary>
    public ImmutableArray<KeyCommitment> Make(KeyEpoch epoch)
    {
        if (!_keys.TryGetValue(epoch, out var key)) _keys.Add(epoch, key = GroupKey.Generate(epoch, suites, RandomNumberGenerator.Fill));
        return key.Commit(conference.Value);
    }

    /// <summary>Keys of the KMS for epochs to come; takes them over.</summary>
    public void Stock(ImmutableArray<SecretBytes> keys)
    {
        foreach (var key in keys) _stock.Enqueue(key);
    }

    /// <summary>As <see cref="Make"/>, of a key of the KMS.</summary>
    public ImmutableArray<KeyCommitment> Take(KeyEpoch epoch)
    {
        if (_keys.TryGetValue(epoch, out var key)) return key.Commit(conference.Value);
        using var gtgk = _stock.Dequeue();
        var rand = new byte[RandLength];
        RandomNumberGenerator.Fill(rand);
        _keys.Add(epoch, key = KmsGroupKey.Derive(gtgk, Octets.CopyOf(rand), epoch, suites));
        return key.Commit(conference.Value);
    }

    /// <summary>For a message; its receiver owns it.</summary>
    /// <param name="to">With the rungs up to this one that are not given up; null: without any.</param>
    public GroupKey Copy(KeyEpoch epoch, KeyEpoch? to = null) =>
        _keys[epoch].CopyWith(_keys.Values.Where(k => k.Epoch > epoch && k.Epoch <= to).OrderBy(k => k.Epoch));

    /// <summary>Those that a mixer needs for a state and has not been told yet.</summary>
    /// <param name="again">It has missed something, so it is told all of them.</param>
    public IEnumerable<GroupKey> For(MixerState state, bool again) =>
        state.Epochs.Where(e => _keys.ContainsKey(e) && (_told.Add((state.Mixer, e)) || again)).Select(e => Copy(e));

    /// <summary>Those between the mixers that a state joins, when its mixer has not been told them yet; null: it needs none. Its receiver owns it.</summary>
    /// <param name="again">It has missed something.</param>
    public TrunkKeys? TrunkFor(MixerState state, bool again)
    {
        if (state.Trunk is not { } plan) return null;
        if (plan.Generation > (_trunk?.Generation ?? 0))
        {
            DestroyTrunk();
            _trunk = TrunkKeys.Generate(plan.Generation, plan.Peers.Select(p => p.Mixer).Append(state.Mixer), RandomNumberGenerator.Fill);
        }

        return _trunk!.Generation == plan.Generation && (_joined.Add(state.Mixer) || again) ? _trunk.Copy() : null;
    }

    /// <summary>Its mixers are over.</summary>
    public void DestroyTrunk()
    {
        _trunk?.Dispose();
        _trunk = null;
        _joined.Clear();
    }

    public void Destroy(KeyEpoch epoch)
    {
        if (_keys.Remove(epoch, out var key)) key.Dispose();
        _told.RemoveWhere(t => t.Item2 == epoch);
    }

    public void DestroyAll()
    {
        foreach (var key in _keys.Values) key.Dispose();
        _keys.Clear();
        while (_stock.TryDequeue(out var unused)) unused.Dispose();
        DestroyTrunk();
    }
}
