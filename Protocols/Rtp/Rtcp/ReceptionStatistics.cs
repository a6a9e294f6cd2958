namespace ConfCluster.Protocols.Rtp.Rtcp;

/// <summary>
/// What a receiver reports about one source (RFC 3550 §A.3, §A.8). The probation of §A.1 is left out: only authenticated packets come here.
/// A mutable struct, private state of its owner; times are those of the caller's clock.
/// </summary>
public struct ReceptionStatistics
{
    private bool _started;
    private ulong _base;
    private ulong _highest;
    private ulong _expectedBefore;
    private ulong _receivedBefore;
    private long _transit;
    private double _jitter;
    private uint _lastSenderReport;
    private TimeSpan _lastSenderReportAt;

    public ulong Received { get; private set; }

    public readonly ulong Expected => _started ? _highest - _base + 1 : 0;

    /// <summary>Never below zero here: duplicates do not pass the replay window.</summary>
    public readonly ulong Lost => Expected > Received ? Expected - Received : 0;

    /// <summary>Of the last interval between two reports of ours, in 1/256.</summary>
    public byte FractionLost { get; private set; }

    /// <summary>The mean deviation of the time that packets take (RFC 3550 §6.4.1).</summary>
    public readonly TimeSpan Jitter(int clockRate) => TimeSpan.FromSeconds(_jitter / clockRate);

    /// <param name="index">Extended sequence number (the SRTP packet index).</param>
    /// <param name="clockRate">Timestamp units per second.</param>
    public void Count(ulong index, uint timestamp, TimeSpan arrival, int clockRate)
    {
        var transit = (long)(uint)((long)(arrival.TotalSeconds * clockRate) - timestamp);
        if (!_started)
        {
            (_started, _base, _highest) = (true, index, index);
        }
        else
        {
            // RFC 3550 §A.8, with the difference taken modulo 2^32.
            var d = Math.Abs((long)(int)(uint)(transit - _transit));
            _jitter += (d - _jitter) / 16;
            if (index < _base) _base = index;
            if (index > _highest) _highest = index;
        }

        _transit = transit;
        Received++;
    }

    public void SenderReported(NtpTime ntp, TimeSpan at) => (_lastSenderReport, _lastSenderReportAt) = (ntp.Middle, at);

    /// <summary>The block for the next report; closes the interval of the loss fraction.</summary>
    public ReportBlock Report(Ssrc source, TimeSpan now)
    {
        var (expected, received) = (Expected - _expectedBefore, Received - _receivedBefore);
        (_expectedBefore, _receivedBefore) = (Expected, Received);
        var lost = expected > received ? expected - received : 0;
        FractionLost = expected == 0 ? (byte)0 : (byte)Math.Min(255, (lost << 8) / expected);
        return new ReportBlock(
            source, FractionLost, (int)Math.Min(Lost, 0x7F_FFFF), (uint)_highest,
            (uint)_jitter, _lastSenderReport,
            _lastSenderReport == 0 ? 0 : (uint)((now - _lastSenderReportAt).TotalSeconds * 65536));
    }

    /// <summary>Another source has begun: everything starts anew.</summary>
    public void Reset() => this = default;
}
