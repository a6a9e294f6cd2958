using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Sip.Admission;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Settings;

/// <summary>Everything under the HOCON root <c>confcluster</c>; reference.conf is the manual and holds every default.</summary>
/// <param name="NodeName">In log lines; empty: the machine's name.</param>
/// <param name="AllowUnauthenticated">SIP and HTTP may listen elsewhere than on loopback.</param>
public sealed record ConfClusterSettings(
    string NodeName, string DataDirectory, SipSettings Sip, MediaSettings Media, ConferenceSettings Conference, JournalSettings Journal,
    HttpSettings Http, TimeSpan ShutdownTimeout, bool AllowUnauthenticated)
{
    public AuthSettings Auth => Sip.Auth;

    public required AuditSettings Audit { get; init; }

    public required ClusterSettings Cluster { get; init; }

    /// <summary>How long a node may take to be emptied before it stops.</summary>
    public required TimeSpan DrainTimeout { get; init; }

    public required KmsSettings Kms { get; init; }

    public required KmsUserSettings KmsUser { get; init; }

    public required PreSharedSettings PreShared { get; init; }
}

/// <param name="Udp">Where the UDP listener binds; null: none.</param>
/// <param name="Tcp">Where the TCP listener binds; null: none.</param>
/// <param name="Advertised">Host for Contact and Via; null: the listener's own address.</param>
/// <param name="MaxMessageSize">Octets; a longer message is refused.</param>
/// <param name="MaxTransactions">Server transactions a node holds at most; a new request above it gets 503.</param>
public sealed record SipSettings(
    IPEndPoint? Udp, IPEndPoint? Tcp, string? Advertised, SipTimings Timings, int MaxMessageSize, int MaxTransactions, int MaxConnections,
    TimeSpan ConnectionIdleTimeout, string ServerHeader)
{
    /// <summary>Null: no TLS, neither as a server nor as a client.</summary>
    public TlsSettings? Tls { get; init; }

    public DnsSettings Dns { get; init; } = DnsSettings.System;

    public OutboundPolicy Outbound { get; init; } = OutboundPolicy.Nobody;

    /// <summary>Who has to prove who it is.</summary>
    public AuthSettings Auth { get; init; } = AuthSettings.Off;

    /// <summary>Who is let in while the node is busy.</summary>
    public AdmissionLimits Admission { get; init; } = AdmissionLimits.None;

    /// <summary>How long a participant may take for its first word on an INVITE.</summary>
    public TimeSpan FocusTimeout { get; init; } = TimeSpan.FromSeconds(20);

    public SessionTimerPolicy SessionTimer { get; init; } = SessionTimerPolicy.Passive;

    /// <summary>Where every transport listens as well, at its own port; null: nowhere.</summary>
    public IPAddress? SecondAddress { get; init; }

    /// <summary>Host for Contact and Via of what comes and goes there; null: <see cref="SecondAddress"/>.</summary>
    public string? SecondAdvertised { get; init; }

    /// <summary>Host of ours for whoever is reached over that family; null: the listener's own address.</summary>
    public string? AdvertisedFor(AddressFamily family) =>
        SecondAddress is { } second && second.AddressFamily == family ? SecondAdvertised : Advertised;

    /// <summary>The second listener beside that one; null: none.</summary>
    public IPEndPoint? Second(IPEndPoint? first) => first is not null && SecondAddress is { } address ? new IPEndPoint(address, first.Port) : null;
}

/// <param name="Servers">Empty: those of the system.</param>
/// <param name="CacheSize">Answers that are kept at most.</param>
public sealed record DnsSettings(ImmutableArray<IPEndPoint> Servers, TimeSpan Timeout, int CacheSize)
{
    public static readonly DnsSettings System = new([], TimeSpan.FromSeconds(2), 1000);
}

/// <summary>What is asked of a TLS client.</summary>
public enum ClientCertificates : byte
{
    None,

    /// <summary>Whoever has one shows it; who has none comes in without.</summary>
    Request,

    Require,
}

