using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// What offer and answer settled for a leg whose packets are forwarded unopened, as <see cref="LegMedia"/> does for one that is mixed. No key is in it, so it may go
/// anywhere.
/// </summary>
/// <param name="Remote">Signalled RTP address: packets from elsewhere are not its, and it stays there.</param>
/// <param name="RemoteRtcp">Signalled RTCP address; equal to <paramref name="Remote"/> with rtcp-mux.</param>
/// <param name="PayloadType">Of its audio in both directions: nothing is changed on the way.</param>
/// <param name="Suite">Says where in a packet its MKI stands.</param>
public sealed record ForwardedLeg(
    ParticipantId Participant, long Generation, MediaAddress Remote, MediaAddress RemoteRtcp, bool RtcpMux, MediaDirection Direction, byte PayloadType, SrtpProfile Suite)
{
    /// <summary>Payload type of telephone-event (RFC 4733), or null.</summary>
    public byte? TelephoneEvent { get; init; }

    /// <summary>The header extension in which its packets say how loud they are (RFC 6464), in the clear; 0: they do not.</summary>
    public byte AudioLevel { get; init; }

    /// <summary>False: the peer has not acknowledged our answer, so nothing is sent to it yet.</summary>
    public bool IsConfirmed { get; init; } = true;
}

/// <summary>What becomes of a packet that came to a leg whose packets are forwarded unopened.</summary>
public enum ForwardVerdict : byte
{
    Forwarded,

    /// <summary>No RTP or SRTCP packet, or too short for its MKI and tag.</summary>
    Malformed,

    /// <summary>Not from where the SDP says.</summary>
    Elsewhere,

    /// <summary>Under another SSRC than the registered one.</summary>
    OtherSource,

    /// <summary>Of a payload type that was not agreed on.</summary>
    OtherPayload,

    /// <summary>Its MKI names no key of the group, or one that is too old.</summary>
    OtherKey,

    /// <summary>Its sender is on hold.</summary>
    OnHold,

    /// <summary>Others are louder, or were first.</summary>
    NotChosen,
}
