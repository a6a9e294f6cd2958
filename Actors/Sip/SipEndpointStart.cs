using Akka.Actor;
using Akka.Hosting;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Focus;

namespace ConfCluster.Actors.Sip;

/// <summary>One endpoint per node with the role sip; it binds when it starts.</summary>
public static class SipEndpointStart
{
    public const string Name = "sip";

    public const string LocatorName = $"{Name}-locator";

    public const string WayName = $"{Name}-way";

    /// <summary>On every node of a cluster, after its endpoint.</summary>
    public static AkkaConfigurationBuilder AddSipWay(this AkkaConfigurationBuilder builder, SipSettings settings, EntityRegions regions, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(regions);
        var life = 64 * settings.Timings.T1;
        return builder.WithActors((system, _) =>
        {
            regions.Node = SipWay.NameOf(Akka.Cluster.Cluster.Get(system).SelfAddress);
            regions.SipWay = regions.SipLocator = system.ActorOf(Props.Create(() => new SipWay(regions, life, clock)), WayName);
        });
    }

    public static AkkaConfigurationBuilder AddSipEndpoint(
        this AkkaConfigurationBuilder builder, SipSettings settings, LocalTag tags, EntityRegions regions, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(regions);
        return builder.WithActors((system, registry) =>
        {
            regions.SipEndpoint = system.ActorOf(Props.Create(() => new SipEndpoint(settings, tags, regions, clock)), Name);
            registry.Register<SipEndpoint>(regions.SipEndpoint);
            var dns = new DnsLookup(settings.Dns);
            regions.SipLocator = system.ActorOf(
                Props.Create(() => new SipLocator(regions, dns.AskAsync, settings.Dns.CacheSize, clock)), LocatorName);
        });
    }
}
