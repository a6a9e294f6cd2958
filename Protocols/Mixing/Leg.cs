using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// One participant at the mixer: admitted or not by the newest state, its media once offer and answer settled them, a way in and a way
/// out. Media goes to where the newest authenticated packet came from, and until one came to the signalled address (symmetric RTP).
/// </summary>
internal sealed class Leg(ParticipantId participant, int slot, OutputStream output, MixerSettings settings, DateTimeOffset origin) : IDisposable
{
    private MediaWatch _watch;
    private MediaAddress _remoteRtcp;

    public ParticipantId Participant { get; } = participant;

    public int Slot { get; } = slot;

    public OutputStream Output { get; } = output;

    public Downlink Downlink { get; } = new();

    public Uplink Uplink { get; } = new(settings, origin);

    public LegMedia? Media { get; private set; }

    public bool Admitted { get; private set; }

    /// <summary>A BYE under the present SSRC is owed: the leg left, or its SSRC is about to change to <see cref="NextSsrc"/>.</summary>
    public bool Leaving { get; private set; }

    public Ssrc NextSsrc { get; private set; }

    /// <summary>What it sends may be under a key of the group, but only under this SSRC and from where its SDP says; 0: under keys of its own only.</summary>
    public Ssrc Registered { get; set; }

    public MediaAddress Remote { get; private set; }

    public TimeSpan NextReport { get; set; }

    /// <summary>Whether this tick's frame has sound.</summary>
    public bool Heard { get; set; }

    /// <summary>
    /// What another mixer says in this tick, if this leg's own voice is in that: while it moves from one to the other, the last of it comes from there. Null: it is not.
    /// </summary>
    public FrameSpread? Echo { get; set; }

    /// <summary>It has been sent audio by this mixer.</summary>
    public bool HasBegun { get; set; }

    public bool IsLive { get; private set; }

    /// <summary>RTCP, and with the direction for it RTP.</summary>
    public bool MayBeTold { get; private set; }

    public bool MaySend { get; private set; }

    /// <summary>RTCP comes to its RTP port too (RFC 5761).</summary>
    public bool RtcpMux { get; private set; }

    /// <summary>Under which it hears us at present.</summary>
    private Ssrc HeardSsrc => Downlink.Shared is null ? Output.Packets.Ssrc : Downlink.SharedSsrc;

    /// <summary>It should send, and for long nothing authentic came.</summary>
    public bool IsMediaMissing => _watch.IsMissing;

    public bool MayBeHeard { get; private set; }

    public MediaAddress RemoteRtcp => Media!.RtcpMux ? Remote : _remoteRtcp;

    /// <summary>Takes ownership of the media and its keys. False: not newer than what is there.</summary>
    public bool Use(LegMedia media)
    {
        if (Media is { } old && media.Generation <= old.Generation)
        {
            media.Dispose();
            return false;
        }

        // A repeated address is no news: the leg stays where its packets come from.
        var moved = Media is null || Media.Remote != media.Remote;
        if (moved) Remote = media.Remote;
        if (Media is null || Media.RemoteRtcp != media.RemoteRtcp) _remoteRtcp = media.RemoteRtcp;
        Uplink.Use(media, moved);
        Output.Use(media);
        if (!media.Direction.Send) Output.Packets.Pause();
        // Reports of a leg at rest are seldom; the next one is drawn anew.
        if (Media?.Direction == MediaDirection.Inactive && media.Direction != MediaDirection.Inactive) NextReport = TimeSpan.Zero;
        Media = media;
        Settle();
        return true;
    }

    /// <summary>The key that the conference wants for it.</summary>
    public void Want(LegKeyUse key)
    {
        Downlink.Want(key);
        Settle();
    }

    /// <summary>The group key that is wanted, once it is here; null: it has none.</summary>
    public void Key(GroupProtector? group)
    {
        Downlink.Use(group);
        Settle();
    }

