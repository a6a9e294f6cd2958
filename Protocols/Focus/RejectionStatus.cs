using System.Diagnostics;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Protocols.Focus;

/// <summary>The one place where a refused command becomes a SIP status (RFC 3261 §21.4, §21.5).</summary>
public static class RejectionStatus
{
    /// <summary>Status, reason phrase, and the seconds of Retry-After (0: none).</summary>
    public static (int Status, string Reason, int RetryAfter) Of(Rejection rejection) => rejection switch
    {
        Rejection.ConferenceFull => (486, "Conference Full", 0),
        Rejection.ConferenceOver => (404, "Conference Over", 0),
        Rejection.NotAParticipant => (481, "Not In This Conference", 0),
        Rejection.TooManyConferences => (503, "Too Many Conferences", 30),
        Rejection.JournalUnavailable => (503, "Journal Unavailable", 10),
        Rejection.NoMediaCapacity => (503, "No Media Capacity", 30),
        Rejection.IdentityTooWeak => (403, "Identity Not Proven Well Enough", 0),
        // RFC 4568 §7.1.2: keying that the conference's policy does not take.
        Rejection.KeyingRefused => (488, "Keying Not Acceptable Here", 0),
        // RFC 3550 §8.2: the newcomer chooses another; it has sent nothing yet.
        Rejection.SsrcTaken => (488, "SSRC Taken", 0),
        Rejection.TicketNeeded => (488, "Ticket Needed", 0),
        Rejection.MediaDiffers => (488, "Other Media Format", 0),
        Rejection.ShuttingDown => (503, "Shutting Down", 30),
        _ => throw new UnreachableException($"no status for {rejection}"),
    };

    /// <summary>RFC 3261 §20.43: what is wrong with the SDP; null: nothing to say.</summary>
    public static (int Code, string Text)? WarningOf(Rejection rejection) => rejection switch
    {
        Rejection.SsrcTaken => (399, "The SSRC that the ticket's offer names is or was somebody else's here: call again with another"),
        Rejection.TicketNeeded => (399, "Media is forwarded unopened here: it takes a MIKEY ticket that names the SSRC, and keys with an MKI of 4 octets"),
        Rejection.MediaDiffers => (305, "Media is forwarded unopened here: codec, payload type, header extensions and suite must be those of the others"),
        _ => null,
    };
}
