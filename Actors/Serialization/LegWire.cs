using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Serialization;

/// <summary>The figures of a leg, and how far what it sends has come.</summary>
internal static class LegWire
{
    public static LegStatisticsProto Write(LegStatistics s)
    {
        var proto = new LegStatisticsProto
        {
            PacketsReceived = s.PacketsReceived,
            PacketsLost = s.PacketsLost,
            AuthFailures = s.AuthFailures,
            Replays = s.Replays,
            Malformed = s.Malformed,
            UnknownMki = s.UnknownMki,
            LateOrDuplicate = s.LateOrDuplicate,
            Concealed = s.Concealed,
            PacketsSent = s.PacketsSent,
            RtcpReceived = s.RtcpReceived,
            RtcpSent = s.RtcpSent,
            RemoteSsrc = s.RemoteSsrc.Value,
            Remote = WireValues.Write(s.Remote),
            Digits = s.Digits,
            DelayMilliseconds = s.DelayMilliseconds,
            Clashes = s.Clashes,
            Misplaced = s.Misplaced,
            Undecoded = s.Undecoded,
            Reception = Write(s.Reception),
            PeerReception = Write(s.PeerReception),
            MediaMissing = s.IsMediaMissing,
            DeafTo = s.DeafTo.Number,
            IsReported = s.IsReported,
        };
        if (s.RoundTripMicroseconds is { } trip) proto.RoundTripMicroseconds = trip;
        return proto;
    }

    public static LegStatistics Read(LegStatisticsProto p) => new(
        p.PacketsReceived, p.PacketsLost, p.AuthFailures, p.Replays, p.Malformed, p.UnknownMki, p.LateOrDuplicate, p.Concealed,
        p.PacketsSent, p.RtcpReceived, p.RtcpSent, new Ssrc(p.RemoteSsrc), WireValues.Read(p.Remote))
    {
        Digits = p.Digits,
        DelayMilliseconds = p.DelayMilliseconds,
        Clashes = p.Clashes,
        Misplaced = p.Misplaced,
        Undecoded = p.Undecoded,
        Reception = Read(p.Reception),
        PeerReception = Read(p.PeerReception),
        RoundTripMicroseconds = p.HasRoundTripMicroseconds ? p.RoundTripMicroseconds : null,
        IsMediaMissing = p.MediaMissing,
        DeafTo = new KeyEpoch(p.DeafTo),
        IsReported = p.IsReported,
    };

    public static LegReportProto Write(LegReport report)
    {
        var proto = new LegReportProto { Participant = report.Participant.Value, Statistics = Write(report.Statistics) };
        proto.Uplinks.AddRange(report.Uplinks.Select(Write));
        proto.Keys.AddRange(report.Keys.SelectMany(k => k.Words));
        return proto;
    }

    public static LegReport Read(LegReportProto p) =>
        new(new ParticipantId(p.Participant), Read(p.Statistics))
        {
            Uplinks = [.. p.Uplinks.Select(Read)],
            Keys = [.. p.Keys.Chunk(4).Where(w => w.Length == 4).Select(w => new KeyMark(w[0], w[1], w[2], w[3]))],
        };

    public static LegUplinksProto Write(LegUplinks uplinks)
    {
        var proto = new LegUplinksProto { Participant = uplinks.Participant.Value };
        proto.Indices.AddRange(uplinks.Indices.Select(Write));
        return proto;
    }

    public static LegUplinks Read(LegUplinksProto p) => new(new ParticipantId(p.Participant), [.. p.Indices.Select(Read)]);

    public static UplinkIndexProto Write(UplinkIndex index) => new() { Source = index.Source.Value, Highest = index.Highest };

    public static UplinkIndex Read(UplinkIndexProto p) => new(new Ssrc(p.Source), p.Highest);

    private static StreamQualityProto? Write(in StreamQuality quality) => quality == default ? null : new StreamQualityProto
    {
        Lost = quality.Lost,
        FractionLost = quality.FractionLost,
        JitterMicroseconds = quality.JitterMicroseconds,
    };

    private static StreamQuality Read(StreamQualityProto? p) => p is null ? default : new StreamQuality(p.Lost, (byte)p.FractionLost, p.JitterMicroseconds);
}
