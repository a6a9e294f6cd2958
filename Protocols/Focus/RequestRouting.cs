using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Protocols.Focus;

/// <summary>What a node does with a new request, before any entity hears of it.</summary>
public abstract record RoutingVerdict
{
    private RoutingVerdict()
    {
    }

    /// <summary>Answered here and without state; <paramref name="Extra"/> belongs to the status (Allow, Unsupported …).</summary>
    public sealed record Answer(int Status, string Reason, SipHeaders Extra) : RoutingVerdict;

    public sealed record ToParticipant(ParticipantId Participant) : RoutingVerdict;

    /// <summary>An ACK that is nobody's: it cannot be answered (RFC 3261 §17).</summary>
    public sealed record Drop : RoutingVerdict;
}

/// <summary>
/// The first look at a request, in the order of RFC 3261 §8.2: method, Request-URI, Require, encoding; then whose it is. Only a tag that we
/// made, or an INVITE that could begin a dialog, reaches a participant. Max-Forwards of 0 is no reason to refuse: RFC 4475 §3.3.11 tells
/// an endpoint to go on, and nothing is forwarded here. Left out: authentication, and the body, which is the participant's.
/// </summary>
public static class RequestRouting
{
    private static readonly ImmutableArray<SipMethod> Allowed =
        [SipMethod.Invite, SipMethod.Ack, SipMethod.Cancel, SipMethod.Bye, SipMethod.Options, SipMethod.Update, SipMethod.Prack];

    /// <summary>Methods that we know and do not take: 405 and not 501 (RFC 3261 §21.5.2).</summary>
    private static readonly ImmutableArray<SipMethod> Refused =
        [
            SipMethod.Register, SipMethod.Info, SipMethod.Subscribe, SipMethod.Notify, SipMethod.Refer, SipMethod.Message,
            SipMethod.Publish,
        ];

    /// <summary>Option-tags that a Require may name.</summary>
    public static ImmutableArray<string> SupportedOptions { get; } = [ReliableProvisional, "timer"];

    /// <summary>RFC 3262 §8.1.</summary>
    internal const string ReliableProvisional = "100rel";

    /// <summary>The value of Allow in responses and requests of the focus (RFC 3261 §20.5).</summary>
    public static string Allow { get; } = string.Join(", ", Allowed);

    /// <param name="isStopping">The node takes no new dialogs: 503 to what would begin one, and to OPTIONS, so that callers go elsewhere.</param>
    public static RoutingVerdict Of(SipRequest request, LocalTag tags, bool isStopping = false)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(tags);
        if (request.Method == SipMethod.Ack) return OfAck(request, tags);
        if (isStopping && request.Headers.To.Tag is null && request.Method != SipMethod.Cancel)
            return Answer(503, "Shutting Down", "Retry-After", "30");
        return Refusal(request) ?? Owner(request, tags);
    }

    /// <summary>RFC 3261 §21.4.1, §21.4.11, §21.5.6: the status for a request that could not be read, with the clause it breaks.</summary>
    public static (int Status, string Reason) Malformed(SipError error, SipMethod method) => error.Kind switch
    {
        SipErrorKind.BadVersion => (505, "Version Not Supported"),
        SipErrorKind.TooLong or SipErrorKind.TooManyHeaders => (513, "Message Too Large"),
        // RFC 4475 §3.1.2.18: 501 wears better than 400 when the method is one that we do not know.
        SipErrorKind.MethodMismatch when !IsKnown(method) => (501, "Not Implemented"),
        _ => (400, error.Detail.Length > 0 ? error.Detail : "Bad Request"),
    };

    /// <summary>A method of a standard, whether we take it or not.</summary>
    public static bool IsKnown(SipMethod method) => Allowed.Contains(method) || Refused.Contains(method);

    private static RoutingVerdict OfAck(SipRequest request, LocalTag tags) =>
        request.Headers.To.Tag is { } tag && tags.IsOurs(tag, request.Headers.CallId)
            ? new RoutingVerdict.ToParticipant(new ParticipantId(tag))
            : new RoutingVerdict.Drop();

    private static RoutingVerdict.Answer? Refusal(SipRequest request)
    {
        if (!Allowed.Contains(request.Method))
        {
            return Refused.Contains(request.Method)
                ? Answer(405, "Method Not Allowed", "Allow", Allow)
                : Answer(501, "Not Implemented", "Allow", Allow);
        }

        if (!IsKnownScheme(request.RequestUri)) return Answer(416, "Unsupported URI Scheme");

        // RFC 3261 §8.2.2.3: Require in a CANCEL is to be ignored.
        if (request.Method == SipMethod.Cancel) return null;
        var unsupported = request.Headers.List("Require").Except(SupportedOptions, StringComparer.OrdinalIgnoreCase).ToArray();
        if (unsupported.Length > 0) return Answer(420, "Bad Extension", "Unsupported", string.Join(", ", unsupported));

        // RFC 3261 §8.2.3: an encoding that is not understood is refused with what would be.
        return request.Headers.List("Content-Encoding").All(IsIdentity)
            ? null
            : Answer(415, "Unsupported Content Encoding", "Accept-Encoding", "identity");
    }

    private static RoutingVerdict Owner(SipRequest request, LocalTag tags)
    {
        var headers = request.Headers;
        if (headers.To.Tag is { } tag)
        {
            return tags.IsOurs(tag, headers.CallId)
                ? new RoutingVerdict.ToParticipant(new ParticipantId(tag))
                : Answer(481, "Call/Transaction Does Not Exist");
        }

        if (request.Method == SipMethod.Options) return Capabilities();
        if (request.Method == SipMethod.Invite && !CanBeCalledBack(headers)) return Answer(400, "INVITE Without A SIP Contact");
        return request.Method == SipMethod.Invite || request.Method == SipMethod.Cancel
            ? new RoutingVerdict.ToParticipant(tags.ForIncoming(headers.CallId, headers.From.Tag, headers.CSeq.Number))
            : Answer(481, "Call/Transaction Does Not Exist");
    }

    /// <summary>RFC 3261 §11.2: what an INVITE could expect.</summary>
    private static RoutingVerdict.Answer Capabilities() => new(200, "OK", SipHeaders.Empty
        .Append("Allow", Allow)
        .Append("Accept", "application/sdp")
        .Append("Accept-Encoding", "identity")
        .Append("Accept-Language", "en")
        .Append("Supported", string.Join(", ", SupportedOptions)));

    /// <summary>RFC 3261 §8.1.1.8: the Contact of an INVITE is one SIP or SIPS URI, the target of all that follows.</summary>
    private static bool CanBeCalledBack(SipHeaders headers) => headers.Contacts is [{ Uri.IsSip: true }];

    private static bool IsKnownScheme(SipUri uri) => uri.IsSip || string.Equals(uri.Scheme, "tel", StringComparison.OrdinalIgnoreCase);

    private static bool IsIdentity(string encoding) => string.Equals(encoding, "identity", StringComparison.OrdinalIgnoreCase);

    private static RoutingVerdict.Answer Answer(int status, string reason) => new(status, reason, SipHeaders.Empty);

    private static RoutingVerdict.Answer Answer(int status, string reason, string header, string value) =>
        new(status, reason, SipHeaders.Empty.Append(header, value));
}
