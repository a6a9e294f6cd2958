using System.Diagnostics;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Protocols.Focus;

/// <summary>What a peer is told of a leave that was not its own: the Reason field of our BYE (RFC 3326 §2).</summary>
public static class LeaveReasonText
{
    public static string Header(LeaveReason reason)
    {
        var (cause, text) = Of(reason);
        return $"SIP;cause={cause};text=\"{text}\"";
    }

    private static (int Cause, string Text) Of(LeaveReason reason) => reason switch
    {
        LeaveReason.Unknown or LeaveReason.Bye or LeaveReason.Cancelled => (487, "Left The Conference"),
        LeaveReason.NoAck => (408, "No ACK Received"),
        LeaveReason.Evicted => (403, "Removed From The Conference"),
        LeaveReason.NodeShutdown => (503, "Server Shutting Down"),
        LeaveReason.NodeLost => (503, "Server Restarted"),
        LeaveReason.DialogFailed => (488, "No Acceptable Answer"),
        LeaveReason.MediaFailed => (503, "Media Lost"),
        LeaveReason.ConferenceEnded => (410, "Conference Ended"),
        LeaveReason.SessionExpired => (408, "Session Expired"),
        LeaveReason.KeyNotTaken => (488, "New Key Not Taken"),
        LeaveReason.Unreachable => (408, "Request Not Answered"),
        _ => throw new UnreachableException($"no text for {reason}"),
    };
}
