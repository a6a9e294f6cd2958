using System.Net.Sockets;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Media;

/// <summary>The mixers of a lane and which socket belongs to which leg; used by the lane's thread only.</summary>
internal sealed class LaneLegs(LaneOptions options, IMediaSockets sockets, LaneCounters counters) : IDisposable
{
    private const int MixersPerCount = 1000;

    private readonly Dictionary<LanePlace, LaneMixer> _mixers = [];
    private readonly LaneOrder _order = new();
    private readonly LaneSockets _sockets = new(sockets, options.Budget);
    private readonly Queue<LanePlace> _orphans = [];
    private TimeSpan _nextCount;
    private readonly LegTally _tally = new();
    private readonly StreamTally _work = new();
    private readonly StreamTally _endedWork = new();
    private int _legs;

    public IReadOnlyList<LanePlace> Places() => [.. _mixers.Keys];

    public void Add(LanePlace place, ConferenceMixer mixer, TimeSpan now)
    {
        var added = new LaneMixer(place, mixer, sockets, counters, new MixerLease(now)) { NextHeartbeat = now };
        _mixers.Add(place, added);
        _order.Add(added);
        Count();
    }

    public void Remove(LanePlace place)
    {
        if (!_mixers.Remove(place, out var mixer)) return;
        _legs -= mixer.LegCount;
        foreach (var leg in mixer.Legs) Free(leg);
        Join(mixer, wanted: false);
        mixer.Mixer.AddWork(_endedWork);
        mixer.Mixer.Dispose();
        _order.Remove(mixer);
        Count();
    }

    public void SetState(LanePlace place, MixerState state, TimeSpan now)
    {
        if (Awake(place) is not { } mixer) return;
        mixer.Lease.Heard(now);
        if (!mixer.Mixer.SetState(state)) return;
        Join(mixer, mixer.Mixer.WantsTrunk);
        place.Report(mixer.Report(all: true));
    }

    /// <summary>A mixer at rest is not woken by that, but where it asked.</summary>
    public void Confirm(LanePlace place, long answer, TimeSpan now)
    {
        if (_mixers.TryGetValue(place, out var mixer)) mixer.Lease.Confirmed(answer, now);
    }

    /// <summary>The lane was held up for so long that any of its mixers may have been replaced: each asks before it sends again.</summary>
    public void Paused()
    {
        foreach (var mixer in _mixers.Values)
        {
            mixer.Lease.Paused();
            mixer.NextHeartbeat = TimeSpan.Zero;
            mixer.Wake();
            _order.Stir(mixer);
        }
    }

    public void Open(LaneCommand.Open wanted)
    {
        var (place, participant, family) = (wanted.Place, wanted.Participant, wanted.Family);
        if (Awake(place) is not { } mixer) return;
        if (mixer.Find(participant) is { } other && other.Home.Family != family) Close(place, participant);
        if (!mixer.Mixer.TryClaim(participant, wanted.Uplink.AsSpan()))
        {
            place.Report(new LaneReport.Refused(participant, Rejection.KeyingRefused));
            return;
        }

        var leg = mixer.Find(participant) ?? TryOpen(mixer, participant, family);
        if (leg is null) mixer.Mixer.Disclaim(participant);
        place.Report(leg is null ? new LaneReport.Refused(participant, Rejection.NoMediaCapacity) : new LaneReport.Opened(participant, leg.Rtp, leg.Rtcp));
    }

    public void SetLeg(LanePlace place, LegMedia media)
    {
        if (Awake(place) is not { } mixer)
        {
            media.Dispose();
            return;
        }

        var (participant, mux) = (media.Participant, media.RtcpMux);
        if (mixer.Mixer.SetLeg(media) && mixer.Find(participant) is { } leg) mixer.Put(participant, Share(mixer, leg, mux));
        while (mixer.Mixer.TryTakeRepeating(out var who)) place.Report(new LaneReport.Repeating(who));
    }

    public void SetForwarding(LanePlace place, ForwardedLeg forwarded)
    {
        if (Awake(place) is not { } mixer || !mixer.Mixer.SetForwarding(forwarded) || mixer.Find(forwarded.Participant) is not { } leg) return;
        mixer.Put(forwarded.Participant, Share(mixer, leg, forwarded.RtcpMux));
    }

    public void SetGroupKey(LanePlace place, GroupKey key)
    {
        if (Awake(place) is { } mixer) mixer.Mixer.SetGroupKey(key);
        else key.Dispose();
    }

    public void SetTrunkKeys(LanePlace place, TrunkKeys keys)
    {
        if (Awake(place) is { } mixer) mixer.Mixer.SetTrunkKeys(keys);
        else keys.Dispose();
    }

    public void Close(LanePlace place, ParticipantId participant)
    {
        if (Awake(place) is not { } mixer || !mixer.Remove(participant, out var leg)) return;
        _legs--;
        Free(leg);
        Count();
    }

    public void Receive(int handle, Span<byte> packet, in MediaAddress from, TimeSpan now)
    {
        if (_sockets[handle] is not { Mixer: { } mixer } binding) return;
        if (mixer.Mixer.Forwarder is { } forwarder) forwarder.Receive(binding.Slot, binding.Rtcp, packet, from, now, mixer);
        else mixer.Mixer.Receive(binding.Slot, binding.Rtcp, packet, from, now);
        _order.Stir(mixer);
    }

