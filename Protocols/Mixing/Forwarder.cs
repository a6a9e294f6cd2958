using System.Buffers.Binary;
using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// The mixer of a conference whose media is switched (3GPP pCR 5.1.2, RFC 7667 §3.7): RTP and SRTCP packets of each leg go to all others as they came, and no key is
/// here. What can be known without one decides: where a packet came from, its SSRC, payload type and MKI, the level that it tells. All that is claimed and
/// not proven; whoever is forwarded a packet proves it. One thread; no I/O, no clock, no allocation per packet.
/// </summary>
public sealed class Forwarder(MixerSettings settings)
{
    private const int RtcpHeader = 8;

    private readonly List<Way?> _ways = [];
    private readonly ForwardedSpeakers _speakers = new(settings.MaxTalkers, settings.SilenceLevel, settings.TalkerHold);
    private KeyEpoch _from;
    private ImmutableArray<LegUplinks> _resumes = [];

    /// <summary>Packets for a slot without a leg, or for a leg that is not in or has no media yet: not even looked at.</summary>
    public ulong Unexpected { get; private set; }

    /// <summary>Packets that came and were forwarded.</summary>
    public ulong Forwarded { get; private set; }

    /// <summary>Packets that went out.</summary>
    public ulong Sent { get; private set; }

    /// <summary>Somebody is in.</summary>
    public bool IsBusy => _ways.Exists(w => w is { IsIn: true, Leg: not null });

