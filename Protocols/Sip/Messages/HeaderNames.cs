using System.Collections.Frozen;

namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>
/// Canonical header field names and the compact forms (RFC 3261 §7.3.3, §20; RFC 6665 §8.2.1, RFC 3515 §2.1, RFC 4028 §4, RFC 3892 §2).
/// </summary>
public static class HeaderNames
{
    public const string Accept = "Accept";
    public const string AcceptEncoding = "Accept-Encoding";
    public const string AcceptLanguage = "Accept-Language";
    public const string Allow = "Allow";
    public const string AllowEvents = "Allow-Events";
    public const string Authorization = "Authorization";
    public const string CallId = "Call-ID";
    public const string Contact = "Contact";
    public const string ContentDisposition = "Content-Disposition";
    public const string ContentEncoding = "Content-Encoding";
    public const string ContentLength = "Content-Length";
    public const string ContentType = "Content-Type";
    public const string CSeq = "CSeq";
    public const string Date = "Date";
    public const string Event = "Event";
    public const string Expires = "Expires";
    public const string From = "From";
    public const string MaxForwards = "Max-Forwards";
    public const string MinSe = "Min-SE";
    public const string PAssertedIdentity = "P-Asserted-Identity";
    public const string ProxyAuthenticate = "Proxy-Authenticate";
    public const string ProxyAuthorization = "Proxy-Authorization";
    public const string ProxyRequire = "Proxy-Require";
    public const string RAck = "RAck";
    public const string Reason = "Reason";
    public const string RecordRoute = "Record-Route";
    public const string ReferredBy = "Referred-By";
    public const string ReferTo = "Refer-To";
    public const string Replaces = "Replaces";
    public const string Require = "Require";
    public const string RetryAfter = "Retry-After";
    public const string Route = "Route";
    public const string RSeq = "RSeq";
    public const string Server = "Server";
    public const string SessionExpires = "Session-Expires";
    public const string Subject = "Subject";
    public const string SubscriptionState = "Subscription-State";
    public const string Supported = "Supported";
    public const string Timestamp = "Timestamp";
    public const string To = "To";
    public const string Unsupported = "Unsupported";
    public const string UserAgent = "User-Agent";
    public const string Via = "Via";
    public const string Warning = "Warning";
    public const string WwwAuthenticate = "WWW-Authenticate";

    private static readonly FrozenDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> Names = Spellings();

    /// <summary>The canonical spelling of a name in any case or in compact form; null for a name that this table does not know.</summary>
    public static string? Canonical(ReadOnlySpan<char> name) => Names.TryGetValue(name, out var canonical) ? canonical : null;

    private static FrozenDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> Spellings()
    {
        string[] full =
        [
            Accept, AcceptEncoding, AcceptLanguage, Allow, AllowEvents, Authorization, CallId, Contact, ContentDisposition, ContentEncoding,
            ContentLength, ContentType, CSeq, Date, Event, Expires, From, MaxForwards, MinSe, PAssertedIdentity, ProxyAuthenticate,
            ProxyAuthorization, ProxyRequire, RAck, Reason, RecordRoute, ReferredBy, ReferTo, Replaces, Require, RetryAfter, Route, RSeq,
            Server, SessionExpires, Subject, SubscriptionState, Supported, Timestamp, To, Unsupported, UserAgent, Via, Warning,
            WwwAuthenticate,
        ];
        var names = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["i"] = CallId,
            ["m"] = Contact,
            ["e"] = ContentEncoding,
            ["l"] = ContentLength,
            ["c"] = ContentType,
            ["f"] = From,
            ["s"] = Subject,
            ["k"] = Supported,
            ["t"] = To,
            ["v"] = Via,
            ["o"] = Event,
            ["u"] = AllowEvents,
            ["r"] = ReferTo,
            ["b"] = ReferredBy,
            ["x"] = SessionExpires,
        };
        foreach (var name in full) names.Add(name, name);
        return names.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();
    }
}
