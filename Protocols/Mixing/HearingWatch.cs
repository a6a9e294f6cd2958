using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Notices a leg that was moved to a group key and does not hear under it: what it reports of our stream stands still (RFC 3550 §6.4.1), or its reports or
/// all that it sent ended with the move. It is the peer's word and concerns nobody else: whoever says so gets its own key back. Of a peer that never reports
/// and goes on sending nothing is known. A mutable struct, private state of its owner.
/// </summary>
internal struct HearingWatch
{
    /// <summary>What is on its way when a report is written is younger than this.</summary>
    private static readonly TimeSpan OnTheWay = TimeSpan.FromSeconds(1.5);

    /// <summary>
    /// So long nothing at all comes from a peer that sent until the move: longer than a listener is silent between two reports, which come every 2.5 to
    /// 7.5 s (RFC 3550 §6.2).
    /// </summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(12);

    /// <summary>
    /// So long no report comes from a peer that reported until the move and goes on sending: five intervals, after which RFC 3550 §6.3.5 gives a member up.
    /// </summary>
    private static readonly TimeSpan Unreported = TimeSpan.FromSeconds(25);

    /// <summary>Two intervals at their longest (RFC 3550 §6.3.1): who has not reported for that time before the move does not do so any more.</summary>
    private static readonly TimeSpan Reporting = TimeSpan.FromSeconds(15);

    /// <summary>20 ms packets within that time: fewer were sent to a leg on hold.</summary>
    private const uint Enough = 50;

    /// <summary>Reports without a word of us before which nothing is concluded of a peer that never reported any stream of ours.</summary>
    private const int Unfamiliar = 2;

    private KeyEpoch _epoch;
    private Ssrc _source;
    private ushort _first;
    private TimeSpan _since;
    private TimeSpan _movedAt;
    private uint _sent;
    private int _silentReports;
    private TimeSpan _reportedAt;
    private bool _isOpen;

    /// <summary>It has reported streams of ours, so it would be noticed if it heard nothing.</summary>
    public bool ReportsUs { get; private set; }

    /// <summary>The epoch under which it hears nothing; null: none that is known of.</summary>
    public KeyEpoch? DeafTo { get; private set; }

    /// <summary>A packet goes to it.</summary>
    /// <param name="epoch">Under whose key; null: its own, or one that it cannot be moved from.</param>
    /// <param name="sequence">Of the packet.</param>
    public void Sent(KeyEpoch? epoch, Ssrc source, ushort sequence, TimeSpan now)
    {
        if (epoch is not { } used)
        {
            (_isOpen, _epoch) = (false, default);
            return;
        }

        if (used != _epoch)
        {
            // Who has not been heard of since the move before is not given more time for it.
            if (!_isOpen) (_isOpen, _movedAt, _silentReports) = (true, now, 0);
            (_epoch, _source) = (used, default);
        }

        if (!_isOpen) return;
        if (source != _source) (_source, _first, _since, _sent) = (source, sequence, now, 0);
        _sent++;
    }

    /// <summary>An authentic report of the peer's came.</summary>
    /// <param name="block">What it says of the stream that it is sent; null: nothing.</param>
    public void Reported(ReportBlock? block, TimeSpan now)
    {
        var known = ReportsUs;
        ReportsUs |= block is not null;
        _reportedAt = now;
        if (!_isOpen) return;
        // Modulo 2^16: ten minutes of packets, and it is decided long before.
        if (block is { } told && told.Source == _source && unchecked((short)((ushort)told.HighestSequence - _first)) >= 0) _isOpen = false;
        else if (now - _since >= OnTheWay && _sent >= Enough && ++_silentReports >= (known ? 1 : Unfamiliar)) Conclude();
    }

    /// <summary>Every 20 ms.</summary>
    /// <param name="lastHeard">When the last authentic packet of its came; null: none ever.</param>
    public void Look(TimeSpan? lastHeard, TimeSpan now)
    {
        if (!_isOpen || lastHeard is not { } heard || now - _movedAt < Silence || _sent < Enough) return;
        // Until the move: a packet of 60 ms and some jitter before it.
        var isSilent = heard <= _movedAt + OnTheWay && heard >= _movedAt - OnTheWay;
        // A report that was on its way at the move may come after it.
        var isUnreported = ReportsUs && now - _movedAt >= Unreported && _reportedAt <= _movedAt + OnTheWay && _reportedAt >= _movedAt - Reporting;
        if (isSilent || isUnreported) Conclude();
    }

    private void Conclude() => (DeafTo, _isOpen) = (_epoch, false);
}
