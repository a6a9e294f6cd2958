using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Phone;

/// <summary>The requests and responses of a phone (RFC 3261 §8.1.1, §8.2.6, §9.1, §20) and the random names in them.</summary>
internal sealed class PhoneMessages(PhoneSettings settings, SipFlow flow, SecretWriter random)
{
    public const string SdpType = "application/sdp";

    private const int DefaultPort = 5060;

    private string Allow => settings.TakesUpdate ? "INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS, INFO" : "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO";

    /// <summary>From where the phone sends, and to where what has no better address goes.</summary>
    public SipFlow Flow { get; set; } = flow;

    public string LocalTag { get; } = Name(random, 8);

    /// <summary>RFC 3261 §8.1.1.8: a sips URI for a sips call; over a connection the transport is named.</summary>
    private NameAddr Contact => new(SipUri.Sip(
        settings.Identity.User, Host(Flow.Local.Address), Flow.Local.Port,
        Flow.IsReliable && !settings.Identity.IsSecure ? SipParameters.Empty.With("transport", Flow.Transport.ToString().ToLowerInvariant()) : SipParameters.Empty)
        with
    { Scheme = settings.Identity.Scheme });

    public SipRequest Invite(SipUri target, SipBody body)
    {
        var headers = SipHeaders.Empty
            .Append("Max-Forwards", "70")
            .Append("From", new NameAddr(settings.Identity).WithTag(LocalTag).ToString())
            .Append("To", new NameAddr(target).ToString())
            .Append("Call-ID", $"{Name(random, 16)}@{Host(Flow.Local.Address)}")
            .Append("CSeq", new CSeq(1, SipMethod.Invite).ToString());
        return WithVia(WithSession(new SipRequest(SipMethod.Invite, target) { Headers = headers }, body));
    }

    /// <summary>The same INVITE once more: a new Via and the next CSeq (RFC 3261 §8.1.3.5).</summary>
    public SipRequest Again(SipRequest invite)
    {
        var sequence = new CSeq(invite.Headers.CSeq.Number + 1, SipMethod.Invite).ToString();
        var headers = SipHeaders.Empty.Append("CSeq", sequence);
        var rest = invite.Headers.Fields.Where(f => f.Name is not ("Via" or "CSeq"));
        return WithVia(invite with { Headers = new SipHeaders(headers.Fields.AddRange(rest)) });
    }

    /// <summary>Contact, Allow and the body of a re-INVITE or a 2xx.</summary>
    public SipRequest WithSession(SipRequest request, SipBody body) => request with { Headers = Session(request.Headers, body), Body = body };

    public SipResponse Ok(SipRequest request, SipBody body)
    {
        var response = Respond(request, 200);
        var headers = response.Headers.Append("Record-Route", request.Headers.All("Record-Route"));
        return response with { Headers = Session(headers, body), Body = body };
    }

    public SipResponse Respond(SipRequest request, int status, string? reason = null) =>
        request.CreateResponse(status, reason ?? StatusCode.Reason(status), LocalTag);

    /// <summary>RFC 3261 §20.43: the warn-agent is who says it.</summary>
    public SipResponse Refuse(SipRequest request, OfferVerdict.Refused refused)
    {
        var response = Respond(request, refused.Status);
        var warning = string.Create(CultureInfo.InvariantCulture, $"{refused.WarningCode} {Host(Flow.Local.Address)}:{Flow.Local.Port} \"{refused.Text}\"");
        return response with { Headers = response.Headers.Append("Warning", warning) };
    }

    public SipRequest WithVia(SipRequest request)
    {
        // RFC 3581 §3: rport, so that the response comes back through whatever rewrites our address.
        var parameters = SipParameters.Empty.With("branch", Via.MagicCookie + Name(random, 12)).With("rport", null);
        var via = new Via(Flow.Transport.ToString().ToUpperInvariant(), Host(Flow.Local.Address), Flow.Local.Port, parameters);
        return request with { Headers = request.Headers.Prepend("Via", via.ToString()) };
    }

    /// <summary>RFC 3261 §9.1: everything but the method as in the INVITE, its one Via included.</summary>
    public static SipRequest Cancel(SipRequest invite)
    {
        var headers = SipHeaders.Empty
            .Append("Via", invite.Headers.TopVia!.ToString())
            .Append("Max-Forwards", "70")
            .Append("Route", invite.Headers.All("Route"))
            .Append("From", invite.Headers.First("From")!)
            .Append("To", invite.Headers.First("To")!)
            .Append("Call-ID", invite.Headers.CallId)
            .Append("CSeq", new CSeq(invite.Headers.CSeq.Number, SipMethod.Cancel).ToString());
        return new SipRequest(SipMethod.Cancel, invite.RequestUri) { Headers = headers };
    }

    /// <summary>
    /// Where a request of the dialog goes: to the next hop if that is an address and we send datagrams, else the way the call went (a
    /// name would need a resolver, and a connection is kept).
    /// </summary>
    public SipFlow FlowTo(SipUri nextHop)
    {
        var literal = nextHop.Host.Trim('[', ']');
        if (Flow.IsReliable || !nextHop.IsSip || !IPAddress.TryParse(literal, out var address) || address.AddressFamily != Flow.Local.AddressFamily) return Flow;
        return Flow with { Remote = new IPEndPoint(address, nextHop.Port ?? DefaultPort) };
    }

    public int RandomBelow(int limit)
    {
        Span<byte> draw = stackalloc byte[2];
        random(draw);
        return (draw[0] << 8 | draw[1]) % limit;
    }

    private SipHeaders Session(SipHeaders headers, SipBody body)
    {
        headers = headers.Append("Contact", Contact.ToString()).Append("Allow", Allow).Append("User-Agent", settings.UserAgent);
        return body.IsEmpty ? headers : headers.Append("Content-Type", SdpType);
    }

    private static string Host(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();

    private static string Name(SecretWriter random, int octets)
    {
        Span<byte> bytes = stackalloc byte[octets];
        random(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
