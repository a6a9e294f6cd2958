using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>The group keys that a mixer holds: those of the epochs that its state names, those in use by a leg, and those it was given ahead of a state.</summary>
internal sealed class GroupKeys : IDisposable
{
    private readonly Dictionary<KeyEpoch, EpochKeys> _epochs = [];
    private KeyEpoch _newestNamed;

    /// <summary>SRTCP indices that are used, under these keys and those of the legs.</summary>
    public SrtcpIndices Indices { get; } = new();

    public int Count => _epochs.Count;

    /// <summary>Packets under the key of the newest epoch that was used most; for its limits.</summary>
    public ulong NewestPackets => _epochs.Count == 0 ? 0 : _epochs[_epochs.Keys.Max()].Packets;

    /// <summary>Takes ownership. False: it is there already, and the other is zeroed.</summary>
    public bool Install(GroupKey key)
    {
        if (_epochs.TryAdd(key.Epoch, new EpochKeys(key, Indices))) return true;
        key.Dispose();
        return false;
    }

    /// <summary>Whether one of those is a group key, of any epoch and for any suite.</summary>
    public bool Holds(ReadOnlySpan<KeyFingerprint> keys)
    {
        var holds = false;
        foreach (var epoch in _epochs.Values) holds |= KeyOwners.Meet(epoch.Fingerprints.AsSpan(), keys);
        return holds;
    }

    public GroupProtector? Find(KeyEpoch epoch, SrtpProfile suite) => _epochs.TryGetValue(epoch, out var keys) ? keys.For(suite) : null;

    /// <summary>Copies of all that are for that suite, and are not <paramref name="known"/>; the caller owns them.</summary>
    public IEnumerable<MasterKey> CopiesFor(SrtpProfile suite, Func<Mki, bool> known) =>
        _epochs.Keys.Where(e => !known(GroupKey.MkiOf(e))).Select(e => _epochs[e].CopyFor(suite)).OfType<MasterKey>();

    public bool Has(Mki mki) => _epochs.Keys.Any(e => GroupKey.MkiOf(e) == mki);

    /// <summary>Zeroes what nobody wants any more.</summary>
    public void Keep(ImmutableArray<KeyEpoch> named, Func<KeyEpoch, bool> isInUse)
    {
        foreach (var epoch in named)
            if (epoch > _newestNamed)
                _newestNamed = epoch;
        foreach (var epoch in _epochs.Keys.ToArray())
        {
            if (epoch > _newestNamed || named.Contains(epoch) || isInUse(epoch)) continue;
            _epochs[epoch].Dispose();
            _epochs.Remove(epoch);
        }
    }

    public void Dispose()
    {
        foreach (var keys in _epochs.Values) keys.Dispose();
        _epochs.Clear();
    }

    private sealed class EpochKeys(GroupKey key, SrtcpIndices indices) : IDisposable
    {
        private readonly Dictionary<SrtpProfile, GroupProtector> _bySuite = [];

        public ImmutableArray<KeyFingerprint> Fingerprints { get; } = [.. key.Keys.Select(KeyFingerprint.Of)];

        public ulong Packets => _bySuite.Count == 0 ? 0 : _bySuite.Values.Max(p => p.Packets);

        public GroupProtector? For(SrtpProfile suite)
        {
            if (_bySuite.TryGetValue(suite, out var made)) return made;
            return key.For(suite) is { } master ? _bySuite[suite] = new GroupProtector(master.Copy(), indices) : null;
        }

        public MasterKey? CopyFor(SrtpProfile suite) => key.For(suite)?.Copy();

        public void Dispose()
        {
            foreach (var protector in _bySuite.Values) protector.Dispose();
            key.Dispose();
        }
    }
}

/// <summary>
/// Protects under one group key, whatever stream it is: one place knows every (SSRC, index) that was used with it, and throws at a second use
/// (RFC 3711 §9.1). The indices of SRTCP are the mixer's and go on under the next key (§3.4).
/// </summary>
internal sealed class GroupProtector : IDisposable
{
    private readonly KeyRing _ring;
    private readonly SrtpSender _rtp;
    private readonly SrtcpSender _rtcp;

    public GroupProtector(MasterKey key, SrtcpIndices indices)
    {
        _ring = new KeyRing(key.Profile);
        _ring.Install(key);
        _ring.Activate(key.Mki);
        (_rtp, _rtcp) = (new SrtpSender(_ring), new SrtcpSender(_ring, indices));
    }

    public ulong Packets { get; private set; }

    public int Protect(Span<byte> packet, int length, ulong index)
    {
        Packets++;
        return _rtp.Protect(packet, length, new PacketIndex(index));
    }

    public int ProtectRtcp(Span<byte> packet, int length)
    {
        Packets++;
        return _rtcp.Protect(packet, length);
    }

    /// <summary>The same ciphertext for a leg that was told no MKI: MKI and tag stand behind it, and the tag does not cover the MKI (RFC 3711 §3.1).</summary>
    public int WithoutMki(ReadOnlySpan<byte> packet, bool rtcp, Span<byte> into)
    {
        var tail = rtcp ? SrtpTail.Rtcp(_ring.Profile, _ring.MkiLength) : SrtpTail.Rtp(_ring.Profile, _ring.MkiLength);
        var mki = packet.Length - tail.Length + tail.Mki;
        packet[..mki].CopyTo(into);
        packet[(mki + _ring.MkiLength)..].CopyTo(into[mki..]);
        return packet.Length - _ring.MkiLength;
    }

    public void Dispose() => _ring.Dispose();
}
