using System.Diagnostics;

namespace ConfCluster.Protocols.Focus;

/// <summary>Why a request was refused or a dialog given up; each value is a counter.</summary>
public enum ParticipantRefusal : byte
{
    UnsupportedScheme, NoConferenceName, BadConferenceName, UnsupportedExtension, UnsupportedContentType, UnsupportedEncoding,
    NotAcceptable, BadHeader, BadSdp, UnacceptableOffer, Merged, NoDialog, NoTransaction, OutOfOrder, RequestPending,
    OfferPending, MethodNotAllowed, Cancelled, Ended, Unresponsive,
    NoAck, BadAnswer, JoinRefused, LegRefused, Unanswerable, InsecureTransport, OtherCaller, IntervalTooSmall, NotAcknowledged,
    NotRefreshed, BadKeyManagement, KmsUnreachable, NotMoved, CutOff,
}

/// <summary>The one place where a refusal of the participant itself becomes a SIP status (RFC 3261 §21.4, §21.5).</summary>
public static class ParticipantRefusalStatus
{
    public static (int Status, string Reason) Of(ParticipantRefusal refusal) => refusal switch
    {
        ParticipantRefusal.UnsupportedScheme => (416, "Unsupported URI Scheme"),
        // Not 416, after which RFC 3261 §8.1.3.5 tells the caller to try again with sip: and so without the protection it asked for.
        ParticipantRefusal.InsecureTransport => (480, "SIPS Needs TLS"),
        ParticipantRefusal.OtherCaller => (403, "Not Who Joined"),
        ParticipantRefusal.NoConferenceName => (404, "No Conference Name"),
        ParticipantRefusal.BadConferenceName => (404, "Not A Conference Name"),
        ParticipantRefusal.UnsupportedExtension => (420, "Bad Extension"),
        ParticipantRefusal.UnsupportedContentType => (415, "Unsupported Media Type"),
        ParticipantRefusal.UnsupportedEncoding => (415, "Unsupported Content-Encoding"),
        ParticipantRefusal.NotAcceptable => (406, "Not Acceptable"),
        ParticipantRefusal.BadHeader => (400, "Bad Request"),
        ParticipantRefusal.BadSdp => (400, "SDP Unreadable"),
        ParticipantRefusal.UnacceptableOffer => (488, "Not Acceptable Here"),
        ParticipantRefusal.Merged => (482, "Loop Detected"),
        ParticipantRefusal.NoDialog or ParticipantRefusal.NoTransaction => (481, "Call/Transaction Does Not Exist"),
        // No name of a header field here: SIPp takes the first "CSeq" of a message for the field and then fails the call.
        ParticipantRefusal.OutOfOrder => (500, "Request Out Of Order"),
        ParticipantRefusal.RequestPending => (500, "Request Pending"),
        ParticipantRefusal.OfferPending => (491, "Request Pending"),
        ParticipantRefusal.MethodNotAllowed => (405, "Method Not Allowed"),
        ParticipantRefusal.Cancelled => (487, "Request Terminated"),
        ParticipantRefusal.Ended => (487, "Conference Left"),
        ParticipantRefusal.Unresponsive => (503, "Service Unavailable"),
        ParticipantRefusal.BadKeyManagement => (488, "Not Acceptable Here"),
        ParticipantRefusal.KmsUnreachable => (503, "KMS Unreachable"),
        ParticipantRefusal.IntervalTooSmall => (422, "Session Interval Too Small"),
        ParticipantRefusal.NotAcknowledged => (504, "Server Time-out"),
        ParticipantRefusal.NotRefreshed or ParticipantRefusal.NoAck or ParticipantRefusal.BadAnswer or ParticipantRefusal.JoinRefused or ParticipantRefusal.LegRefused
            or ParticipantRefusal.Unanswerable or ParticipantRefusal.NotMoved or ParticipantRefusal.CutOff =>
            throw new UnreachableException($"{refusal} is not answered from this table"),
        _ => throw new UnreachableException($"no status for {refusal}"),
    };
}
