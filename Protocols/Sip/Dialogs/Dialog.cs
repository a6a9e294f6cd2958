using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Protocols.Sip.Dialogs;

/// <summary>What a dialog says of a request in it (RFC 3261 §12.2.2).</summary>
public enum DialogVerdict : byte
{
    InOrder,

    /// <summary>Answer 500; an ACK is dropped.</summary>
    OutOfOrder,
}

/// <summary>
/// A dialog (RFC 3261 §12) as a value: made from an INVITE or its response, asked about every request of the peer and for every
/// request of ours. Left out: who may still use it, sessions, early dialogs of several forks (each is a dialog of its own).
/// </summary>
public sealed record Dialog(
    string CallId, NameAddr Local, NameAddr Remote, uint? LocalSequence, uint? RemoteSequence, SipUri RemoteTarget,
    ImmutableArray<NameAddr> RouteSet, bool IsSecure)
{
    private const int MaxForwards = 70;

    public DialogId Id => new(CallId, Local.Tag ?? "", Remote.Tag ?? "");

    /// <summary>RFC 3261 §12.2.1.1: where a request goes, whether the next hop routes strictly or loosely.</summary>
    public SipUri NextHop => RouteSet.IsEmpty ? RemoteTarget : RouteSet[0].Uri;

    /// <summary>As UAS (RFC 3261 §12.1.1). The INVITE has a Contact: <c>RequestRouting</c> refuses one without.</summary>
    public static Dialog FromRequest(SipRequest invite, string localTag)
    {
        ArgumentNullException.ThrowIfNull(invite);
        var headers = invite.Headers;
        return new Dialog(headers.CallId, headers.To.WithTag(localTag), headers.From, null, headers.CSeq.Number, headers.Contacts[0].Uri,
            headers.RecordRoutes, invite.RequestUri.IsSecure);
    }

    /// <summary>As UAC (RFC 3261 §12.1.2); false when the response has no Contact or no To tag. A 2xx after a 1xx makes it anew.</summary>
    public static bool TryFromResponse(SipRequest invite, SipResponse response, out Dialog? dialog)
    {
        ArgumentNullException.ThrowIfNull(invite);
        ArgumentNullException.ThrowIfNull(response);
        var headers = response.Headers;
        dialog = null;
        if (headers.Contacts.IsEmpty || headers.To.Tag is null) return false;
        dialog = new Dialog(headers.CallId, headers.From, headers.To, invite.Headers.CSeq.Number, null, headers.Contacts[0].Uri,
            [.. headers.RecordRoutes.Reverse()], invite.RequestUri.IsSecure);
        return true;
    }

    /// <summary>Back from storage; false when the facts are not ours.</summary>
    public static bool TryFromFacts(DialogFacts facts, out Dialog? dialog)
    {
        ArgumentNullException.ThrowIfNull(facts);
        dialog = null;
        if (!SipReader.TryReadUri(facts.RemoteTarget, out var target)) return false;
        if (!SipReader.TryReadAddress(facts.Local, out var local) || !SipReader.TryReadAddress(facts.Remote, out var remote)) return false;
        var routes = ImmutableArray.CreateBuilder<NameAddr>(facts.RouteSet.Length);
        foreach (var text in facts.RouteSet)
        {
            if (!SipReader.TryReadAddress(text, out var route)) return false;
            routes.Add(route!);
        }

        dialog = new Dialog(facts.CallId, local!, remote!, facts.LocalSequence, facts.RemoteSequence, target!, routes.DrainToImmutable(),
            facts.IsSecure);
        return true;
    }

    /// <summary>
    /// A request of the peer (RFC 3261 §12.2.2): its sequence number must grow, but ACK and CANCEL carry that of their INVITE. INVITE and
    /// UPDATE move the remote target (RFC 3311 §5.2). An equal number in a new transaction is a replay and out of order, too.
    /// </summary>
    public DialogVerdict Receive(SipRequest request, out Dialog next)
    {
        ArgumentNullException.ThrowIfNull(request);
        next = this;
        var number = request.Headers.CSeq.Number;
        if (request.Method == SipMethod.Ack || request.Method == SipMethod.Cancel)
            return number <= RemoteSequence ? DialogVerdict.InOrder : DialogVerdict.OutOfOrder;
        if (number <= RemoteSequence) return DialogVerdict.OutOfOrder;
        next = this with { RemoteSequence = number };
        if (RefreshesTarget(request.Method)) next = next.WithTargetOf(request.Headers);
        return DialogVerdict.InOrder;
    }

    /// <summary>A 2xx to a re-INVITE or UPDATE of ours moves the remote target (RFC 3261 §12.2.1.2).</summary>
    public Dialog Receive(SipResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return response.Class == 2 && RefreshesTarget(response.Headers.CSeq.Method) ? WithTargetOf(response.Headers) : this;
    }

    /// <summary>
    /// The next request of ours (RFC 3261 §12.2.1.1), without Via, which is the sender's, and without Contact, which INVITE and UPDATE need.
    /// </summary>
    public (Dialog Next, SipRequest Request) NewRequest(SipMethod method)
    {
        if (method == SipMethod.Ack || method == SipMethod.Cancel)
            throw new InvalidOperationException($"{method} has no sequence number of its own.");
        var number = (LocalSequence ?? 0) + 1;
        return (this with { LocalSequence = number }, DialogRoute.Build(this, new CSeq(number, method), MaxForwards));
    }

    /// <summary>The ACK to a 2xx: the sequence number of its INVITE (RFC 3261 §13.2.2.4). The answer's SDP, if any, is the caller's.</summary>
    public SipRequest Ack(uint inviteSequence) => DialogRoute.Build(this, new CSeq(inviteSequence, SipMethod.Ack), MaxForwards);

    private static bool RefreshesTarget(SipMethod method) => method == SipMethod.Invite || method == SipMethod.Update;

    private Dialog WithTargetOf(SipHeaders headers) => headers.Contacts is [var contact, ..] ? this with { RemoteTarget = contact.Uri } : this;
}
