using System.Globalization;
using System.Net;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Sdp;

/// <summary>The parts of a peer's m= section that offers and answers are read for alike: address, codec, direction, packet time.</summary>
internal static class StreamTerms
{
    /// <summary>RFC 3551 §6: payload types that mean PCMU and PCMA without an rtpmap.</summary>
    private const byte StaticPcmu = 0;
    private const byte StaticPcma = 8;

    /// <summary>Milliseconds: the mixer's tick, and the longest packet it makes.</summary>
    private const int Tick = 20;
    private const int LongestPacket = 60;

    /// <summary>The first format in the peer's order that we can do (RFC 3264 §6.1).</summary>
    public static bool TryCodec(MediaDescription media, MediaCapabilities ours, out AudioCodec codec, out byte payloadType)
    {
        codec = default;
        payloadType = 0;
        foreach (var format in media.Line.Formats)
            if (TryPayloadType(format, out payloadType) && CodecOf(media, payloadType) is { } known && ours.Codecs.Contains(known))
            {
                codec = known;
                return true;
            }

        return false;
    }

    /// <summary>RFC 4733 §7.1.1, at the clock rate of G.711.</summary>
    public static byte? TelephoneEventOf(MediaDescription media)
    {
        foreach (var format in media.Line.Formats)
            if (TryPayloadType(format, out var type) && media.MapOf(type) is { ClockRate: 8000 } map && Same(map.Encoding, "telephone-event"))
                return type;
        return null;
    }

    /// <summary>What the peer wants to receive, in ticks of ours (RFC 3264 §5.1: ptime is what it would like to get).</summary>
    public static int PacketTimeOf(MediaDescription media)
    {
        var wanted = media.PacketTime ?? Tick;
        if (media.MaxPacketTime is { } most) wanted = Math.Min(wanted, most);
        return Math.Clamp(wanted / Tick * Tick, Tick, LongestPacket);
    }

    /// <summary>What the peer's direction leaves to us; a media-level attribute wins (RFC 4566 §6), sendrecv is the default.</summary>
    public static MediaDirection DirectionFor(SessionDescription session, MediaDescription media) => (media.Direction ?? session.Direction) switch
    {
        SdpDirection.SendOnly => MediaDirection.ReceiveOnly,
        SdpDirection.ReceiveOnly => MediaDirection.SendOnly,
        SdpDirection.Inactive => MediaDirection.Inactive,
        _ => MediaDirection.SendReceive,
    };

    /// <summary>What we write for a direction of ours.</summary>
    public static SdpDirection Written(MediaDirection ours) => (ours.Send, ours.Receive) switch
    {
        (true, true) => SdpDirection.SendReceive,
        (true, false) => SdpDirection.SendOnly,
        (false, true) => SdpDirection.ReceiveOnly,
        _ => SdpDirection.Inactive,
    };

    /// <summary>
    /// Where the stream goes; <see cref="MediaAddress.None"/> for an unspecified address, the old way to hold (RFC 3264 §8.4). Null when
    /// acceptable, else the refusal.
    /// </summary>
    public static OfferVerdict.Refused? Addresses(SessionDescription session, MediaDescription media, bool mux, out MediaAddress rtp, out MediaAddress rtcp)
    {
        rtp = rtcp = MediaAddress.None;
        var connection = media.Connection ?? session.Connection;
        if (connection is null) return Refuse(399, "No c= line for the audio stream");
        // RFC 3261 §20.43: 301 names the address format; a host name would need a resolver that a media path has not.
        if (!connection.TryGetAddress(out var address)) return Refuse(301, "The address in c= is not an IP address of its type");
        if (IsMulticast(address)) return Refuse(330, "Multicast is not available");
        if (IsUnspecified(address)) return null;

        rtp = MediaAddress.From(address, media.Line.Port);
        if (mux)
        {
            rtcp = rtp;
            return null;
        }

        // RFC 3550 §11, RFC 3605 §2.1: the next port, unless a=rtcp says where.
        if (media.Rtcp is not { } apart)
        {
            if (media.Line.Port < 65535) rtcp = rtp.WithPort(media.Line.Port + 1);
            return null;
        }

        if (apart.Connection is null) rtcp = rtp.WithPort(apart.Port);
        else if (!apart.Connection.TryGetAddress(out var other) || IsMulticast(other)) return Refuse(301, "The address in a=rtcp is not usable");
        else if (!IsUnspecified(other)) rtcp = MediaAddress.From(other, apart.Port);
        return null;
    }

    public static OfferVerdict.Refused Refuse(int warning, string text) => new(488, warning, text);

    public static string Format(byte payloadType) => payloadType.ToString(CultureInfo.InvariantCulture);

    public static RtpMap MapOf(AudioCodec codec, byte payloadType) => new(payloadType, codec == AudioCodec.Pcmu ? "PCMU" : "PCMA", 8000);

    private static AudioCodec? CodecOf(MediaDescription media, byte payloadType)
    {
        if (media.MapOf(payloadType) is { } map)
        {
            if (map.ClockRate != 8000 || map.Channels != 1) return null;
            return Same(map.Encoding, "PCMU") ? AudioCodec.Pcmu : Same(map.Encoding, "PCMA") ? AudioCodec.Pcma : null;
        }

        return payloadType switch
        {
            StaticPcmu => AudioCodec.Pcmu,
            StaticPcma => AudioCodec.Pcma,
            _ => null,
        };
    }

    private static bool TryPayloadType(string format, out byte type) =>
        byte.TryParse(format, NumberStyles.None, CultureInfo.InvariantCulture, out type) && type <= 127;

    private static bool IsUnspecified(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static bool IsMulticast(IPAddress address) =>
        address.IsIPv6Multicast || (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork && address.GetAddressBytes()[0] is >= 224 and < 240);

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
}
