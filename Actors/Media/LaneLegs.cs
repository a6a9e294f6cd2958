using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Media;

/// <summary>The mixers of a lane and which socket belongs to which leg; used by the lane's thread only.</summary>
internal sealed class LaneLegs(LaneOptions options, IMediaSockets sockets, LaneCounters counters) : IDisposable
{
    private readonly Dictionary<LanePlace, LaneMixer> _mixers = [];
    private readonly List<LaneMixer> _order = [];
    private readonly List<Binding> _bindings = [];
    private TimeSpan _nextCount;
    private ulong _authFailures;
    private int _legs;

    public IReadOnlyList<LanePlace> Places() => [.. _mixers.Keys];

    public void Add(LanePlace place, ConferenceMixer mixer, TimeSpan now)
    {
        var added = new LaneMixer(place, mixer, sockets, counters) { NextHeartbeat = now };
        _mixers.Add(place, added);
        _order.Add(added);
        Count();
    }

    public void Remove(LanePlace place)
    {
        if (!_mixers.Remove(place, out var mixer)) return;
        _legs -= mixer.LegCount;
        foreach (var leg in mixer.Legs) Free(leg);
        mixer.Mixer.Dispose();
        _order.Remove(mixer);
        Count();
    }

    public void SetState(LanePlace place, MixerState state)
    {
        if (_mixers.TryGetValue(place, out var mixer) && mixer.Mixer.SetState(state)) place.Report(mixer.Report());
    }

    public void Open(LanePlace place, ParticipantId participant)
    {
        if (!_mixers.TryGetValue(place, out var mixer)) return;
        var leg = mixer.Find(participant) ?? TryOpen(mixer, participant);
        place.Report(leg is null ? new LaneReport.Refused(participant) : new LaneReport.Opened(participant, leg.Rtp, leg.Rtcp));
    }

    public void SetLeg(LanePlace place, LegMedia media)
    {
        if (_mixers.TryGetValue(place, out var mixer)) mixer.Mixer.SetLeg(media);
        else media.Dispose();
    }

    public void Close(LanePlace place, ParticipantId participant)
    {
        if (!_mixers.TryGetValue(place, out var mixer) || !mixer.Remove(participant, out var leg)) return;
        _legs--;
        Free(leg);
        Count();
    }

    public void Receive(int handle, Span<byte> packet, in MediaAddress from, TimeSpan now)
    {
        if (_bindings[handle] is { Mixer: { } mixer } binding) mixer.Mixer.Receive(binding.Slot, binding.Rtcp, packet, from, now);
    }

    public void Tick(TimeSpan now)
    {
        foreach (var mixer in _order)
        {
            mixer.Mixer.Tick(now, mixer);
            if (now < mixer.NextHeartbeat) continue;
            mixer.NextHeartbeat = now + options.Media.HeartbeatInterval;
            mixer.Place.Report(mixer.Report());
        }

        if (now < _nextCount) return;
        _nextCount = now + options.Media.HeartbeatInterval;
        _authFailures = 0;
        foreach (var mixer in _order) _authFailures += mixer.AuthFailures();
        Count();
    }

    public void Dispose()
    {
        foreach (var place in Places()) Remove(place);
    }

    private LegSockets? TryOpen(LaneMixer mixer, ParticipantId participant)
    {
        if (_legs >= options.Media.MaxLegsPerLane) return null;
        for (var tries = options.Ports.Pairs; tries > 0 && options.Ports.TryTake(out var port); tries--)
        {
            if (TryBind(port) is not { } leg)
            {
                options.Ports.Return(port);
                continue;
            }

            var slot = mixer.Add(participant, leg);
            Bind(leg.RtpHandle, new Binding(mixer, slot, false));
            Bind(leg.RtcpHandle, new Binding(mixer, slot, true));
            _legs++;
            Count();
            return leg;
        }

        return null;
    }

    private LegSockets? TryBind(int port)
    {
        var (bind, shown) = (options.Media.Address, options.Media.Advertised ?? options.Media.Address);
        if (sockets.TryBind(bind, port, out var rtp) != BindOutcome.Bound) return null;
        if (sockets.TryBind(bind, port + 1, out var rtcp) == BindOutcome.Bound)
            return new LegSockets(port, rtp, rtcp, MediaAddress.From(shown, port), MediaAddress.From(shown, port + 1));
        sockets.Close(rtp);
        return null;
    }

    private void Bind(int handle, Binding binding)
    {
        while (_bindings.Count <= handle) _bindings.Add(default);
        _bindings[handle] = binding;
    }

    private void Free(LegSockets leg)
    {
        foreach (var handle in (ReadOnlySpan<int>)[leg.RtpHandle, leg.RtcpHandle])
        {
            sockets.Close(handle);
            _bindings[handle] = default;
        }

        options.Ports.Return(leg.Port);
    }

    private void Count() => counters.Holds(_order.Count, _legs, _authFailures);

    private readonly record struct Binding(LaneMixer? Mixer, int Slot, bool Rtcp);
}
