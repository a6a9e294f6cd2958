using System.Collections.Immutable;
using ConfCluster.Actors.Conference;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Media;

/// <summary>A mixer on a lane with the sockets of its legs; used by the lane's thread only.</summary>
internal sealed class LaneMixer(LanePlace place, ConferenceMixer mixer, IMediaSockets sockets, LaneCounters counters, MixerLease lease) : IMediaSink
{
    private readonly List<LegSockets> _sockets = [];
    private readonly Dictionary<ParticipantId, LegSockets> _legs = [];

    public LanePlace Place { get; } = place;

    public ConferenceMixer Mixer { get; } = mixer;

    public MixerLease Lease { get; } = lease;

    public TimeSpan NextHeartbeat { get; set; }

    public bool IsResting { get; private set; }

    public int LegCount => _legs.Count;

    /// <summary>Something was changed: its ticks go on, and the next one reports.</summary>
    public void Wake()
    {
        if (IsResting) (IsResting, NextHeartbeat) = (false, TimeSpan.Zero);
    }

    /// <summary>After a report.</summary>
    /// <param name="longest">The time to the next report.</param>
    public bool TryRest(TimeSpan now, TimeSpan longest)
    {
        IsResting = Mixer.MaySleep(out _);
        if (IsResting) NextHeartbeat = now + longest;
        return IsResting;
    }

    /// <summary>Until when its ticks have nothing to do; null: they have.</summary>
    public TimeSpan? SleepsUntil() => IsResting && Mixer.MaySleep(out var until) ? (until < NextHeartbeat ? until : NextHeartbeat) : null;

    public IEnumerable<LegSockets> Legs => _legs.Values;

    /// <summary>For what other mixers send; null: there is none.</summary>
    public TrunkSocket? Trunk { get; set; }

    public LegSockets? Find(ParticipantId participant) => _legs.GetValueOrDefault(participant);

    public void Put(ParticipantId participant, LegSockets leg)
    {
        while (_sockets.Count <= leg.Slot) _sockets.Add(leg);
        _sockets[leg.Slot] = _legs[participant] = leg;
    }

    public bool Remove(ParticipantId participant, out LegSockets leg)
    {
        if (!_legs.Remove(participant, out leg!)) return false;
        if (Mixer.TryGetStatistics(participant, out var statistics)) counters.Ended(statistics);
        Mixer.CloseLeg(participant);
        return true;
    }

    public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
    {
        // Not counted either: it may have no business here any more.
        if (Lease.IsSuspended) return;
        if (slot == ConferenceMixer.TrunkSlot)
        {
            counters.Sent(Trunk is { } trunk && sockets.Send(trunk.Handle, packet, to));
            return;
        }

        var leg = _sockets[slot];
        counters.Sent((rtcp ? leg.RtcpHandle : leg.RtpHandle) is { } handle && sockets.Send(handle, packet, to));
    }

    /// <param name="all">False: legs on which nothing happened since the last report are left out.</param>
    public LaneReport.Alive Report(bool all)
    {
        var legs = ImmutableArray.CreateBuilder<LegReport>();
        foreach (var (participant, leg) in _legs)
        {
            if (!Mixer.TryGetStatistics(participant, out var statistics)) continue;
            // Alone it compares them itself.
            var keys = Mixer.WantsTrunk ? Mixer.TakeKeys(participant, all) : [];
            if (!all && keys.IsEmpty && statistics.Total == leg.Reported) continue;
            leg.Reported = statistics.Total;
            legs.Add(new LegReport(participant, statistics) { Uplinks = Mixer.TakeUplinks(participant, all), Keys = keys });
        }

        return new LaneReport.Alive(Mixer.State?.Incarnation ?? default, Mixer.State?.Version ?? 0, legs.DrainToImmutable(), !all)
        {
            Shared = new SharedReport(Mixer.SharedSsrcsLeft, Mixer.GroupKeyPackets),
            Trunk = Mixer.WantsTrunk ? Mixer.Trunk with { Address = Trunk?.Address } : default,
            Speaker = Mixer.Speaker,
            Question = Lease.Question,
        };
    }

    public void Add(LegTally tally, StreamTally work)
    {
        Mixer.AddWork(work);
        foreach (var participant in _legs.Keys)
            if (Mixer.TryGetStatistics(participant, out var statistics))
                tally.Add(statistics);
    }
}

/// <summary>The socket on which a mixer sends to and hears from the other mixers of its conference.</summary>
internal sealed record TrunkSocket(MediaHome Home, int Port, int Handle, MediaAddress Address);

/// <summary>The sockets of one leg. With rtcp-mux it has no second one, but keeps the port (RFC 5761 §5.1.1).</summary>
internal sealed record LegSockets(int Slot, MediaHome Home, int Port, int RtpHandle, int? RtcpHandle, MediaAddress Rtp, MediaAddress Rtcp)
{
    /// <summary>The total of its counters at the last report.</summary>
    public ulong Reported { get; set; } = ulong.MaxValue;
}