    /// <param name="state">One that says so (<see cref="MixerState.ForwardsFrom"/>).</param>
    /// <param name="slotOf">Where a participant's leg is; -1: not open.</param>
    public void SetState(MixerState state, Func<ParticipantId, int> slotOf)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(slotOf);
        _resumes = state.Resumes;
        _from = state.ForwardsFrom ?? throw new ArgumentException("a mixing conference", nameof(state));
        foreach (var way in _ways)
            if (way is not null)
                way.IsIn = false;
        foreach (var leg in state.Legs)
            if (slotOf(leg.Participant) is >= 0 and var slot)
                Admit(slot, leg);
    }

    public void Admit(int slot, in MixerLeg leg)
    {
        var way = At(slot);
        (way.IsIn, way.Registered) = (leg.Key.Mode == LegKeyMode.ByMki, leg.Uplink);
        var participant = leg.Participant;
        way.Position.Begin(leg.Uplink, _resumes.FirstOrDefault(r => r.Participant == participant).Indices);
        way.Hears = leg.Key.Mode == LegKeyMode.ByMki ? leg.Key.Epoch : null;
    }

    /// <returns>False: its generation is not higher; nothing changed.</returns>
    public bool SetLeg(int slot, ForwardedLeg leg)
    {
        ArgumentNullException.ThrowIfNull(leg);
        var way = At(slot);
        if (way.Leg is { } old && leg.Generation <= old.Generation) return false;
        way.Leg = leg;
        return true;
    }

    public void Close(int slot)
    {
        if (slot < _ways.Count) _ways[slot] = null;
        _speakers.Forget(slot);
    }

    /// <summary>One datagram; it goes on at once.</summary>
    /// <param name="rtcp">It came to the leg's RTCP port.</param>
    public ForwardVerdict? Receive(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress from, TimeSpan now, IMediaSink sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if ((uint)slot >= (uint)_ways.Count || _ways[slot] is not { IsIn: true, Leg: { } leg } way)
        {
            Unexpected++;
            return null;
        }

        rtcp |= leg.RtcpMux && RtpHeader.LooksLikeRtcp(packet);
        var verdict = Judge(way, leg, rtcp, packet, from, now, out var epoch);
        way.Count(verdict, rtcp);
        if (verdict != ForwardVerdict.Forwarded) return verdict;
        Forwarded++;
        for (var i = 0; i < _ways.Count; i++)
            if (i != slot && _ways[i] is { IsIn: true, Leg: { IsConfirmed: true } to } other && other.Hears <= epoch)
                Send(i, other, to, rtcp, packet, sink);
        return verdict;
    }

    /// <summary>What is counted of a leg, in the terms of one that is mixed; null: no such leg.</summary>
    public LegStatistics? Statistics(int slot) => slot < _ways.Count && _ways[slot] is { Leg: { } leg } way ? way.Statistics(leg) : null;

    /// <summary>
    /// How far the source of a leg is, when that is news or all is asked for: wraps of SEQ are counted, which nothing here proves. For who joins late, and for
    /// whoever takes over.
    /// </summary>
    public ImmutableArray<UplinkIndex> TakeNews(int slot, bool all) => slot < _ways.Count && _ways[slot] is { } way ? way.Position.TakeNews(all) : [];

    /// <summary>How many packets of a leg met that fate.</summary>
    public ulong Count(int slot, ForwardVerdict verdict) => _ways[slot]!.Counts[(int)verdict];

    private ForwardVerdict Judge(Way way, ForwardedLeg leg, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress from, TimeSpan now, out KeyEpoch epoch)
    {
        epoch = default;
        switch (RegisteredSource.Judge(packet, rtcp, way.Registered, from == (rtcp ? leg.RemoteRtcp : leg.Remote)))
        {
            case SourceVerdict.Malformed: return ForwardVerdict.Malformed;
            case SourceVerdict.Elsewhere: return ForwardVerdict.Elsewhere;
            case SourceVerdict.OtherSource: return ForwardVerdict.OtherSource;
        }

        RtpHeader header = default;
        var tail = rtcp ? SrtpTail.Rtcp(leg.Suite, GroupKey.MkiLength) : SrtpTail.Rtp(leg.Suite, GroupKey.MkiLength);
        if (rtcp ? packet[0] >> 6 != 2 : !RtpHeader.TryRead(packet, out header, out _)) return ForwardVerdict.Malformed;
        if (packet.Length < (rtcp ? RtcpHeader : header.Length) + tail.Length || packet.Length > SrtpOverhead.MaxPacket) return ForwardVerdict.Malformed;
        // ROC is the source's, whatever key it sends under (RFC 3711 §3.3.1).
        if (!rtcp) way.Position.Count(header.Sequence);
        if (!rtcp && header.PayloadType != leg.PayloadType && header.PayloadType != leg.TelephoneEvent) return ForwardVerdict.OtherPayload;
        epoch = new KeyEpoch(BinaryPrimitives.ReadUInt32BigEndian(packet[(packet.Length - tail.Length + tail.Mki)..]));
        if (!GroupKey.IsOfAnEpoch(GroupKey.MkiOf(epoch)) || epoch.Number == 0 || epoch < _from) return ForwardVerdict.OtherKey;
        if (rtcp) return ForwardVerdict.Forwarded;
        if (!leg.Direction.Receive) return ForwardVerdict.OnHold;
        return _speakers.Choose(way.Slot, LevelIn(leg, header, packet), now) ? ForwardVerdict.Forwarded : ForwardVerdict.NotChosen;
    }

    private static AudioLevel? LevelIn(ForwardedLeg leg, in RtpHeader header, ReadOnlySpan<byte> packet) =>
        leg.AudioLevel != 0 && HeaderExtensions.TryFind(header, packet, leg.AudioLevel, out var data) && AudioLevel.TryRead(data, out var level) ? level : null;

    private void Send(int slot, Way way, ForwardedLeg leg, bool rtcp, ReadOnlySpan<byte> packet, IMediaSink sink)
    {
        if (!rtcp && !leg.Direction.Send) return;
        var to = rtcp ? leg.RemoteRtcp : leg.Remote;
        if (!to.IsPresent) return;
        // RFC 5761 §5.1.1: with rtcp-mux everything leaves from the RTP port.
        sink.Send(slot, rtcp && !leg.RtcpMux, packet, to);
        Sent++;
        if (rtcp) way.RtcpSent++;
        else way.PacketsSent++;
    }

    private Way At(int slot)
    {
        while (_ways.Count <= slot) _ways.Add(null);
        return _ways[slot] ??= new Way(slot);
    }

    private sealed class Way(int slot)
    {
        public int Slot => slot;

        public ForwardedLeg? Leg { get; set; }

        public bool IsIn { get; set; }

        public Ssrc Registered { get; set; }

        public ForwardedPosition Position { get; } = new();

        /// <summary>The oldest epoch that it has the key of; null: none.</summary>
        public KeyEpoch? Hears { get; set; }

        public ulong[] Counts { get; } = new ulong[(int)ForwardVerdict.NotChosen + 1];

        public ulong Rtcp { get; private set; }

        public ulong PacketsSent { get; set; }

        public ulong RtcpSent { get; set; }

        public void Count(ForwardVerdict verdict, bool rtcp)
        {
            if (rtcp && verdict == ForwardVerdict.Forwarded) Rtcp++;
            else Counts[(int)verdict]++;
        }

        public LegStatistics Statistics(ForwardedLeg leg) => new(
            Counts[(int)ForwardVerdict.Forwarded], 0, 0, 0, Counts[(int)ForwardVerdict.Malformed] + Counts[(int)ForwardVerdict.OtherPayload],
            Counts[(int)ForwardVerdict.OtherKey], 0, 0, PacketsSent, Rtcp, RtcpSent, Registered, leg.Remote)
        {
            Clashes = Counts[(int)ForwardVerdict.OtherSource],
            Misplaced = Counts[(int)ForwardVerdict.Elsewhere],
            Undecoded = Counts[(int)ForwardVerdict.NotChosen] + Counts[(int)ForwardVerdict.OnHold],
        };
    }
}
