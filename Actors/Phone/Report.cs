using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;

namespace ConfCluster.Actors.Phone;

/// <summary>Collects what <see cref="PhoneReport"/> tells, while the call goes on.</summary>
internal sealed class Report(SoftPhoneOptions options)
{
    private static readonly PhoneStatistics Nothing = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, TimeSpan.Zero, 0, []);

    private (int Status, string Reason) _final;
    private TimeSpan? _answeredAt;
    private TimeSpan _finalAt;
    private TimeSpan _endedAt;
    private PhoneEvent.Ended? _end;
    private string? _wrong;
    private (string Suite, bool Mki, AudioCodec Codec)? _media;
    private int _reroutes;

    public TimeSpan? AnsweredAt => _answeredAt;

    public bool HasEnded => _end is not null;

    public static PhoneReport Problem(SoftPhoneOptions options, string problem) => new Report(options).Finish(Nothing) with { Problem = problem };

    public void Settled(LegMedia media) => _media = (media.Downlink.Profile.Name, media.Downlink.Mki.IsPresent, media.Codec);

    public void Told(PhoneEvent said, TimeSpan now)
    {
        switch (said)
        {
            case PhoneEvent.Answered answered:
                (_answeredAt, _finalAt, _final) = (now, now, (answered.Status, answered.Reason));
                break;
            case PhoneEvent.Rerouted:
                _reroutes++;
                break;
            case PhoneEvent.ChangeRefused refused:
                _wrong = refused.Reason;
                break;
            case PhoneEvent.Ended ended:
                (_end, _endedAt) = (ended, now);
                if (_answeredAt is null) (_finalAt, _final) = (now, (ended.Status, ended.Reason));
                break;
        }
    }

    public PhoneReport Finish(PhoneStatistics seen) => new(
        options.Target.ToString(), options.Transport.ToString().ToLowerInvariant(), null, _final.Status, _final.Reason ?? "",
        _end?.Detail ?? _wrong, _end is { } end ? Name(end.How) : "", _answeredAt is not null, Seconds(_finalAt),
        _answeredAt is { } from ? Seconds(_endedAt - from) : 0, _media?.Suite, _media?.Mki ?? false, _media?.Codec.ToString().ToUpperInvariant(),
        seen.PacketsSent, seen.PacketsReceived, seen.PacketsLost, seen.AuthFailures, seen.Replays, seen.Malformed, seen.UnknownMki,
        seen.LateOrDuplicate, seen.Concealed, seen.RtcpSent, seen.RtcpReceived, seen.Gaps, seen.LongestGap.TotalMilliseconds,
        [.. seen.Ssrcs.Select(s => s.ToString())])
    {
        Reroutes = _reroutes,
        MkisHeard = seen.Mkis,
        Sources = seen.Sources,
        LongestSourceGapMilliseconds = seen.LongestSourceGap.TotalMilliseconds,
        Interruptions = [.. seen.Interruptions.Select(i => new PhoneInterruption(Seconds(i.At), i.Length.TotalMilliseconds))],
        Contributors = [.. seen.Contributors.Select(s => s.ToString())],
        PacketsWithLevels = seen.WithLevels,
        ReportedLost = seen.PeerReception.Lost,
        RoundTripMilliseconds = seen.RoundTrip is { } trip ? Math.Round(trip.TotalMilliseconds, 1) : null,
    };

    private static double Seconds(TimeSpan time) => Math.Round(time.TotalSeconds, 3);

    private static string Name(CallEnd how) => how.ToString().ToLowerInvariant();
}
