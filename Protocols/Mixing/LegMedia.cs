using System.Collections.Immutable;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>Directions as the *mixer* sees them (RFC 3264 §8.4): whether it may send to and hear from the leg.</summary>
public readonly record struct MediaDirection(bool Send, bool Receive)
{
    public static readonly MediaDirection SendReceive = new(true, true);
    public static readonly MediaDirection SendOnly = new(true, false);
    public static readonly MediaDirection ReceiveOnly = new(false, true);
    public static readonly MediaDirection Inactive = new(false, false);
}

/// <summary>
/// What offer and answer settled for a leg. <see cref="Generation"/> grows with every offer/answer of the dialog; an older one is
/// ignored. Holds secrets: it never leaves the process but in a message made for keys, and whoever keeps it disposes it.
/// </summary>
/// <param name="Remote">Signalled RTP address; media goes there until an authenticated packet comes from elsewhere (symmetric RTP).</param>
/// <param name="RemoteRtcp">Signalled RTCP address (a=rtcp, else RTP port + 1); equal to <paramref name="Remote"/> with rtcp-mux.</param>
/// <param name="Uplink">The keys the participant sends with: one without MKI, or several, all with MKIs of one length.</param>
/// <param name="Downlink">The key that we send with.</param>
/// <param name="PacketTime">Milliseconds of audio per packet that we send: a multiple of 20, at most 60.</param>
/// <param name="TelephoneEvent">Payload type of telephone-event (RFC 4733), or null.</param>
public sealed record LegMedia(
    ParticipantId Participant, long Generation, MediaAddress Remote, MediaAddress RemoteRtcp, bool RtcpMux, AudioCodec Codec, byte PayloadType,
    byte? TelephoneEvent, MediaDirection Direction, int PacketTime, ImmutableArray<MasterKey> Uplink, MasterKey Downlink) : IDisposable
{
    /// <summary>What the peer may send, under which payload types.</summary>
    public ImmutableArray<OfferedCodec> Receive { get; init; } = [new OfferedCodec(Codec, PayloadType)];

    /// <summary>The clock of <see cref="TelephoneEvent"/>.</summary>
    public int TelephoneEventRate { get; init; } = 8000;

    /// <summary>
    /// False: the peer has not acknowledged the answer that holds <see cref="Downlink"/>, so nothing is sent to it yet. Its packets may come before that.
    /// </summary>
    public bool IsConfirmed { get; init; } = true;

    /// <summary>Header extensions that both ends have.</summary>
    public ExtensionIds Extensions { get; init; }

    public LegMedia Copy() => this with { Uplink = [.. Uplink.Select(k => k.Copy())], Downlink = Downlink.Copy() };

    public void Dispose()
    {
        foreach (var key in Uplink) key.Dispose();
        Downlink.Dispose();
    }
}

/// <summary>Counters of one leg, for reports; totals since the leg was opened.</summary>
public readonly record struct LegStatistics(
    ulong PacketsReceived, ulong PacketsLost, ulong AuthFailures, ulong Replays, ulong Malformed, ulong UnknownMki, ulong LateOrDuplicate,
    ulong Concealed, ulong PacketsSent, ulong RtcpReceived, ulong RtcpSent, Ssrc RemoteSsrc, MediaAddress Remote)
{
    /// <summary>Keys that were pressed (RFC 4733); which they were is nobody's business here.</summary>
    public ulong Digits { get; init; }

    /// <summary>How long its packets wait in the jitter buffer at present.</summary>
    public uint DelayMilliseconds { get; init; }

    /// <summary>Packets under an SSRC that somebody else had first; dropped.</summary>
    public ulong Clashes { get; init; }

    /// <summary>Packets that were not from where the SDP says, of a leg that sends under a key that others have; dropped.</summary>
    public ulong Misplaced { get; init; }

    /// <summary>Packets that were not decoded, since they were silent or others louder.</summary>
    public ulong Undecoded { get; init; }

    /// <summary>How it arrives here, by our own count.</summary>
    public StreamQuality Reception { get; init; }

    /// <summary>How our stream arrives there, by the peer's reports.</summary>
    public StreamQuality PeerReception { get; init; }

    /// <summary>Null: not measured yet.</summary>
    public uint? RoundTripMicroseconds { get; init; }

    /// <summary>It should send, and for long nothing authentic came.</summary>
    public bool IsMediaMissing { get; init; }

    /// <summary>The epoch under whose group key it hears nothing, though it took it; 0: none.</summary>
    public KeyEpoch DeafTo { get; init; }

    /// <summary>The peer's reports say how our stream arrives there; without any it cannot be told of a group key whether it is heard under.</summary>
    public bool IsReported { get; init; }

    /// <summary>Changes with every event that any of the counters tells.</summary>
    public ulong Total => unchecked(
        PacketsReceived + PacketsLost + AuthFailures + Replays + Malformed + UnknownMki + LateOrDuplicate + Concealed + PacketsSent + RtcpReceived + RtcpSent
        + Digits + Clashes + Misplaced) ^ (IsMediaMissing ? 1ul << 63 : 0) ^ (IsReported ? 1ul << 62 : 0) ^ (ulong)DeafTo.Number << 30;
}

/// <summary>How one direction of a leg arrives (RFC 3550 §6.4.1).</summary>
/// <param name="FractionLost">Of the last interval between two reports, in 1/256.</param>
public readonly record struct StreamQuality(ulong Lost, byte FractionLost, uint JitterMicroseconds);
