using System.Globalization;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// The responses of the focus (RFC 3261 §8.2.6, §13.3.1): skeleton from the request, To tag from the participant, and the header fields
/// that say what would have been accepted (Accept, Allow, Supported, Warning, Retry-After).
/// </summary>
internal static class FocusResponses
{
    public const string SdpType = "application/sdp";

    public static SipResponse Ok(SipRequest request, ParticipantContext context) => Of(request, 200, "OK", context);

    public static SipResponse Of(SipRequest request, int status, string reason, ParticipantContext context, int retryAfter = 0)
    {
        var response = request.CreateResponse(status, reason, context.Id.Value);
        var headers = response.Headers.Append("Server", context.Settings.Server);
        if (retryAfter > 0) headers = headers.Append("Retry-After", retryAfter.ToString(CultureInfo.InvariantCulture));
        return response with { Headers = headers };
    }

    public static SipResponse Of(SipRequest request, Rejection rejection, ParticipantContext context)
    {
        var (status, reason, retryAfter) = RejectionStatus.Of(rejection);
        var response = Of(request, status, reason, context, retryAfter);
        return RejectionStatus.WarningOf(rejection) is var (code, text)
            ? response with { Headers = response.Headers.Append("Warning", LegNegotiation.Warning(code, text)) }
            : response;
    }

    public static SipResponse Refuse(SipRequest request, ParticipantRefusal refusal, ParticipantContext context, string detail = "")
    {
        var (status, reason) = ParticipantRefusalStatus.Of(refusal);
        if (detail.Length > 0 && status == 400) reason = detail;
        var response = Of(request, status, reason, context);
        return response with { Headers = Explain(response.Headers, refusal, context, detail) };
    }

    /// <summary>RFC 3261 §13.3.1.4, §12.1.1: a 2xx that makes or refreshes a dialog.</summary>
    public static SipResponse Success(SipRequest request, Participation participation, ParticipantContext context, SipBody body) =>
        Timed(Establish(Of(request, 200, "OK", context), request, participation, context, body), participation.Session);

    /// <summary>The 2xx that refreshes a dialog of which only the facts are left (RFC 4028 §9).</summary>
    public static SipResponse Refreshed(SipRequest request, DialogFact.DialogConfirmed fact, SessionTimer session, ParticipantContext context) =>
        Timed(Options(request, fact.Conference, fact.Flow, context), session);

    /// <summary>RFC 3262 §3: a provisional response that the peer must acknowledge; it makes an early dialog (RFC 3261 §12.1.1).</summary>
    public static SipResponse Reliable(
        SipRequest request, uint sequence, Participation participation, ParticipantContext context, SipBody body)
    {
        var response = Establish(Of(request, 183, "Session Progress", context), request, participation, context, body);
        var headers = response.Headers
            .Append("Require", RequestRouting.ReliableProvisional)
            .Append("RSeq", sequence.ToString(CultureInfo.InvariantCulture));
        return response with { Headers = headers };
    }

    /// <summary>RFC 3262 §3: the 2xx to a PRACK, with our answer when that brought an offer (RFC 3262 §5).</summary>
    public static SipResponse Acknowledge(SipRequest prack, ParticipantContext context, SipBody answer)
    {
        var response = Ok(prack, context);
        return answer.IsEmpty ? response : response with { Headers = response.Headers.Append("Content-Type", SdpType), Body = answer };
    }

    private static SipResponse Timed(SipResponse response, SessionTimer session) =>
        response with { Headers = session.InResponse(response.Headers) };

    private static SipResponse Establish(
        SipResponse response, SipRequest request, Participation participation, ParticipantContext context, SipBody body)
    {
        var headers = response.Headers
            .Append("Record-Route", request.Headers.All("Record-Route"))
            .Append("Contact", context.Contact(participation.Conference, participation.Flow, SecureContact.IsNeeded(request)));
        headers = Capabilities(headers);
        return body.IsEmpty
            ? response with { Headers = headers }
            : response with { Headers = headers.Append("Content-Type", SdpType), Body = body };
    }

    /// <summary>RFC 3261 §11.2.</summary>
    public static SipResponse Options(SipRequest request, ConferenceId conference, SipFlow flow, ParticipantContext context)
    {
        var response = Of(request, 200, "OK", context);
        return response with { Headers = Capabilities(response.Headers.Append("Contact", context.Contact(conference, flow, SecureContact.IsNeeded(request)))) };
    }

    private static SipHeaders Capabilities(SipHeaders headers) =>
        headers.Append("Allow", RequestRouting.Allow)
            .Append("Supported", string.Join(", ", RequestRouting.SupportedOptions))
            .Append("Accept", SdpType);

    private static SipHeaders Explain(
        SipHeaders headers, ParticipantRefusal refusal, ParticipantContext context, string detail) => refusal switch
        {
            ParticipantRefusal.UnsupportedContentType => headers.Append("Accept", SdpType),
            // RFC 4475 §3.3.15: the Warning says that it is about the formats in Accept.
            ParticipantRefusal.NotAcceptable => headers.Append("Accept", SdpType)
                .Append("Warning", "399 focus \"No answer can be made in a format that Accept names\""),
            ParticipantRefusal.UnsupportedEncoding => headers.Append("Accept-Encoding", "identity"),
            ParticipantRefusal.UnsupportedExtension => headers.Append("Unsupported", detail),
            ParticipantRefusal.MethodNotAllowed => headers.Append("Allow", RequestRouting.Allow),
            // RFC 3261 §14.2: a random number of seconds between 0 and 10.
            ParticipantRefusal.RequestPending => headers.Append("Retry-After", context.RandomBelow(11).ToString(CultureInfo.InvariantCulture)),
            ParticipantRefusal.Unresponsive or ParticipantRefusal.KmsUnreachable => headers.Append("Retry-After", "10"),
            // RFC 3261 §20.43: 3xx codes are about the SDP; 399 carries any text.
            ParticipantRefusal.UnacceptableOffer or ParticipantRefusal.BadKeyManagement => headers.Append("Warning", detail),
            ParticipantRefusal.IntervalTooSmall => headers.Append(
                HeaderNames.MinSe, SessionExpires.Seconds(context.Settings.SessionTimer.Minimum)),
            _ => headers,
        };
}
