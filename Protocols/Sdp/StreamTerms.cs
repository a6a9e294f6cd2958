using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Sdp;

/// <summary>The parts of a peer's m= section that offers and answers are read for alike: address, codec, direction, packet time.</summary>
internal static class StreamTerms
{
    private const int NarrowClock = 8000;

    /// <summary>Milliseconds: the mixer's tick, and the longest packet it makes.</summary>
    private const int Tick = 20;
    private const int LongestPacket = 60;

    /// <summary>The formats that we can do, in the peer's order (RFC 3264 §6.1).</summary>
    public static ImmutableArray<OfferedCodec> CodecsOf(MediaDescription media, MediaCapabilities ours)
    {
        var found = ImmutableArray.CreateBuilder<OfferedCodec>();
        foreach (var format in media.Line.Formats)
            if (TryPayloadType(format, out var type) && CodecOf(media, type) is { } known && ours.Codecs.Contains(known))
                found.Add(new OfferedCodec(known, type));
        return found.DrainToImmutable();
    }

    /// <summary>
    /// RFC 4733 §2.1: events count time as the audio beside them does. Many who offer Opus have them at 8 kHz only; that is better than none.
    /// </summary>
    public static (byte? PayloadType, int ClockRate) TelephoneEventOf(MediaDescription media, AudioCodec codec)
    {
        (byte?, int) narrow = (null, NarrowClock);
        foreach (var format in media.Line.Formats)
        {
            if (!TryPayloadType(format, out var type) || media.MapOf(type) is not { } map || !Same(map.Encoding, "telephone-event")) continue;
            if (map.ClockRate == AudioFormat.Of(codec).ClockRate) return (type, map.ClockRate);
            if (map.ClockRate == NarrowClock) narrow = (type, NarrowClock);
        }

        return narrow;
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
    /// <param name="families">Those that we can send to (RFC 3261 §20.43: 301 when it is another).</param>
    public static OfferVerdict.Refused? Addresses(
        SessionDescription session, MediaDescription media, bool mux, ImmutableArray<AddressFamily> families, out MediaAddress rtp, out MediaAddress rtcp)
    {
        rtp = rtcp = MediaAddress.None;
        var connection = media.Connection ?? session.Connection;
        if (connection is null) return Refuse(399, "No c= line for the audio stream");
        // RFC 3261 §20.43: 301 names the address format; a host name would need a resolver that a media path has not.
        if (!connection.TryGetAddress(out var address)) return Refuse(301, "The address in c= is not an IP address of its type");
        if (IsMulticast(address)) return Refuse(330, "Multicast is not available");
        if (IsUnspecified(address)) return null;

        rtp = MediaAddress.From(address, media.Line.Port);
        if (!families.Contains(rtp.Family)) return Refuse(301, $"Media is not available over {(rtp.IsIPv6 ? "IPv6" : "IPv4")}");
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
        else if (!apart.Connection.TryGetAddress(out var other) || IsMulticast(other)
            || !IsUnspecified(other) && MediaAddress.From(other, apart.Port).Family != rtp.Family)
            return Refuse(301, "The address in a=rtcp is not usable");
        else if (!IsUnspecified(other)) rtcp = MediaAddress.From(other, apart.Port);
        return null;
    }

    /// <summary>By what is written in c=; an IPv4 address in the clothes of IPv6 is IPv4.</summary>
    public static AddressFamily FamilyOf(SessionDescription session, MediaDescription media, MediaAddress rtp) =>
        rtp.IsPresent ? rtp.Family : (media.Connection ?? session.Connection)!.Family;

    public static OfferVerdict.Refused Refuse(int warning, string text) => new(488, warning, text);

    public static string Format(byte payloadType) => payloadType.ToString(CultureInfo.InvariantCulture);

    public static RtpMap MapOf(OfferedCodec offered)
    {
        var format = AudioFormat.Of(offered.Codec);
        return new RtpMap(offered.PayloadType, format.Encoding, format.ClockRate, format.Channels);
    }

    /// <summary>a=fmtp of the codecs that have parameters.</summary>
    public static IEnumerable<FormatParameters> ParametersOf(IEnumerable<OfferedCodec> codecs) =>
        from offered in codecs
        let parameters = AudioFormat.Of(offered.Codec).Parameters
        where parameters is not null
        select new FormatParameters(Format(offered.PayloadType), parameters);

    private static AudioCodec? CodecOf(MediaDescription media, byte payloadType)
    {
        var map = media.MapOf(payloadType);
        foreach (var codec in AudioCodecs.OfPhones)
        {
            var format = AudioFormat.Of(codec);
            // RFC 3551 §6: the static payload types need no rtpmap. RFC 7587 §7: Opus is always written as 48000/2.
            if (map is { } named ? Same(named.Encoding, format.Encoding) && named.ClockRate == format.ClockRate && named.Channels == format.Channels
                : format.StaticPayloadType == payloadType) return codec;
        }

        return null;
    }

    private static bool TryPayloadType(string format, out byte type) =>
        byte.TryParse(format, NumberStyles.None, CultureInfo.InvariantCulture, out type) && type <= 127;

    private static bool IsUnspecified(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static bool IsMulticast(IPAddress address) =>
        address.IsIPv6Multicast || (address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes()[0] is >= 224 and < 240);

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
}
