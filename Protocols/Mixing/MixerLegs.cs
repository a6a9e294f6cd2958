using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Who is at a mixer, under which SSRC and with which keys: legs are opened and closed, the newest state admits them, and keys find their legs. What flows is
/// <see cref="ConferenceMixer"/>'s.
/// </summary>
internal sealed class MixerLegs(MixerSettings settings, SecretWriter random, DateTimeOffset origin, TickMix mix, SharedStreams shared) : IDisposable
{
    private readonly Dictionary<ParticipantId, Leg> _byParticipant = [];
    private readonly Dictionary<ParticipantId, OutputStream> _ended = [];
    private readonly List<Leg?> _legs = [];
    private readonly GroupKeys _keys = new();
    private readonly KeyOwners _uplinks = new();
    private readonly Queue<ParticipantId> _repeating = [];
    private SsrcOwners? _owners;
    private Dictionary<ParticipantId, MixerLeg> _admitted = [];
    private Dictionary<ParticipantId, ImmutableArray<UplinkIndex>>? _resumes;

    /// <summary>By slot.</summary>
    public List<Leg?> All => _legs;

    public int Count => _byParticipant.Count;

    /// <summary>The newest state taken, or null.</summary>
    public MixerState? State { get; private set; }

    /// <summary>Whose SSRC is whose; ours are nobody's.</summary>
    public SsrcOwners Owners => _owners ??= new SsrcOwners(IsOurs);

    /// <summary>Packets under the newest group key.</summary>
    public ulong GroupKeyPackets => _keys.NewestPackets;

    public Leg? Find(ParticipantId participant) => _byParticipant.GetValueOrDefault(participant);

    public Leg? At(int slot) => (uint)slot < (uint)_legs.Count ? _legs[slot] : null;

    /// <summary>As the newest state has it; null: it is not in.</summary>
    public MixerLeg? Admitted(ParticipantId participant) => _admitted.TryGetValue(participant, out var wanted) ? wanted : null;

    /// <returns>False: not newer than the state there is; nothing changed.</returns>
    public bool SetState(MixerState state)
    {
        if (!state.IsNewerThan(State)) return false;
        State = state;
        mix.LegsChanged();
        _admitted = state.Legs.ToDictionary(l => l.Participant);
        _resumes = state.Resumes.IsEmpty ? null : state.Resumes.ToDictionary(r => r.Participant, r => r.Indices);
        shared.Reserve(state.SharedSsrcs.AsSpan());
        foreach (var leg in _byParticipant.Values)
        {
            if (_admitted.TryGetValue(leg.Participant, out var wanted)) Admit(leg, wanted);
            else Expel(leg);
        }

        _keys.Keep(state.Epochs, IsInUse);
        foreach (var leg in _byParticipant.Values) leg.Uplink.Keys.Unshare(_keys.Has);
        return true;
    }

    /// <summary>As <see cref="ConferenceMixer.SetGroupKey"/>.</summary>
    public void SetGroupKey(GroupKey key)
    {
        if (!_keys.Install(key)) return;
        mix.LegsChanged();
        foreach (var leg in _byParticipant.Values) Key(leg);
    }

    /// <summary>As <see cref="ConferenceMixer.OpenLeg"/>.</summary>
    /// <param name="isNew">False: it was open.</param>
    public int Open(ParticipantId participant, out bool isNew)
    {
        isNew = !_byParticipant.TryGetValue(participant, out var open);
        if (!isNew) return open!.Slot;
        var slot = _legs.IndexOf(null);
        if (slot < 0)
        {
            slot = _legs.Count;
            _legs.Add(null);
        }

        if (!_ended.Remove(participant, out var output)) output = new OutputStream(random, settings.Codecs, _keys.Indices);
        var leg = new Leg(participant, slot, output, settings, origin);
        mix.LegsChanged();
        _legs[slot] = _byParticipant[participant] = leg;
        if (_admitted.TryGetValue(participant, out var wanted)) Admit(leg, wanted);
        return slot;
    }

