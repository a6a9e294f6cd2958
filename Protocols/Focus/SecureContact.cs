using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Focus;

/// <summary>When our Contact must be a sips URI (RFC 3261 §8.1.1.8, §12.1.1).</summary>
internal static class SecureContact
{
    /// <summary>
    /// RFC 3261 §8.1.1.8 for a request of ours: a sips Request-URI or top Route. RFC 3261 §12.1.1 for one of the peer: a sips Request-URI,
    /// or one in the top Record-Route, or without Record-Route in the Contact.
    /// </summary>
    public static bool IsNeeded(SipRequest request)
    {
        if (request.RequestUri.IsSecure || request.Headers.Routes is [{ Uri.IsSecure: true }, ..]) return true;
        return request.Headers.RecordRoutes is [var top, ..] ? top.Uri.IsSecure : request.Headers.Contacts is [{ Uri.IsSecure: true }, ..];
    }
}
