using Akka.Actor;
using Akka.Hosting;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Focus;

namespace ConfCluster.Actors.Sip;

/// <summary>One endpoint per node with the role sip; it binds when it starts.</summary>
public static class SipEndpointStart
{
    public const string Name = "sip";

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
                Props.Create(() => new SipLocator(regions, dns.AskAsync, settings.Dns.CacheSize, clock)), $"{Name}-locator");
        });
    }
}
