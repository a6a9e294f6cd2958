using System.Collections.Immutable;
using System.Globalization;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Dialogs;

/// <summary>Request-URI and Route of a request in a dialog (RFC 3261 §12.2.1.1), for loose and for strict routers.</summary>
internal static class DialogRoute
{
    public static SipRequest Build(Dialog dialog, CSeq cseq, int maxForwards)
    {
        var (target, route) = Of(dialog);
        var headers = SipHeaders.Empty
            .Append("Max-Forwards", maxForwards.ToString(CultureInfo.InvariantCulture))
            .Append("Route", route.Select(r => r.ToString()))
            .Append("From", dialog.Local.ToString())
            .Append("To", dialog.Remote.ToString())
            .Append("Call-ID", dialog.CallId)
            .Append("CSeq", cseq.ToString());
        return new SipRequest(cseq.Method, target) { Headers = headers };
    }

    private static (SipUri Target, ImmutableArray<NameAddr> Route) Of(Dialog dialog)
    {
        var routes = dialog.RouteSet;
        if (routes.IsEmpty || routes[0].Uri.IsLooseRouter) return (AsRequestUri(dialog.RemoteTarget), routes);
        // A strict router replaces the Request-URI by the first Route, so the remote target waits at the end of them.
        return (AsRequestUri(routes[0].Uri), routes.RemoveAt(0).Add(new NameAddr(dialog.RemoteTarget)));
    }

    // RFC 3261 §19.1.1, table 1: neither "method" nor headers are allowed in a Request-URI.
    private static SipUri AsRequestUri(SipUri uri) => uri.IsSip ? uri with { Parameters = uri.Parameters.Without("method"), Headers = [] } : uri;
}
