using Akka.Actor;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Hosting.Logging;
using ConfCluster.Actors;
using ConfCluster.Actors.Audit;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Nodes.Links;
using ConfCluster.Actors.Nodes.Losses;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Serialization;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Host.Api;
using ConfCluster.Host.Logs;
using ConfCluster.Protocols.Focus;
using Microsoft.Extensions.Logging.Console;

namespace ConfCluster.Host.Roles;

/// <summary>Puts the parts of a node together.</summary>
internal static class NodeParts
{
    public static WebApplication Compose(Config config, ConfClusterSettings settings, bool isQuiet = false)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(settings.Http.Listen));
        if (settings.Cluster.Has(NodeRole.Kms) && settings.Kms is { IsEnabled: true, Https: not null }) KmsListener.Add(builder, settings.Kms);
        AddLog(builder, settings, isQuiet);
        AddEngine(builder.Services, config, settings);
        Metrics.Add(builder.Services);
        var app = builder.Build();
        if (settings.Cluster.Has(NodeRole.Kms) && settings.Kms is { IsEnabled: true, Https: not null }) KmsListener.Guard(app);
        Health.Map(app);
        Metrics.Map(app);
        ConferenceApi.Map(app);
        AuditApi.Map(app);
        ClusterApi.Map(app);
        if (!settings.Kms.IsEnabled || !settings.Cluster.Has(NodeRole.Kms)) return app;

        // From now on, not from the first message on, does it know what it has taken.
        app.Services.GetRequiredService<KeyManagementServer>();
        KmsApi.Map(app);
        return app;
    }

    /// <summary>A node without its log and its pages; what is added to the services later stands in for a part of it.</summary>
    public static void AddEngine(IServiceCollection services, Config config, ConfClusterSettings settings)
    {
        AddServices(services, settings);
        services.AddAkka("confcluster", (akka, parts) => AddActors(akka, parts, EngineConfig.Of(config, settings.Cluster, Agreed(settings)), settings));
    }

    private static void AddLog(WebApplicationBuilder builder, ConfClusterSettings settings, bool isQuiet)
    {
        var name = settings.NodeName.Length > 0 ? settings.NodeName : Environment.MachineName;
        builder.Services.AddSingleton(new NodeName(name));
        builder.Logging.ClearProviders().SetMinimumLevel(isQuiet ? LogLevel.Warning : LogLevel.Information).AddFilter("Microsoft", LogLevel.Warning)
            .AddConsole(o =>
            {
                o.FormatterName = LineFormatter.FormatName;
                if (isQuiet) o.LogToStandardErrorThreshold = LogLevel.Trace;
            }).AddConsoleFormatter<LineFormatter, ConsoleFormatterOptions>();
    }

    private static void AddServices(IServiceCollection services, ConfClusterSettings settings)
    {
        services.AddSingleton(settings).AddSingleton(new EntityRegions()).AddSingleton<NodeState>().AddSingleton<SipListeners>().AddSingleton<Health>();
        services.AddSingleton(new ActiveConferences(settings.Conference.MaxConferences)).AddSingleton<ConferenceHistory>();
        services.AddSingleton(new AuditReading(settings));
        services.AddSingleton(s => new JournalReader(s.GetRequiredService<ActorSystem>(), settings.Journal.Database));
        services.AddSingleton(new JournalCheck(settings.Journal.Database));
        services.AddSingleton(_ => new MediaPlane(settings.Media, TimeProvider.System)).AddSingleton(_ => Tags(settings.Cluster));
        services.AddSingleton<ClusterView>().AddSingleton(
            s => new ClusterEntry(settings.Cluster, settings.Sip.Dns, s.GetRequiredService<ILogger<ClusterEntry>>()));
        if (settings.Cluster.Tls is { } tls)
        {
            services.AddSingleton(s => NodeTls.Open(tls, TimeProvider.System, w => s.GetRequiredService<ILogger<NodeTls>>().LogWarning("{Warning}", w), out var problem)
                ?? throw new InvalidOperationException(problem));
        }

        services.AddSingleton<Dialler>().AddSingleton<ConferenceQueries>().AddSingleton<Farewell>().AddSingleton<Drain>().AddSingleton<CutOffReport>();

        services.AddSingleton(settings.Kms).AddSingleton<KmsApi>().AddSingleton(
            s => KeyManagementServer.Open(s.GetRequiredService<KmsSettings>(), TimeProvider.System, out var problem) ?? throw new InvalidOperationException(problem));

        // Signals are handled by the run verb, which says goodbye to the callers first.
        services.AddSingleton<IHostLifetime, NoLifetime>();
        services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromMinutes(1));
        services.ConfigureHttpJsonOptions(o =>
        {
            foreach (var converter in Commands.Output.Json.Converters) o.SerializerOptions.Converters.Add(converter);
        });
    }

    private static void AddActors(AkkaConfigurationBuilder akka, IServiceProvider services, Config engine, ConfClusterSettings settings)
    {
        var regions = services.GetRequiredService<EntityRegions>();
        akka.AddHocon(engine, HoconAddMode.Prepend);
        akka.AddSetup(new LoggerFactorySetup(services.GetRequiredService<ILoggerFactory>()));
        akka.ConfigureLoggers(l => l.ClearLoggers().AddLogger<AkkaLogger>());
        akka.AddEngineDefaults(settings);
        if (settings.Cluster.Tls is not null)
            akka.AddSetup(new NodeTlsSetup(services.GetRequiredService<NodeTls>()));
        if (settings.Cluster.Has(NodeRole.Focus))
        {
            akka.AddAudit(settings, TimeProvider.System);
            akka.AddKmsGateway(settings, regions, TimeProvider.System);
        }

        var homes = settings.Cluster.IsAlone ? null : new MixerHomes(
            settings.Conference.Shards, settings.Conference.MixerSuspectAfter, regions.Draining, TimeProvider.System);
        akka.AddConferences(settings, regions, services.GetRequiredService<ActiveConferences>(), homes: homes);
        if (homes is not null && settings.Cluster.Has(NodeRole.Focus)) akka.AddMixerHomes(settings, homes, regions);
        akka.AddParticipants(settings, regions);
        akka.AddMixers(settings, regions, services.GetRequiredService<MediaPlane>, TimeProvider.System);
        if (settings.Cluster.Has(NodeRole.Sip)) akka.AddSipEndpoint(settings.Sip, services.GetRequiredService<LocalTag>(), regions, TimeProvider.System);
        if (settings.Cluster.IsAlone) return;
        akka.AddSipWay(settings.Sip, regions, TimeProvider.System);
        akka.WithActors((system, _) =>
        {
            system.ActorOf(Props.Create(() => new DrainWatch(regions.Draining)), DrainWatch.Name);
            system.ActorOf(Props.Create(() => new HandOffDrops(regions)), HandOffDrops.Name);
        });
        AddLossWatches(akka, settings.Cluster);
    }

    private static void AddLossWatches(AkkaConfigurationBuilder akka, ClusterSettings cluster)
    {
        if (cluster.CutOffAfter > TimeSpan.Zero)
            akka.WithActors((system, _) => system.ActorOf(Props.Create(() => new CutOffWatch(cluster.CutOffAfter, TimeProvider.System)), "cut-off-watch"));
        if (cluster.RefusalIsEnd)
            akka.WithActors((system, _) => system.ActorOf(Props.Create(() => new EndedNodeWatch(Doorbell.RingAsync, TimeProvider.System)), EndedNodeWatch.Name));
    }

    private static IReadOnlyList<string> Agreed(ConfClusterSettings settings)
    {
        using var key = ClusterKey.Open(settings.Cluster.KeyFile, out var problem) ?? throw new InvalidOperationException(problem);
        return ClusterAgreement.RolesOf(settings.Conference.Shards, key);
    }

    /// <summary>All nodes of a cluster know each other's dialogs; alone, no dialog outlives the process.</summary>
    private static LocalTag Tags(ClusterSettings cluster)
    {
        using var key = ClusterKey.Open(cluster.KeyFile, out var problem) ?? throw new InvalidOperationException(problem);
        return new LocalTag(key);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