    public void Tick(TimeSpan now)
    {
        foreach (var mixer in _order.Due(now))
        {
            mixer.Mixer.Tick(now, mixer);
            while (mixer.Mixer.TryTakeDigit(out var who, out var digit)) mixer.Place.Report(new LaneReport.Pressed(who, digit));
            while (mixer.Mixer.TryTakeWatched(out var who, out var missing)) mixer.Place.Report(new LaneReport.Watched(who, missing));
            if (mixer.Mixer.TakeSpeakerChange() | mixer.Mixer.TakeBegun() || now >= mixer.NextHeartbeat) Beat(mixer, now);
        }

        while (_orphans.TryDequeue(out var orphan)) EndAlone(orphan);

        _order.Rest();
        if (now < _nextCount) return;
        // Ten thousand mixers take milliseconds to look at: those of a full lane are counted every few seconds.
        _nextCount = now + Math.Max(1, _order.Count / MixersPerCount) * options.Media.HeartbeatInterval;
        _tally.Begin();
        _work.Clear();
        _work.Add(_endedWork);
        foreach (var mixer in _mixers.Values) mixer.Add(_tally, _work);
        counters.Holds(_tally.Totals(), _work.Sums());
        Count();
    }

    public void Dispose()
    {
        foreach (var place in Places()) Remove(place);
    }

    private LaneMixer? Awake(LanePlace place)
    {
        if (!_mixers.TryGetValue(place, out var mixer)) return null;
        mixer.Wake();
        _order.Stir(mixer);
        return mixer;
    }

    /// <summary>A mixer whose legs neither hear nor are heard reports seldom, and says so.</summary>
    private void Beat(LaneMixer mixer, TimeSpan now)
    {
        if (mixer.Lease.IsOrphaned(now, options.Media.OrphanTimeout)) _orphans.Enqueue(mixer.Place);
        Join(mixer, mixer.Mixer.WantsTrunk);
        var interval = options.Media.HeartbeatInterval;
        mixer.NextHeartbeat = now + interval;
        const int Resting = MediaSettings.RestingHeartbeats;
        var rest = mixer.TryRest(now, Resting * interval) ? (Resting - 1) * interval : TimeSpan.Zero;
        mixer.Place.Report(mixer.Report(all: false) with { Rest = rest });
    }

    private void EndAlone(LanePlace place)
    {
        Remove(place);
        place.Report(new LaneReport.Orphaned());
    }

    private LegSockets? TryOpen(LaneMixer mixer, ParticipantId participant, AddressFamily family)
    {
        if (_legs >= options.Media.MaxLegsPerLane || options.Homes.FirstOrDefault(h => h.Family == family) is not { } home) return null;
        for (var tries = home.Ports.Pairs; tries > 0 && home.Ports.TryTake(out var port); tries--)
        {
            if (!_sockets.TryBind(home, port, out var rtp, out var rtcp))
            {
                home.Ports.Return(port);
                if (options.Budget.Open >= options.Budget.Limit - 1) return null;
                continue;
            }

            var slot = mixer.Mixer.OpenLeg(participant);
            var shown = MediaAddress.From(home.Binding.Shown, port);
            var leg = new LegSockets(slot, home, port, rtp, rtcp, shown, shown.WithPort(port + 1));
            mixer.Put(participant, leg);
            _sockets.Bind(rtp, new LaneBinding(mixer, slot, false));
            _sockets.Bind(rtcp, new LaneBinding(mixer, slot, true));
            _legs++;
            Count();
            return leg;
        }

        return null;
    }

    /// <summary>A mixer that has others beside it has a port for them; where there is none, the next report tries again.</summary>
    private void Join(LaneMixer mixer, bool wanted)
    {
        if (wanted == mixer.Trunk is not null) return;
        if (mixer.Trunk is { } open)
        {
            _sockets.Close(open.Handle);
            open.Home.Ports.Return(open.Port);
            mixer.Trunk = null;
            return;
        }

        var home = options.Homes[0];
        if (!home.Ports.TryTake(out var port)) return;
        if (!_sockets.TryBind(home, port, out var handle))
        {
            home.Ports.Return(port);
            return;
        }

        _sockets.Bind(handle, new LaneBinding(mixer, ConferenceMixer.TrunkSlot, false));
        mixer.Trunk = new TrunkSocket(home, port, handle, MediaAddress.From(home.Binding.Shown, port));
    }

    /// <summary>
    /// The RTCP socket goes when RTCP comes with the RTP and comes back with the next answer without rtcp-mux. If it cannot be had then, the
    /// leg has no RTCP, which RTP does without.
    /// </summary>
    private LegSockets Share(LaneMixer mixer, LegSockets leg, bool mux)
    {
        if (mux && leg.RtcpHandle is { } open)
        {
            _sockets.Close(open);
            return leg with { RtcpHandle = null };
        }

        if (mux || leg.RtcpHandle is not null || !_sockets.TryBind(leg.Home, leg.Port + 1, out var handle)) return leg;
        _sockets.Bind(handle, new LaneBinding(mixer, leg.Slot, true));
        return leg with { RtcpHandle = handle };
    }

    private void Free(LegSockets leg)
    {
        _sockets.Close(leg.RtpHandle);
        if (leg.RtcpHandle is { } rtcp) _sockets.Close(rtcp);
        leg.Home.Ports.Return(leg.Port);
    }

    private void Count() => counters.Holds(_order.Count, _legs);
}