/// <summary>Files of one certificate of ours: PEM (the key there or in <paramref name="Key"/>) or PKCS #12.</summary>
/// <param name="Password">A file whose first line opens the key; null: it is not locked.</param>
public sealed record CertificateFiles(string Certificate, string? Key, string? Password);

/// <param name="Certificates">The first is for clients that name none of them; empty: the node makes one itself.</param>
/// <param name="SelfMadeDirectory">Where that one is kept.</param>
/// <param name="Trust">PEM file with the roots of peers' certificates; null: the roots of the system.</param>
/// <param name="VerifyServer">On connections that we open.</param>
/// <param name="ReloadInterval">How often the files are looked at.</param>
public sealed record TlsSettings(
    IPEndPoint Listen, ImmutableArray<CertificateFiles> Certificates, string SelfMadeDirectory, ClientCertificates ClientCertificates, string? Trust,
    bool VerifyServer, TimeSpan HandshakeTimeout, TimeSpan ReloadInterval);

/// <param name="Address">Where RTP sockets bind.</param>
/// <param name="Advertised">Address in SDP; null: <paramref name="Address"/>.</param>
/// <param name="HeartbeatInterval">How often a mixer reports to its conference.</param>
public sealed record MediaSettings(
    IPAddress Address, IPAddress? Advertised, int PortMin, int PortMax, int Lanes, int MaxLegsPerLane, MixerSettings Mixer, TimeSpan HeartbeatInterval,
    TimeSpan UnadmittedLegTimeout)
{
    /// <summary>The call of somebody from whom nothing comes is ended; else it is only told.</summary>
    public bool EndsWithoutMedia { get; init; }

    /// <summary>Ticks that come later than this make a lane ask whether its mixers are still in charge; zero: never.</summary>
    public TimeSpan SuspectAfter { get; init; }

    /// <summary>A mixer where nobody hears or is heard reports every so many heartbeats.</summary>
    internal const int RestingHeartbeats = 33;

    /// <summary>A mixer hears of its conference when it reports, so it is alone after two missed chances at the earliest.</summary>
    internal const int OrphanHeartbeats = 2 * RestingHeartbeats;

    /// <summary>A mixer that has heard nothing of its conference for so long ends; zero: never.</summary>
    public TimeSpan OrphanTimeout { get; init; }

    public MediaSocketOptions Sockets { get; init; } = MediaSocketOptions.OfTheSystem;

    /// <summary>Addresses of the other family, with the same ports.</summary>
    public MediaBinding? Second { get; init; }

    /// <summary>Every address that media may have; the preferred family first.</summary>
    public ImmutableArray<MediaBinding> Bindings => [new(Address, Advertised), .. Second is { } second ? [second] : (MediaBinding[])[]];
}

/// <param name="Address">Where RTP sockets bind.</param>
/// <param name="Advertised">Address in SDP; null: <paramref name="Address"/>.</param>
public sealed record MediaBinding(IPAddress Address, IPAddress? Advertised)
{
    public IPAddress Shown => Advertised ?? Address;
}

/// <summary>How media sockets are set up.</summary>
/// <param name="ReceiveBuffer">Octets; 0: as the system has it.</param>
/// <param name="Dscp">Differentiated services code point of what is sent (RFC 2474 §3); 0: none.</param>
public sealed record MediaSocketOptions(int ReceiveBuffer, int SendBuffer, int Dscp)
{
    public static readonly MediaSocketOptions OfTheSystem = new(0, 0, 0);
}

/// <param name="Blueprints">The rules of conferences, by name.</param>
/// <param name="RequireProtection">Fail closed: an offer without keys gets 488.</param>
/// <param name="Suites">In order of preference.</param>
public sealed record ConferenceSettings(
    Blueprints Blueprints, bool RequireProtection, ImmutableArray<SrtpProfile> Suites, ImmutableArray<AudioCodec> Codecs, int MaxConferences,
    int Shards, TimeSpan MixerSuspectAfter);


public sealed record HttpSettings(IPEndPoint Listen);
