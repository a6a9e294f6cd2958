using System.Globalization;

namespace ConfCluster.Protocols.Sdp;

/// <summary>
/// Writes a session description in the order of RFC 4566 §5; reading it again gives an equal value. Key lines go from the secrets straight
/// into the octets. Crypto lines that are not usable are not written.
/// </summary>
public static class SdpWriter
{
    /// <summary>The octets hold keys when the description does: whoever gets them clears them after the last use.</summary>
    public static byte[] ToBytes(SessionDescription session)
    {
        using var output = new SdpBuffer();
        var o = session.Origin;
        output.Line("v=0");
        output.Line($"o={o.Username} {o.SessionId} {o.Version.ToString(CultureInfo.InvariantCulture)} IN {o.AddressType} {o.Address}");
        output.Line($"s={session.Name}");
        foreach (var type in "iuep") WriteOther(output, session.Other, type);
        WriteConnection(output, session.Connection);
        WriteOther(output, session.Other, 'b');
        output.Line($"t={session.Timing}");
        foreach (var type in "trz") WriteOther(output, session.Other, type);
        foreach (var line in session.KeyManagement) line.Write(output);
        WriteDirection(output, session.Direction);
        WriteOther(output, session.Other, 'a');
        foreach (var media in session.Media) WriteMedia(output, media);
        return output.ToArray();
    }

    private static void WriteMedia(SdpBuffer output, MediaDescription media)
    {
        var line = media.Line;
        output.Line($"m={line.Kind} {Number(line.Port)} {line.Protocol} {string.Join(' ', line.Formats)}");
        WriteOther(output, media.Other, 'i');
        WriteConnection(output, media.Connection);
        WriteOther(output, media.Other, 'b');
        foreach (var map in media.RtpMaps)
            output.Line($"a=rtpmap:{Number(map.PayloadType)} {map.Encoding}/{Number(map.ClockRate)}{(map.Channels == 1 ? "" : $"/{Number(map.Channels)}")}");
        foreach (var parameters in media.FormatParameters) output.Line($"a=fmtp:{parameters.Format} {parameters.Value}");
        if (media.PacketTime is { } time) output.Line($"a=ptime:{Number(time)}");
        if (media.MaxPacketTime is { } most) output.Line($"a=maxptime:{Number(most)}");
        foreach (var keys in media.KeyManagement) keys.Write(output);
        foreach (var crypto in media.Crypto) WriteCrypto(output, crypto);
        WriteDirection(output, media.Direction);
        if (media.Rtcp is { } rtcp) output.Line($"a=rtcp:{Number(rtcp.Port)}{(rtcp.Connection is { } c ? $" IN {c.AddressType} {c.Address}" : "")}");
        if (media.RtcpMux) output.Line("a=rtcp-mux");
        WriteOther(output, media.Other, 'a');
    }

    /// <summary>RFC 4568 §9.1, §9.2, in the RFC's case, with padding (RFC 4568 §6.1).</summary>
    private static void WriteCrypto(SdpBuffer output, CryptoAttribute crypto)
    {
        if (!crypto.IsUsable) return;
        output.Text($"a=crypto:{crypto.Tag.ToString(CultureInfo.InvariantCulture)} {crypto.Suite} ");
        for (var i = 0; i < crypto.Keys.Length; i++)
        {
            var key = crypto.Keys[i];
            output.Text(i == 0 ? "inline:" : ";inline:");
            output.Base64(key.KeyAndSalt.Reveal());
            if (key.Lifetime != key.Profile.DefaultLifetime) output.Text($"|{Lifetime(key.Lifetime)}");
            if (key.Mki.IsPresent) output.Text($"|{key.Mki.Value.ToString(CultureInfo.InvariantCulture)}:{Number(key.Mki.Length)}");
        }

        if (crypto.Unprotected.HasFlag(Unprotected.SrtpEncryption)) output.Text(" UNENCRYPTED_SRTP");
        if (crypto.Unprotected.HasFlag(Unprotected.SrtcpEncryption)) output.Text(" UNENCRYPTED_SRTCP");
        if (crypto.Unprotected.HasFlag(Unprotected.SrtpAuthentication)) output.Text(" UNAUTHENTICATED_SRTP");
        if (crypto.WindowSizeHint is { } window) output.Text($" WSH={Number(window)}");
        output.Line("");
    }

    private static string Lifetime(ulong lifetime) =>
        ulong.IsPow2(lifetime) ? $"2^{Number((int)ulong.Log2(lifetime))}" : lifetime.ToString(CultureInfo.InvariantCulture);

    private static void WriteConnection(SdpBuffer output, SdpConnection? connection)
    {
        if (connection is not null) output.Line($"c=IN {connection.AddressType} {connection.Address}");
    }

    private static void WriteDirection(SdpBuffer output, SdpDirection? direction)
    {
        if (direction is not { } value) return;
        output.Line(value switch
        {
            SdpDirection.SendReceive => "a=sendrecv",
            SdpDirection.SendOnly => "a=sendonly",
            SdpDirection.ReceiveOnly => "a=recvonly",
            _ => "a=inactive",
        });
    }

    private static void WriteOther(SdpBuffer output, IEnumerable<SdpLine> lines, char type)
    {
        foreach (var line in lines)
            if (line.Type == type)
                output.Line($"{type}={line.Value}");
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
