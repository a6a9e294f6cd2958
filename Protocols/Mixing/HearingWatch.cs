using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Notices a leg that was moved to a group key and does not hear under it: what it reports of our stream stands still (RFC 3550 §6.4.1), or it fell
/// silent with the move. It is the peer's word and concerns nobody else: whoever says so gets its own key back. A mutable struct, private state of its owner.
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
    private bool _isOpen;
    private bool _reportsUs;

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
        var known = _reportsUs;
        _reportsUs |= block is not null;
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
        if (heard <= _movedAt + OnTheWay && heard >= _movedAt - OnTheWay) Conclude();
    }

    private void Conclude() => (DeafTo, _isOpen) = (_epoch, false);
}
