using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>How a leg is sent media: under which key, and whether from a stream that it shares.</summary>
internal sealed class Downlink
{
    /// <summary>What it received last of each stream that it shared before the newest one; hardly ever any.</summary>
    private Dictionary<Variant, (Ssrc Ssrc, ulong Index)>? _before;
    private Variant? _newest;
    private (Ssrc Ssrc, ulong Index) _received;
    private HearingWatch _hearing;

    /// <summary>What the conference wants.</summary>
    public LegKeyUse Wanted { get; private set; }

    /// <summary>The group key that is wanted; null: its own key is, or the group key is not here (yet).</summary>
    public GroupProtector? Group { get; private set; }

    /// <summary>False: nothing may be sent.</summary>
    public bool HasKey => Wanted.Mode switch
    {
        LegKeyMode.Own => true,
        LegKeyMode.ByMki or LegKeyMode.Plain => Group is not null,
        _ => false,
    };

    public bool IsPlain => Wanted.Mode == LegKeyMode.Plain;

    /// <summary>The stream that it shares at present; null: its own.</summary>
    public Variant? Shared { get; private set; }

    /// <summary>Under which the shared stream was sent to it; changes when the stream gets a new one.</summary>
    public Ssrc SharedSsrc { get; private set; }

    /// <summary>Until then it is sent its own stream, for it talked.</summary>
    public TimeSpan TalksUntil { get; set; }

    public ulong PacketsSent { get; private set; }

    public ulong RtcpSent { get; private set; }

    /// <summary>The epoch under whose key it hears nothing, though it took it.</summary>
    public KeyEpoch? DeafTo => _hearing.DeafTo;

    /// <summary>Its reports say how our streams arrive.</summary>
    public bool IsReported => _hearing.ReportsUs;

    /// <summary>At the last report.</summary>
    public ulong ReportedPackets { get; set; }

    /// <summary><see cref="LegKeyMode.AsBefore"/>: as it is.</summary>
    public void Want(LegKeyUse use)
    {
        if (use.Mode != LegKeyMode.AsBefore) Wanted = use;
    }

    public void Use(GroupProtector? group) => Group = group;

    /// <summary>RFC 4568 §6.4: SDES tells no ROC, so a stream may be joined only where it can be guessed.</summary>
    public bool CanFollow(Variant variant) =>
        TryFindReceived(variant, out var last) && last.Ssrc == variant.Packets.Ssrc
            ? variant.Packets.Index - last.Index <= Variant.GuessableGap
            : variant.Packets.Index < Variant.GuessableIndex;

    public void Follow(Variant? variant)
    {
        Shared = variant;
        if (variant is not null) SharedSsrc = variant.Packets.Ssrc;
    }

    public void SentShared(Variant variant, TimeSpan now)
    {
        _hearing.Sent(Judged, variant.Packets.Ssrc, (ushort)variant.Index, now);
        if (!ReferenceEquals(variant, _newest)) Begin(variant);
        _received = (variant.Packets.Ssrc, variant.Index);
        variant.Sends++;
        PacketsSent++;
    }

    /// <param name="index">Of the packet.</param>
    public void SentOwn(Ssrc source, ulong index, TimeSpan now)
    {
        _hearing.Sent(Judged, source, (ushort)index, now);
        PacketsSent++;
    }

    public void Reported(ReportBlock? block, TimeSpan now) => _hearing.Reported(block, now);

    public void Watch(TimeSpan? lastHeard, TimeSpan now) => _hearing.Look(lastHeard, now);

    public void SentRtcp() => RtcpSent++;

    /// <summary>Without MKI it has no other key that it could be given back.</summary>
    private KeyEpoch? Judged => Group is not null && Wanted.Mode == LegKeyMode.ByMki ? Wanted.Epoch : null;

    private bool TryFindReceived(Variant variant, out (Ssrc Ssrc, ulong Index) last)
    {
        last = _received;
        return ReferenceEquals(variant, _newest) || _before is not null && _before.TryGetValue(variant, out last);
    }

    private void Begin(Variant variant)
    {
        if (_newest is { } other) (_before ??= [])[other] = _received;
        _newest = variant;
    }
}
