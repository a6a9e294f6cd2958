using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ResolutionStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Sip.Resolution.ResolutionState, ConfCluster.Protocols.Sip.Resolution.ResolutionEffect>;

namespace ConfCluster.Protocols.Sip.Resolution;

/// <summary>
/// Locating SIP servers (RFC 3263 §4.1, §4.2): from the URI that a request is sent to (topmost Route or Request-URI, RFC 3261 §8.1.2) to the
/// addresses to try in order. The trying, and going on after a 503, is the caller's (RFC 3263 §4.3). Left out: SCTP, the search for
/// stateless proxies (RFC 3263 §4.4) and the way of responses, which go where the request came from.
/// </summary>
public static class SipResolution
{
    private const int SipPort = 5060;
    private const int SipsPort = 5061;

    /// <summary>Places that one call tries at most.</summary>
    private const int MaxTargets = 16;

    /// <param name="isSecure">The Request-URI is a SIPS URI: every hop is TLS, whatever the route says (RFC 3261 §26.2.2).</param>
    public static ResolutionStep Begin(SipUri uri, bool isSecure, ResolutionContext context)
    {
        ArgumentNullException.ThrowIfNull(uri);
        ArgumentNullException.ThrowIfNull(context);
        if (!uri.IsSip) return NotFound($"{uri.Scheme}: is no SIP URI");
        // RFC 3263 §4: TARGET is the maddr parameter where there is one.
        var sought = new Sought((uri.Parameters["maddr"] ?? uri.Host).ToLowerInvariant(), uri.Port, isSecure || uri.IsSecure);
        if (!TryTransport(uri, sought.IsSecure, out var named, out var refusal)) return NotFound(refusal);
        if (named is { } unusable && !context.Supports(unusable)) return NotFound($"{Name(unusable)} is not enabled on this node");

        if (IPAddress.TryParse(sought.Host.Trim('[', ']'), out _) || sought.Port is not null || IsLocal(sought.Host))
            return Servers(sought, [Default(sought, named)], context);
        if (named is { } transport) return Services(sought, [ServiceOf(transport, sought)], transport);
        return To(new ResolutionState.AskingNaptr(sought), Ask(DnsType.Naptr, sought.Host));
    }

    public static ResolutionStep Next(ResolutionState state, DnsAnswer answer, ResolutionContext context)
    {
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentNullException.ThrowIfNull(context);
        return state switch
        {
            ResolutionState.AskingNaptr s when answer.Question.Type == DnsType.Naptr => Naptr(s.Sought, answer, context),
            ResolutionState.AskingServices s when answer.Question == SrvQuestion(s.Services[0]) => Srv(s, answer, context),
            ResolutionState.AskingAddresses s when s.Open.Contains(answer.Question) =>
                Addresses(s with { Open = s.Open.Remove(answer.Question), Answers = s.Answers.Add(answer) }),
            _ => To(state),
        };
    }

    /// <summary>RFC 3263 §4.1: the services that we can use, by order and preference; without any, the SRV records are tried.</summary>
    private static ResolutionStep Naptr(Sought sought, DnsAnswer answer, ResolutionContext context)
    {
        var offered = answer.Records.OfType<DnsRecord.Naptr>()
            .Where(n => n.Flags.Equals("s", StringComparison.OrdinalIgnoreCase))
            .OrderBy(n => n.Order).ThenBy(n => n.Preference)
            .Select(n => (n.Replacement, Transport: TransportOf(n.Service)))
            .Where(n => n.Transport is { } t && context.Supports(t) && (!sought.IsSecure || t == SipTransport.Tls))
            .Select(n => new SipService(n.Transport!.Value, n.Replacement.TrimEnd('.').ToLowerInvariant()));
        ImmutableArray<SipService> services = [.. offered];
        if (!services.IsEmpty) return Services(sought, services, services[0].Transport);

        // The domain says nothing that helps, so our own order counts: keys travel in SDP, so what hides them comes first (DECISIONS).
        SipTransport[] ours = sought.IsSecure ? [SipTransport.Tls] : [SipTransport.Tls, SipTransport.Tcp, SipTransport.Udp];
        return Services(sought, [.. ours.Where(context.Supports).Select(t => ServiceOf(t, sought))], null);
    }

    private static ResolutionStep Services(Sought sought, ImmutableArray<SipService> services, SipTransport? otherwise) => services.IsEmpty
        ? NotFound("no transport of this node will do")
        : To(new ResolutionState.AskingServices(sought, services, otherwise), new ResolutionEffect.Ask(SrvQuestion(services[0])));

    private static ResolutionStep Srv(ResolutionState.AskingServices state, DnsAnswer answer, ResolutionContext context)
    {
        var (sought, service) = (state.Sought, state.Services[0]);
        var records = answer.Records.OfType<DnsRecord.Srv>().ToList();
        // RFC 2782: "." means that the service is decidedly not available at this domain.
        var usable = records.Where(r => r.Target.TrimEnd('.').Length > 0 && r.Port is > 0 and <= 65535).ToList();
        if (usable.Count > 0)
        {
            var servers = SrvOrder.Of(usable, context.RandomBelow)
                .Select(r => new SipServer(service.Transport, r.Target.TrimEnd('.').ToLowerInvariant(), r.Port));
            return Servers(sought, [.. servers], context);
        }

        if (state.Services.Length > 1) return Services(sought, state.Services.RemoveAt(0), state.Otherwise);
        if (records.Count > 0) return NotFound($"{sought.Host} says that it has no SIP service");

        // RFC 3263 §4.2: without SRV records the address of the name, at the default port.
        return Servers(sought, [Default(sought, state.Otherwise)], context);
    }

