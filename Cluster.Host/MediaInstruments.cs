using System.Diagnostics.Metrics;
using ConfCluster.Actors.Media;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Host;

/// <summary>What the media lanes count, one series per lane.</summary>
internal static class MediaInstruments
{
    public static void Create(Meter meter, MediaPlane media)
    {
        meter.CreateObservableGauge("confcluster_media_legs", () => Each(media, l => l.Legs), description: "Legs with ports.");
        meter.CreateObservableGauge("confcluster_media_mixers", () => Each(media, l => l.Mixers), description: "Mixers on the lane.");
        Count(meter, media, "confcluster_media_packets_received", l => l.PacketsIn, "Datagrams taken from the sockets.");
        Count(meter, media, "confcluster_media_packets_sent", l => l.PacketsOut, "Datagrams given to the sockets.");
        Count(meter, media, "confcluster_media_send_failures", l => l.SendFailures, "Datagrams that the system did not take.");
        Count(meter, media, "confcluster_media_packets_cut", l => l.Cut, "Datagrams longer than a packet may be.");
        Count(meter, media, "confcluster_media_auth_failures", l => l.Media.AuthFailures, "Packets whose tag was wrong.");
        Count(meter, media, "confcluster_media_packets_lost", l => l.Media.Lost, "RTP packets that were lost on the way here.");
        Count(meter, media, "confcluster_media_packets_reported_lost", l => l.Media.PeerLost, "RTP packets of ours that peers report as lost.");
        Count(meter, media, "confcluster_media_frames_concealed", l => l.Media.Concealed, "Frames of 20 ms that were made up for lost packets.");
        Count(
            meter, media, "confcluster_media_packets_undecoded", l => l.Media.Undecoded, "Packets that were not decoded: silent, or others were louder.");
        Work(meter, media, "confcluster_media_encodes", w => w.Encodes, "Frames of 20 ms encoded, by stream: own, or shared by legs.");
        Work(meter, media, "confcluster_media_encrypts", w => w.Encrypts, "RTP packets encrypted, by stream; a shared one once for each key, however many legs hear it.");
        Work(meter, media, "confcluster_media_sends", w => w.Sends, "RTP packets sent, by stream.");
        meter.CreateObservableGauge(
            "confcluster_media_legs_without_media", () => Each(media, l => l.Media.WithoutMedia),
            description: "Legs that should send, and from which nothing authentic has come for conference.no-media.after.");
        meter.CreateObservableGauge(
            "confcluster_media_jitter_seconds", () => Times(media, l => l.Media.Jitter), description: "Interarrival jitter of what legs send (RFC 3550).");
        meter.CreateObservableGauge(
            "confcluster_media_reported_jitter_seconds", () => Times(media, l => l.Media.PeerJitter), description: "Jitter that peers report of our streams.");
        meter.CreateObservableGauge(
            "confcluster_media_round_trip_seconds", () => Times(media, l => l.Media.RoundTrip), description: "Round trip by RTCP.");
        Count(meter, media, "confcluster_media_ticks", l => l.Ticks, "Ticks of 20 ms.");
        Count(meter, media, "confcluster_media_ticks_late", l => l.LateTicks, "Ticks that came more than 5 ms late.");
        Count(meter, media, "confcluster_media_rebased", l => l.Rebased, "Pauses so long that ticks were left out.");
        meter.CreateObservableGauge("confcluster_media_tick_lateness_seconds", () => Lateness(media), description: "How late ticks were.");
    }

    private static void Count(Meter meter, MediaPlane media, string name, Func<LaneSnapshot, long> figure, string description) =>
        meter.CreateObservableCounter(name, () => Each(media, figure), description: description);

    private static void Work(Meter meter, MediaPlane media, string name, Func<StreamWork, ulong> figure, string description) =>
        meter.CreateObservableCounter(
            name, () => media.Snapshot().Lanes.SelectMany(l => l.Streams.Select(s => new Measurement<long>((long)figure(s.Value), [Lane(l), .. Labels(s.Key)]))),
            description: description);

    private static IEnumerable<KeyValuePair<string, object?>> Labels(StreamName stream) => stream.IsShared
        ? [new("stream", "shared"), new("codec", stream.Codec.ToString()), new("suite", stream.Suite!.Name)]
        : [new("stream", "own")];

    private static IEnumerable<Measurement<long>> Each(MediaPlane media, Func<LaneSnapshot, long> figure) =>
        media.Snapshot().Lanes.Select(l => new Measurement<long>(figure(l), Lane(l)));

    private static IEnumerable<Measurement<double>> Lateness(MediaPlane media) => media.Snapshot().Lanes.SelectMany(l => new[]
    {
        new Measurement<double>(l.LatenessMedian.TotalSeconds, Lane(l), new("quantile", "0.5")),
        new Measurement<double>(l.LatenessP99.TotalSeconds, Lane(l), new("quantile", "0.99")),
        new Measurement<double>(l.LatenessMax.TotalSeconds, Lane(l), new("quantile", "1")),
    });

    private static IEnumerable<Measurement<double>> Times(MediaPlane media, Func<LaneSnapshot, LegTimes> times) => media.Snapshot().Lanes.SelectMany(l => new[]
    {
        new Measurement<double>(times(l).Mean.TotalSeconds, Lane(l), new("statistic", "mean")),
        new Measurement<double>(times(l).Longest.TotalSeconds, Lane(l), new("statistic", "max")),
    });

    private static KeyValuePair<string, object?> Lane(LaneSnapshot lane) => new("lane", lane.Number);
}
