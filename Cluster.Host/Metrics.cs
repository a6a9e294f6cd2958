using System.Diagnostics.Metrics;
using Akka.Actor;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using OpenTelemetry.Metrics;

namespace ConfCluster.Host;

/// <summary>
/// <c>/metrics</c> for Prometheus, names with the prefix <c>confcluster_</c>. What the SIP endpoint knows is fetched once a second and shown from that
/// copy, so that a scrape waits for nobody. No conference is asked: a node has thousands of them.
/// </summary>
internal static class Metrics
{
    public const string MeterName = "ConfCluster.Node";

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<NodeCounts>().AddHostedService(s => s.GetRequiredService<NodeCounts>());
        services.AddOpenTelemetry().WithMetrics(m => m.AddMeter("ConfCluster.*").AddRuntimeInstrumentation().AddPrometheusExporter());
    }

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPrometheusScrapingEndpoint("/metrics");
}

/// <summary>The copy, and the instruments that show it.</summary>
internal sealed class NodeCounts : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly SipListeners _listeners;
    private readonly Meter _meter;
    private volatile Counts _counts = new(0, 0, null);

    public NodeCounts(ActiveConferences conferences, SipListeners listeners, ConfClusterSettings settings, IServiceProvider services, IMeterFactory meters)
    {
        _listeners = listeners;
        _meter = meters.Create(Metrics.MeterName);
        _meter.CreateObservableGauge("confcluster_conferences", () => conferences.Occupied, description: "Conferences with somebody in them.");
        _meter.CreateObservableGauge("confcluster_participants", () => conferences.Participants, description: "Participants of all conferences.");
        _meter.CreateObservableGauge(
            "confcluster_mki_incapable_legs", () => conferences.WithoutMki, description: "Participants that tell no keys by MKI.");
        _meter.CreateObservableGauge("confcluster_sip_transactions", () => _counts.Transactions, description: "SIP transactions held.");
        _meter.CreateObservableGauge("confcluster_sip_connections", () => _counts.Connections, description: "TCP and TLS connections open.");
        _meter.CreateObservableGauge("confcluster_sip_overloaded", () => _counts.Admission?.IsOverloaded == true ? 1 : 0, description: "1: new calls are refused.");
        _meter.CreateObservableGauge("confcluster_sip_waiting", () => _counts.Admission?.Queue ?? 0, description: "Messages that wait for the SIP endpoint.");
        _meter.CreateObservableGauge(
            "confcluster_sip_lag_seconds", () => _counts.Admission?.Lag.TotalSeconds ?? 0, description: "How late the SIP endpoint is.");
        _meter.CreateObservableGauge("confcluster_sip_unanswered", () => _counts.Admission?.Unanswered ?? 0, description: "INVITEs without a final answer.");
        _meter.CreateObservableGauge("confcluster_sip_dialogs", () => _counts.Admission?.Dialogs ?? 0, description: "Dialogs let in and not over.");
        _meter.CreateObservableGauge("confcluster_sip_sources", () => _counts.Admission?.Sources ?? 0, description: "Sources whose rate is remembered.");
        if (settings.Cluster.Has(NodeRole.Media)) MediaInstruments.Create(_meter, services.GetRequiredService<MediaPlane>());
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await CountAsync();
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private async Task CountAsync()
    {
        try
        {
            var sip = await _listeners.AskAsync();
            _counts = new Counts(sip?.Transactions ?? 0, sip?.Connections ?? 0, sip?.Admission);
        }
        catch (AskTimeoutException)
        {
            // The endpoint is starting or stopping; the last counts stand.
        }
    }

    private sealed record Counts(int Transactions, int Connections, AdmissionView? Admission);
}
