using ConfCluster.Protocols.Keys;

namespace ConfCluster.Protocols.Srtp;

/// <summary>Where a key stands: installed and active and retired can receive, active alone sends.</summary>
public enum KeyPhase : byte
{
    Installed, Active, Retired,
}

/// <summary>
/// The master keys that a party holds at one moment in one direction, by MKI (RFC 3711 §3.2.1): all of one profile and with MKIs of one
/// length, or a single key without MKI. Owns them: install → activate → retire → destroy. ROC and replay windows belong to the
/// sources, not to the keys, and outlive every rekey (RFC 3711 §3.3.1).
/// </summary>
public sealed class KeyRing(SrtpProfile profile) : IDisposable
{
    private readonly List<(SessionKeys Keys, KeyPhase Phase)> _entries = [];
    private SessionKeys? _found;

    public SrtpProfile Profile { get; } = profile;

    /// <summary>Octets of MKI in every packet; 0 without.</summary>
    public int MkiLength { get; private set; }

    public int Count => _entries.Count;

    /// <summary>The keys to send with, or null before the first activation.</summary>
    public SessionKeys? Active { get; private set; }

    /// <summary>Takes ownership and derives the session keys; the key can be received with from now on.</summary>
    /// <exception cref="InvalidOperationException">Another profile, another MKI length, or an MKI that is already there: our bug.</exception>
    public void Install(MasterKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.Profile != Profile) throw new InvalidOperationException($"a {key.Profile} key in a ring of {Profile}");
        if (_entries.Count > 0 && (!key.Mki.IsPresent || key.Mki.Length != MkiLength))
            throw new InvalidOperationException("the keys of a ring have MKIs of one length");
        if (Contains(key.Mki)) throw new InvalidOperationException($"{key.Mki} is installed already");
        MkiLength = key.Mki.Length;
        _entries.Add((new SessionKeys(key), KeyPhase.Installed));
    }

    public bool Contains(Mki mki) => IndexOf(mki) >= 0;

    /// <summary>The MKIs of its keys.</summary>
    public IEnumerable<Mki> Names() => _entries.Select(e => e.Keys.Mki);

    public KeyPhase PhaseOf(Mki mki) => _entries[Require(mki)].Phase;

    /// <summary>The key to send with from now on; the one before it is retired.</summary>
    public void Activate(Mki mki)
    {
        var next = Require(mki);
        for (var i = 0; i < _entries.Count; i++)
            if (_entries[i].Phase == KeyPhase.Active)
                _entries[i] = (_entries[i].Keys, KeyPhase.Retired);
        _entries[next] = (_entries[next].Keys, KeyPhase.Active);
        Active = _entries[next].Keys;
    }

    public void Retire(Mki mki)
    {
        var i = Require(mki);
        if (ReferenceEquals(Active, _entries[i].Keys)) Active = null;
        _entries[i] = (_entries[i].Keys, KeyPhase.Retired);
    }

    /// <summary>Zeroes the key; packets that name it are unknown from now on.</summary>
    public void Destroy(Mki mki)
    {
        var i = Require(mki);
        if (ReferenceEquals(Active, _entries[i].Keys)) Active = null;
        _entries[i].Keys.Dispose();
        _entries.RemoveAt(i);
        _found = null;
    }

    /// <summary>The keys that a packet's MKI field names (empty: the only key), or null.</summary>
    internal SessionKeys? Find(ReadOnlySpan<byte> field)
    {
        if (field.Length != MkiLength) return null;
        if (field.IsEmpty) return _entries.Count == 1 ? _entries[0].Keys : null;
        if (!Mki.TryRead(field, out var mki)) return null;
        // Nearly every packet names the key of the one before.
        if (_found is { } found && found.Mki == mki) return found;
        foreach (var entry in _entries)
            if (entry.Keys.Mki == mki)
                return _found = entry.Keys;
        return null;
    }

    /// <summary>The same keys in the same order, compared in constant time: an offer that repeats them is no key action.</summary>
    public bool Holds(ReadOnlySpan<MasterKey> keys)
    {
        if (keys.Length != _entries.Count) return false;
        for (var i = 0; i < keys.Length; i++)
        {
            var mine = _entries[i].Keys.Master;
            if (mine.Profile != keys[i].Profile || mine.Mki != keys[i].Mki || !mine.KeyAndSalt.FixedTimeEquals(keys[i].KeyAndSalt)) return false;
        }

        return true;
    }

    public void Dispose()
    {
        foreach (var entry in _entries) entry.Keys.Dispose();
        _entries.Clear();
        (Active, _found) = (null, null);
    }

    private int IndexOf(Mki mki) => _entries.FindIndex(e => e.Keys.Master.Mki == mki);

    private int Require(Mki mki) => IndexOf(mki) is >= 0 and var i ? i : throw new InvalidOperationException($"{mki} is not in the ring");
}
