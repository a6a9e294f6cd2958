using ConfCluster.Protocols.Sdp;

namespace ConfCluster.Protocols.Focus;

/// <summary>Whether our newest SDP says where the leg is, which changes when another mixer takes over, and the same SDP with the place of now.</summary>
internal static class ToldPlace
{
    public static bool IsNow(Leg leg)
    {
        var stream = StreamOf(leg);
        return stream.Line.Port == leg.Place.Rtp.Port && (stream.Connection ?? leg.Local.Connection) == SdpConnection.Of(leg.Place.Rtp);
    }

    /// <summary>With the keys of <paramref name="stream"/>; its version is as before (see <see cref="OfferAnswer.Numbered"/>).</summary>
    public static SessionDescription Now(Leg leg, MediaDescription stream)
    {
        stream = stream with
        {
            Line = stream.Line with { Port = leg.Place.Rtp.Port },
            Connection = null,
            Rtcp = stream is { RtcpMux: true, Rtcp: null } ? null : OfferAnswer.RtcpOf(leg.Place.Rtp, leg.Place.Rtcp),
        };
        return leg.Local with { Connection = SdpConnection.Of(leg.Place.Rtp), Media = leg.Local.Media.SetItem(IndexOf(leg), stream) };
    }

    public static MediaDescription StreamOf(Leg leg) => leg.Local.Media[IndexOf(leg)];

    /// <summary>The stream of ours: we have one, and refuse every other.</summary>
    public static int FirstAudio(SessionDescription local)
    {
        for (var i = 0; i < local.Media.Length; i++)
            if (local.Media[i].Line is { IsAudio: true, IsRejected: false })
                return i;
        return 0;
    }

    private static int IndexOf(Leg leg) => leg.Remote?.Index ?? FirstAudio(leg.Local);
}
