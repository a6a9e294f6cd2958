using System.Globalization;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// The requests of a call of ours: INVITE (RFC 3261 §8.1.1, §13.2.1; isfocus: RFC 4579 §5.2), ACK, CANCEL (RFC 3261 §9.1), PRACK (RFC 3262
/// §4) and the BYE to whom we do not want. Left out: the change to TCP for requests above 1300 octets (RFC 3261 §18.1.1; DECISIONS).
/// </summary>
internal static class DialRequests
{
    /// <summary>Extensions that an INVITE of ours can live with; 100rel is RFC 3262 §4.</summary>
    private static readonly string Supported =
        string.Join(", ", RequestRouting.SupportedOptions.Add("100rel").Distinct(StringComparer.OrdinalIgnoreCase));

    /// <summary>Without the offer.</summary>
    public static SipRequest Invite(OutgoingCall call, ParticipantContext context)
    {
        var (_, request) = BeforeDialog(call, context).NewRequest(SipMethod.Invite);
        var headers = request.Headers
            .Append("Contact", context.Contact(call.Conference, call.Hops[0], SecureContact.IsNeeded(request)))
            .Append("Allow", RequestRouting.Allow)
            .Append("Supported", Supported)
            .Append("Accept", FocusResponses.SdpType)
            .Append("User-Agent", context.Settings.Server);
        headers = Session(call, context).InRequest(headers);
        return request with { Headers = headers.Append("Content-Type", FocusResponses.SdpType) };
    }

    /// <summary>The timer that we ask for: ours, and not below what a 422 said (RFC 4028 §7.3); we refresh.</summary>
    public static SessionTimer Session(OutgoingCall call, ParticipantContext context)
    {
        var (ours, least) = (context.Settings.SessionTimer.Interval, TimeSpan.FromSeconds(call.SessionInterval ?? 0));
        return new SessionTimer(ours > least ? ours : least, WeRefresh: true, PeerSupports: false, least);
    }

    /// <summary>RFC 3261 §8.1.2: where the request goes first.</summary>
    public static SipUri NextHop(OutgoingCall call, ParticipantContext context) =>
        context.Settings.Outbound.Route is [var first, ..] ? first.Uri : call.Target;

    /// <summary>Our address in From: the conference (RFC 4579 §5.2).</summary>
    public static NameAddr From(OutgoingCall call, SipFlow flow, ParticipantContext context) =>
        new NameAddr(context.ConferenceUri(call.Conference, flow)).WithTag(context.Id.Value);

    /// <summary>RFC 3261 §13.2.2.4: with the credentials of its INVITE.</summary>
    public static SipRequest Ack(Dialog dialog, SipRequest invite)
    {
        var ack = dialog.Ack(invite.Headers.CSeq.Number);
        return ack with { Headers = With(ack.Headers, CredentialsOf(invite)) };
    }

    /// <summary>RFC 3261 §9.1: all of the INVITE that names it, its one Via included.</summary>
    public static SipRequest Cancel(OutgoingCall call)
    {
        var invite = call.Invite!;
        var via = call.Heard! with { Parameters = call.Heard.Parameters.Without("received").With("rport", null) };
        var headers = SipHeaders.Empty
            .Append("Via", via.ToString())
            .Append("Max-Forwards", "70")
            .Append("Route", invite.Headers.All("Route"))
            .Append("From", invite.Headers.First("From")!)
            .Append("To", invite.Headers.First("To")!)
            .Append("Call-ID", call.CallId)
            .Append("CSeq", new CSeq(call.Sequence, SipMethod.Cancel).ToString());
        return new SipRequest(SipMethod.Cancel, invite.RequestUri) { Headers = headers };
    }

    /// <summary>RFC 3262 §7.2: RAck names the response by its RSeq and the CSeq of its INVITE.</summary>
    public static (Dialog Next, SipRequest Request) Prack(Dialog dialog, uint reliable, OutgoingCall call)
    {
        var (next, prack) = dialog.NewRequest(SipMethod.Prack);
        var rack = string.Create(CultureInfo.InvariantCulture, $"{reliable} {call.Sequence} INVITE");
        return (next, prack with { Headers = prack.Headers.Append("RAck", rack) });
    }

    /// <summary>To a phone that is not wanted any more (RFC 3261 §13.2.2.4), with the reason why (RFC 3326 §2).</summary>
    public static SipRequest Bye(Dialog dialog, string reason, ParticipantContext context)
    {
        var (_, bye) = dialog.NewRequest(SipMethod.Bye);
        return bye with { Headers = bye.Headers.Append("Reason", reason).Append("User-Agent", context.Settings.Server) };
    }

    /// <summary>The frame of a request is the same before the dialog is there: no tag of the peer yet, and the configured routes.</summary>
    private static Dialog BeforeDialog(OutgoingCall call, ParticipantContext context) => new(
        call.CallId, call.From!, new NameAddr(call.Asked), call.Sequence - 1, null, call.Target, context.Settings.Outbound.Route,
        call.Target.IsSecure);

    private static SipHeaders CredentialsOf(SipRequest invite) => new(
        [.. invite.Headers.Fields.Where(f => f.Name is HeaderNames.Authorization or HeaderNames.ProxyAuthorization)]);

    private static SipHeaders With(SipHeaders headers, SipHeaders more) => new(headers.Fields.AddRange(more.Fields));
}
