using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Sdp;

/// <summary>o= (RFC 4566 §5.2). The session id is a numeric string of any length; the version grows with each change (RFC 3264 §8).</summary>
public sealed record SdpOrigin(string Username, string SessionId, ulong Version, string AddressType, string Address)
{
    public static SdpOrigin Of(ulong sessionId, ulong version, MediaAddress address) =>
        new("-", sessionId.ToString(System.Globalization.CultureInfo.InvariantCulture), version, address.IsIPv6 ? "IP6" : "IP4", address.ToIPAddress().ToString());

    public SdpOrigin Next => this with { Version = checked(Version + 1) };
}

/// <summary>c= (RFC 4566 §5.7): the address as written, without TTL and count; a host name cannot be resolved here.</summary>
public sealed record SdpConnection(string AddressType, string Address)
{
    public static SdpConnection Of(MediaAddress address) => new(address.IsIPv6 ? "IP6" : "IP4", address.ToIPAddress().ToString());

    public AddressFamily Family => AddressType == "IP6" ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;

    /// <summary>False for a host name, or for an address of the other family.</summary>
    public bool TryGetAddress(out IPAddress address)
    {
        address = IPAddress.None;
        if (!IPAddress.TryParse(Address, out var parsed)) return false;
        address = parsed;
        return parsed.AddressFamily == Family;
    }
}

/// <summary>a=sendrecv and its kin (RFC 4566 §6), as seen by whoever wrote the description.</summary>
public enum SdpDirection : byte { SendReceive, SendOnly, ReceiveOnly, Inactive }

/// <summary>A line kept as it came and written again in its place by type: never one that may hold a key.</summary>
public readonly record struct SdpLine(char Type, string Value);

/// <summary>a=rtpmap (RFC 4566 §6): encoding names are compared without case.</summary>
public readonly record struct RtpMap(byte PayloadType, string Encoding, int ClockRate, int Channels = 1);

/// <summary>a=fmtp (RFC 4566 §6).</summary>
public readonly record struct FormatParameters(string Format, string Value);

/// <summary>a=rtcp (RFC 3605 §2.1): a port, and an address where it differs from the media's.</summary>
public sealed record RtcpAttribute(int Port, SdpConnection? Connection = null);

/// <summary>The m= line itself (RFC 4566 §5.14): what an answer repeats of a stream that it refuses (RFC 3264 §6).</summary>
public sealed record MediaLine(string Kind, int Port, string Protocol, ImmutableArray<string> Formats)
{
    public bool IsRejected => Port == 0;

    public bool IsAudio => string.Equals(Kind, "audio", StringComparison.OrdinalIgnoreCase);

    /// <summary>RFC 3711 §11, RFC 5124 §3.</summary>
    public bool IsSecureRtp => Protocol is "RTP/SAVP" or "RTP/SAVPF";

    public bool IsPlainRtp => Protocol is "RTP/AVP" or "RTP/AVPF";

    public MediaLine Rejected => this with { Port = 0 };

    public bool Equals(MediaLine? other) => other is not null && Kind == other.Kind && Port == other.Port && Protocol == other.Protocol
        && Formats.SequenceEqual(other.Formats);

    public override int GetHashCode() => HashCode.Combine(Kind, Port, Protocol, Formats.Length);

    public override string ToString() => $"{Kind} {Port} {Protocol} {string.Join(' ', Formats)}";
}