    private static ResolutionStep Servers(Sought sought, ImmutableArray<SipServer> servers, ResolutionContext context)
    {
        ImmutableArray<SipServer> usable = [.. servers.Where(s => context.Supports(s.Transport))];
        if (usable.IsEmpty) return NotFound($"{Name(servers[0].Transport)} is not enabled on this node");
        var questions = usable.Where(s => !IPAddress.TryParse(s.Host.Trim('[', ']'), out _) && !IsLocal(s.Host))
            .SelectMany(s => Families(context).Select(type => new DnsQuestion(type, s.Host))).Distinct().ToImmutableArray();
        var known = usable.SelectMany(s => Known(s, context)).Distinct(QuestionComparer).ToImmutableArray();
        var state = new ResolutionState.AskingAddresses(sought, usable, questions, known);
        return questions.IsEmpty
            ? Addresses(state)
            : To(state, [.. questions.Select(q => new ResolutionEffect.Ask(q))]);
    }

    /// <summary>When the last address has come: every server's addresses, in the order of the servers.</summary>
    private static ResolutionStep Addresses(ResolutionState.AskingAddresses state)
    {
        if (!state.Open.IsEmpty) return To(state);
        var targets = state.Servers
            .SelectMany(s => state.Answers.Where(a => a.Question.Name == s.Host).SelectMany(a => a.Records).OfType<DnsRecord.Address>()
                .Select(a => new SipTarget(s.Transport, new IPEndPoint(a.Value, s.Port), state.Sought.Host)))
            .Distinct().Take(MaxTargets).ToImmutableArray();
        return targets.IsEmpty
            ? NotFound($"{state.Sought.Host} has no address that this node can reach")
            : To(new ResolutionState.Done(), new ResolutionEffect.Found(targets));
    }

    /// <summary>RFC 3263 §4.1: a named transport; sips is TLS over TCP, and never UDP (RFC 3261 §26.2.2).</summary>
    private static bool TryTransport(SipUri uri, bool isSecure, out SipTransport? transport, out string refusal)
    {
        (transport, refusal) = (null, "");
        switch (uri.Parameters["transport"]?.ToUpperInvariant())
        {
            case null: return true;
            case "UDP" when isSecure:
                refusal = "sips cannot go over UDP";
                return false;
            case "UDP":
                transport = SipTransport.Udp;
                return true;
            case "TCP":
                transport = isSecure ? SipTransport.Tls : SipTransport.Tcp;
                return true;
            // RFC 3261 §26.2.2 deprecates it; many phones write it.
            case "TLS":
                transport = SipTransport.Tls;
                return true;
            default:
                refusal = $"transport {uri.Parameters["transport"]} is not known here";
                return false;
        }
    }

    /// <summary>Numeric addresses and localhost (RFC 6761 §6.3) need no DNS.</summary>
    private static IEnumerable<DnsAnswer> Known(SipServer server, ResolutionContext context)
    {
        if (IPAddress.TryParse(server.Host.Trim('[', ']'), out var address))
            return Uses(address, context) ? [Answer(server.Host, address)] : [];
        if (!IsLocal(server.Host)) return [];
        return new[] { IPAddress.Loopback, IPAddress.IPv6Loopback }.Where(a => Uses(a, context)).Select(a => Answer(server.Host, a));
    }

    private static DnsAnswer Answer(string host, IPAddress address) => new(
        new DnsQuestion(address.AddressFamily == AddressFamily.InterNetworkV6 ? DnsType.Aaaa : DnsType.A, host), [new DnsRecord.Address(address)]);

    private static bool Uses(IPAddress address, ResolutionContext context) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? context.UsesIPv6 : context.UsesIPv4;

    private static IEnumerable<DnsType> Families(ResolutionContext context)
    {
        if (context.UsesIPv6) yield return DnsType.Aaaa;
        if (context.UsesIPv4) yield return DnsType.A;
    }

    private static SipServer Default(Sought sought, SipTransport? named)
    {
        var transport = named ?? (sought.IsSecure ? SipTransport.Tls : SipTransport.Udp);
        return new SipServer(transport, sought.Host, sought.Port ?? (transport == SipTransport.Tls ? SipsPort : SipPort));
    }

    private static SipService ServiceOf(SipTransport transport, Sought sought) => new(transport, transport switch
    {
        SipTransport.Tls => $"_sips._tcp.{sought.Host}",
        SipTransport.Tcp => $"_sip._tcp.{sought.Host}",
        _ => $"_sip._udp.{sought.Host}",
    });

    private static SipTransport? TransportOf(string service) => service.ToUpperInvariant() switch
    {
        "SIP+D2U" => SipTransport.Udp,
        "SIP+D2T" => SipTransport.Tcp,
        "SIPS+D2T" => SipTransport.Tls,
        _ => null,
    };

    private static string Name(SipTransport transport) => transport.ToString().ToUpperInvariant();

    private static bool IsLocal(string host) => host is "localhost" || host.EndsWith(".localhost", StringComparison.Ordinal);

    private static DnsQuestion SrvQuestion(SipService service) => new(DnsType.Srv, service.SrvName);

    private static ResolutionEffect.Ask Ask(DnsType type, string name) => new(new DnsQuestion(type, name));

    private static ResolutionStep NotFound(string reason) => To(new ResolutionState.Done(), new ResolutionEffect.NotFound(reason));

    private static ResolutionStep To(ResolutionState state, params ReadOnlySpan<ResolutionEffect> effects) => new(state, [.. effects]);

    private static readonly IEqualityComparer<DnsAnswer> QuestionComparer =
        EqualityComparer<DnsAnswer>.Create((a, b) => a?.Question == b?.Question, a => a.Question.GetHashCode());
}
