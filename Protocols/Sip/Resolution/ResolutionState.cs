using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Resolution;

/// <summary>How far the search for a server has come.</summary>
public abstract record ResolutionState
{
    private ResolutionState()
    {
    }

    /// <summary>Which transport the domain prefers is asked for.</summary>
    public sealed record AskingNaptr(Sought Sought) : ResolutionState;

    /// <summary>The services in order of preference; their SRV records are asked for one after the other.</summary>
    /// <param name="Otherwise">The transport that was named, by the URI or by NAPTR, for a name without SRV records; null: the default.</param>
    public sealed record AskingServices(Sought Sought, ImmutableArray<SipService> Services, SipTransport? Otherwise) : ResolutionState;

    /// <summary>The servers are known by name, in order; the addresses of some are still to come.</summary>
    public sealed record AskingAddresses(
        Sought Sought, ImmutableArray<SipServer> Servers, ImmutableArray<DnsQuestion> Open, ImmutableArray<DnsAnswer> Answers) : ResolutionState;

    public sealed record Done : ResolutionState;
}

/// <summary>What is looked up: the host of a URI, whether TLS is a must, and the port where one is written.</summary>
public sealed record Sought(string Host, int? Port, bool IsSecure);

/// <summary>A transport and the name of its SRV records.</summary>
public sealed record SipService(SipTransport Transport, string SrvName);

/// <summary>A transport, a host name and a port.</summary>
public sealed record SipServer(SipTransport Transport, string Host, int Port);

/// <summary>What the resolution asks of its shell.</summary>
public abstract record ResolutionEffect
{
    private ResolutionEffect()
    {
    }

    public sealed record Ask(DnsQuestion Question) : ResolutionEffect;

    /// <summary>The end: where to try, in this order.</summary>
    public sealed record Found(ImmutableArray<SipTarget> Targets) : ResolutionEffect;

    /// <summary>The end: nowhere, with the reason for whoever asked.</summary>
    public sealed record NotFound(string Reason) : ResolutionEffect;
}