    public void Admit(Ssrc ssrc)
    {
        if (Admitted && Output.Packets.HasSsrc && Output.Packets.Ssrc != ssrc && Media is { IsConfirmed: true })
            (Leaving, NextSsrc) = (true, ssrc);
        else if (!Admitted || !Leaving || NextSsrc != ssrc)
            Begin(ssrc);
        Admitted = true;
        Settle();
    }

    /// <summary>Silent and unheard from this call on; only the BYE is still owed.</summary>
    public void Expel()
    {
        if (!Admitted) return;
        Admitted = false;
        Leaving = Media is { IsConfirmed: true };
        Uplink.Silence();
        Output.Packets.Pause();
        Settle();
    }

    /// <summary>The BYE is sent.</summary>
    public void SaidGoodbye()
    {
        Leaving = false;
        if (Admitted) Begin(NextSsrc);
    }

    public void Receive(bool rtcp, Span<byte> packet, in MediaAddress from, TimeSpan now, ISsrcOwners owners)
    {
        if (Registered != default)
        {
            var verdict = RegisteredSource.Judge(packet, rtcp, Registered, from == (rtcp && !RtcpMux ? Media!.RemoteRtcp : Media!.Remote));
            if (verdict != SourceVerdict.Admitted)
            {
                Uplink.Count(verdict);
                return;
            }
        }

        if (rtcp)
        {
            // RFC 5761 §5.1.1: with rtcp-mux RTCP belongs to the RTP port, and so does its address.
            if (Uplink.ReceiveRtcp(packet, now, HeardSsrc, Downlink) && !Media!.RtcpMux) _remoteRtcp = from;
        }
        else if (Uplink.Receive(packet, now, this, owners, MayBeHeard))
        {
            Remote = from;
        }
    }

    /// <returns>True: its media is missing now, or is back (<see cref="IsMediaMissing"/>).</returns>
    public bool Watch(TimeSpan now, TimeSpan after)
    {
        Uplink.Age(now);
        Downlink.Watch(Uplink.LastHeard, now);
        return _watch.Look(MayBeHeard, Uplink.LastHeard, now, after);
    }

    public LegStatistics Statistics()
    {
        ref readonly var counts = ref Uplink.Counts;
        return new LegStatistics(
            counts.Packets, Uplink.Lost, counts.AuthFailures, counts.Replays, counts.Malformed, counts.UnknownMki, Uplink.LateOrDuplicate,
            counts.Concealed, Downlink.PacketsSent, counts.Rtcp, Downlink.RtcpSent, Uplink.Source, Remote)
        {
            Digits = counts.Digits,
            DelayMilliseconds = (uint)Uplink.Delay.TotalMilliseconds,
            Clashes = counts.Clashes,
            Misplaced = counts.Misplaced,
            Undecoded = Uplink.Undecoded,
            Reception = new StreamQuality(Uplink.Lost, Uplink.FractionLost, Microseconds(Uplink.Jitter)),
            PeerReception = new StreamQuality(Uplink.Reports.Lost, Uplink.Reports.FractionLost, Microseconds(Uplink.Reports.Jitter)),
            RoundTripMicroseconds = Uplink.Reports.RoundTrip is { } trip ? Microseconds(trip) : null,
            IsMediaMissing = IsMediaMissing,
            DeafTo = Downlink.DeafTo ?? default,
            IsReported = Downlink.IsReported,
        };
    }

    public void Dispose()
    {
        Uplink.Dispose();
        Output.Dispose();
        Media = null;
        Settle();
    }

    /// <summary>What follows for its packets: asked several times a tick, changed a few times in a call.</summary>
    private void Settle()
    {
        IsLive = Admitted && Media is not null;
        RtcpMux = IsLive && Media!.RtcpMux;
        MayBeTold = IsLive && Media!.IsConfirmed;
        MayBeHeard = IsLive && Media!.Direction.Receive;
        MaySend = MayBeTold && Media!.Direction.Send && Downlink.HasKey;
    }

    private static uint Microseconds(TimeSpan time) => (uint)Math.Clamp(time.TotalMicroseconds, 0, uint.MaxValue);

    private void Begin(Ssrc ssrc)
    {
        Leaving = false;
        Output.Packets.Use(ssrc);
    }
}
