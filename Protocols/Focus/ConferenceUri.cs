using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Which conference a Request-URI names (RFC 4353 §4.1, RFC 3261 §8.2.2.1): its user part, lower case, 1 to 64 letters, digits and
/// <c>- _ . + ~ ! *</c>, so that the name can stand in a journal, a URL and an entity id. The host is not looked at:
/// whoever was routed here is here.
/// A sips URI is taken when it came over TLS. Left out: tel URIs.
/// </summary>
public static class ConferenceUri
{
    public const int MaxLength = 64;

    private const string Marks = "-_.+~!*";

    public static bool TryRead(SipUri uri, SipTransport transport, out ConferenceId conference, out ParticipantRefusal refusal)
    {
        ArgumentNullException.ThrowIfNull(uri);
        conference = default;
        refusal = default;
        if (!uri.IsSip) return Fail(ParticipantRefusal.UnsupportedScheme, out refusal);
        // RFC 3261 §26.2.2: sips promises TLS on every hop, and the last one broke it.
        if (uri.IsSecure && transport != SipTransport.Tls) return Fail(ParticipantRefusal.InsecureTransport, out refusal);
        if (string.IsNullOrEmpty(uri.User)) return Fail(ParticipantRefusal.NoConferenceName, out refusal);
        if (!IsName(uri.User)) return Fail(ParticipantRefusal.BadConferenceName, out refusal);

        conference = new ConferenceId(uri.User.ToLowerInvariant());
        return true;
    }

    /// <summary>What a name may be, in words.</summary>
    public static string NameRule => $"1 to {MaxLength} letters and digits of ASCII and {Marks}";

    public static bool IsName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length is > 0 and <= MaxLength && name.All(IsAllowed);
    }

    private static bool IsAllowed(char c) => char.IsAsciiLetterOrDigit(c) || Marks.Contains(c, StringComparison.Ordinal);

    private static bool Fail(ParticipantRefusal reason, out ParticipantRefusal refusal)
    {
        refusal = reason;
        return false;
    }
}