    /// <summary>As <see cref="ConferenceMixer.TryClaim"/>.</summary>
    public bool TryClaim(ParticipantId participant, ReadOnlySpan<KeyFingerprint> uplink) =>
        !(_keys.Holds(uplink) | !_uplinks.TryClaim(participant, uplink));

    /// <summary>As <see cref="ConferenceMixer.TakeKeys"/>.</summary>
    public ImmutableArray<KeyFingerprint> TakeKeys(ParticipantId participant, bool all) => _uplinks.TakeNews(participant, all);

    /// <summary>Nothing came of its leg.</summary>
    public void Disclaim(ParticipantId participant)
    {
        if (!_byParticipant.ContainsKey(participant)) _uplinks.Free(participant);
    }

    /// <summary>The next leg whose media was not taken since its keys are another's, each once.</summary>
    public bool TryTakeRepeating(out ParticipantId participant) => _repeating.TryDequeue(out participant!);

    /// <summary>As <see cref="ConferenceMixer.SetLeg"/>.</summary>
    public bool Use(LegMedia media)
    {
        if (!_byParticipant.TryGetValue(media.Participant, out var leg))
        {
            media.Dispose();
            return false;
        }

        if (!TryClaim(media.Participant, [.. media.Uplink.Select(KeyFingerprint.Of)]))
        {
            media.Dispose();
            _repeating.Enqueue(leg.Participant);
            return false;
        }

        if (!leg.Use(media)) return false;
        mix.LegsChanged();
        Key(leg);
        return true;
    }

    /// <summary>As <see cref="ConferenceMixer.CloseLeg"/>.</summary>
    /// <returns>The slot that is free; null: it was not open.</returns>
    public int? Close(ParticipantId participant)
    {
        if (!_byParticipant.Remove(participant, out var leg)) return null;
        mix.LegsChanged();
        mix.Talkers.Forget(leg);
        _uplinks.Free(participant);
        leg.Dispose();
        Owners.Free(leg);
        if (leg.Output.Packets.HasSsrc) _ended[participant] = leg.Output;
        _legs[leg.Slot] = null;
        return leg.Slot;
    }

    public void Dispose()
    {
        foreach (var leg in _byParticipant.Values) leg.Dispose();
        _byParticipant.Clear();
        _legs.Clear();
        _keys.Dispose();
    }

    private void Admit(Leg leg, MixerLeg wanted)
    {
        if (_resumes is not null && _resumes.TryGetValue(leg.Participant, out var indices)) leg.Uplink.Resume(indices);
        leg.Admit(wanted.Ssrc);
        leg.Want(wanted.Key);
        leg.Registered = wanted.Uplink;
        if (wanted.Uplink != default) Owners.Register(wanted.Uplink, leg);
        Key(leg);
    }

    /// <summary>From now on nothing is taken from it either, so its SSRCs are free.</summary>
    private void Expel(Leg leg)
    {
        leg.Expel();
        Owners.Free(leg);
    }

    private void Key(Leg leg)
    {
        var wanted = leg.Downlink.Wanted;
        var isGroup = wanted.Mode is LegKeyMode.ByMki or LegKeyMode.Plain && leg.Media is not null;
        leg.Key(isGroup ? _keys.Find(wanted.Epoch, leg.Output.Profile) : null);
        if (leg.Registered == default || leg.Media is not { Uplink: [{ Mki.Length: GroupKey.MkiLength } own, ..] }) return;
        foreach (var key in _keys.CopiesFor(own.Profile, leg.Uplink.Keys.Shares)) leg.Uplink.Keys.Share(key);
    }

    private bool IsInUse(KeyEpoch epoch) =>
        _byParticipant.Values.Any(l => l.Admitted && l.Downlink.Wanted is { Mode: LegKeyMode.ByMki or LegKeyMode.Plain } wanted && wanted.Epoch == epoch);

    private bool IsOurs(Ssrc ssrc)
    {
        if (shared.Owns(ssrc)) return true;
        foreach (var leg in _legs)
            if (leg is not null && leg.Output.Packets.HasSsrc && leg.Output.Packets.Ssrc == ssrc)
                return true;
        return false;
    }
}
