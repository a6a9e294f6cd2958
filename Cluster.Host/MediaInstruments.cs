using System.Diagnostics.Metrics;
using ConfCluster.Actors.Media;

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
        Count(meter, media, "confcluster_media_auth_failures", l => l.AuthFailures, "Packets whose tag was wrong.");
        Count(meter, media, "confcluster_media_ticks", l => l.Ticks, "Ticks of 20 ms.");
        Count(meter, media, "confcluster_media_rebased", l => l.Rebased, "Pauses so long that ticks were left out.");
        meter.CreateObservableGauge("confcluster_media_tick_lateness_seconds", () => Lateness(media), description: "How late ticks were.");
    }

    private static void Count(Meter meter, MediaPlane media, string name, Func<LaneSnapshot, long> figure, string description) =>
        meter.CreateObservableCounter(name, () => Each(media, figure), description: description);

    private static IEnumerable<Measurement<long>> Each(MediaPlane media, Func<LaneSnapshot, long> figure) =>
        media.Snapshot().Lanes.Select(l => new Measurement<long>(figure(l), Lane(l)));

    private static IEnumerable<Measurement<double>> Lateness(MediaPlane media) => media.Snapshot().Lanes.SelectMany(l => new[]
    {
        new Measurement<double>(l.LatenessMedian.TotalSeconds, Lane(l), new("quantile", "0.5")),
        new Measurement<double>(l.LatenessP99.TotalSeconds, Lane(l), new("quantile", "0.99")),
        new Measurement<double>(l.LatenessMax.TotalSeconds, Lane(l), new("quantile", "1")),
    });

    private static KeyValuePair<string, object?> Lane(LaneSnapshot lane) => new("lane", lane.Number);
}
