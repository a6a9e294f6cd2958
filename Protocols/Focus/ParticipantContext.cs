using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Focus;

/// <param name="AdvertisedHost">Host of our Contact; null: the address that the request came to.</param>
/// <param name="Server">RFC 3261 §20.35.</param>
public sealed record FocusSettings(SipTimings Timings, string? AdvertisedHost, string Server, MediaCapabilities Media)
{
    public SessionTimerPolicy SessionTimer { get; init; } = SessionTimerPolicy.Passive;

    public OutboundPolicy Outbound { get; init; } = OutboundPolicy.Nobody;

    /// <summary>There is a KMS that resolves tickets (RFC 6043 §4.2.3).</summary>
    public bool TakesTickets { get; init; }

    /// <summary>Callers may be keyed by MIKEY under keys that they share with the focus (RFC 3830 §3.1).</summary>
    public bool TakesPreShared { get; init; }

    /// <summary>Mixers are on other nodes as well: a participant that comes back elsewhere finds its media still there.</summary>
    public bool CallsOutliveNode { get; init; }

    /// <summary>What our own first offers say (RFC 6043 §4.2.2.1).</summary>
    public TicketOffers Tickets { get; init; }

    /// <summary>In place of <see cref="AdvertisedHost"/> for who is reached over IPv6, on a node with both families.</summary>
    public string? SecondHost { get; init; }
}

/// <summary>Whether a first offer of ours has a ticket for whom it is sent to.</summary>
public enum TicketOffers : byte
{
    Never,

    /// <summary>Calls that we make have one beside a=crypto, when the KMS gives one. An INVITE without an offer says nothing of whether it wants one.</summary>
    Beside,

    /// <summary>Without a ticket nobody is called, and an INVITE without an offer is refused.</summary>
    Only,
}

/// <summary>Everything a step of a participant may depend on besides its state and its input.</summary>
/// <param name="Random">For keys and for the seconds of a Retry-After.</param>
public sealed record ParticipantContext(ParticipantId Id, FocusSettings Settings, SecretWriter Random)
{
    /// <summary>RFC 3830 §5.4: how far a peer's clock may be off.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    public SipTimings Timings => Settings.Timings;

    /// <summary>For the timestamps of MIKEY messages.</summary>
    public DateTimeOffset Now { get; init; }

    internal ExchangeContext Exchange => new(Now, Random, ClockSkew);

    /// <summary>RFC 3261 §8.1.1.8, and RFC 4579 §5.2: isfocus says that a conference answers here.</summary>
    /// <param name="secure">It is to be a sips URI, see <see cref="SecureContact"/>.</param>
    public string Contact(ConferenceId conference, SipFlow flow, bool secure = false)
    {
        var uri = ConferenceUri(conference, flow);
        // RFC 3261 §26.2.2: a sips URI means TLS; its transport parameter would be the one below TLS.
        uri = secure
            ? uri with { Scheme = "sips" }
            : uri with { Parameters = SipParameters.Empty.With("transport", flow.Transport.ToString().ToLowerInvariant()) };
        return new NameAddr(null, uri, SipParameters.Empty.With("isfocus", null)).ToString();
    }

    /// <summary>The name of the conference as whoever uses that flow can dial it (RFC 4353 §4.1).</summary>
    public SipUri ConferenceUri(ConferenceId conference, SipFlow flow)
    {
        var address = flow.Local.Address;
        var isSecond = Settings.SecondHost is not null && address.AddressFamily == AddressFamily.InterNetworkV6;
        var advertised = isSecond ? Settings.SecondHost : Settings.AdvertisedHost;
        var host = advertised ?? (address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString());
        return SipUri.Sip(conference.Value, host, flow.Local.Port);
    }

    internal int RandomBelow(int limit)
    {
        Span<byte> draw = stackalloc byte[2];
        Random(draw);
        return (draw[0] << 8 | draw[1]) % limit;
    }
}
