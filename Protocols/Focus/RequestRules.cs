using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// What the focus asks of every request before it looks at the method's own rules (RFC 3261 §8.2.2.3, §8.2.3): extensions, body type,
/// encoding, and what the answer may look like.
/// </summary>
internal static class RequestRules
{
    /// <summary>RFC 3261 §8.2.2.3.</summary>
    public static bool TryExtensions(SipRequest request, out string unsupported)
    {
        var required = request.Headers.List("Require");
        unsupported = string.Join(", ", required.Except(RequestRouting.SupportedOptions, StringComparer.OrdinalIgnoreCase));
        return unsupported.Length == 0;
    }

    public static bool Requires(SipRequest request, string option) =>
        request.Headers.List("Require").Contains(option, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the body is SDP or absent. A body whose handling is optional (RFC 3261 §20.11) counts as absent.</summary>
    public static bool TryBody(SipMessage request, out SipBody sdp, out ParticipantRefusal refusal)
    {
        sdp = request.Body;
        refusal = default;
        if (sdp.IsEmpty) return true;

        var optional = request.Headers.First("Content-Disposition") is { } disposition
            && disposition.Contains("handling=optional", StringComparison.OrdinalIgnoreCase);
        var encoded = request.Headers.List("Content-Encoding").Any(e => !e.Equals("identity", StringComparison.OrdinalIgnoreCase));
        if (!encoded && request.Headers.ContentType == FocusResponses.SdpType) return true;
        if (optional)
        {
            sdp = SipBody.Empty;
            return true;
        }

        refusal = encoded ? ParticipantRefusal.UnsupportedEncoding : ParticipantRefusal.UnsupportedContentType;
        return false;
    }

    /// <summary>RFC 3261 §20.1: without an Accept field application/sdp is assumed; an empty one accepts nothing.</summary>
    public static bool AcceptsSdp(SipRequest request)
    {
        if (!request.Headers.Has("Accept")) return true;
        foreach (var range in request.Headers.List("Accept"))
        {
            var type = range.Split(';', 2, StringSplitOptions.TrimEntries)[0];
            if (type is "*/*" || type.Equals("application/*", StringComparison.OrdinalIgnoreCase)
                || type.Equals(FocusResponses.SdpType, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }
}
