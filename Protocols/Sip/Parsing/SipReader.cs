using System.Buffers;
using System.Collections.Immutable;
using System.Text.Unicode;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>
/// Bytes to messages (RFC 3261 §7, §18.3, §25), bounded by <see cref="SipLimits"/>. Known header fields are checked and every other one
/// is kept as text. Lines end in CRLF, a bare CR or LF is refused, and text is UTF-8. Left to whoever uses them: Date, Warning, Accept
/// and the authentication fields.
/// </summary>
public static class SipReader
{
    /// <summary>
    /// Reads one whole message (a datagram, or a frame from <see cref="SipFramer"/>). False with <paramref name="error"/>; then
    /// <paramref name="message"/> is non-null only when it is a request with a readable Via, to be answered by
    /// <see cref="SipRequest.CreateResponse"/>: it has the headers for that and no others, and stand-ins where a value was unreadable.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out SipMessage? message, out SipError error)
    {
        message = null;
        bytes = bytes.TrimStart("\r\n"u8);
        if (bytes.Length > SipLimits.MessageBytes) return Refuse(SipErrorKind.TooLong, "Message too long", out error);
        var end = bytes.IndexOf("\r\n\r\n"u8);
        var lastLine = end >= 0 ? end : bytes.LastIndexOf("\r\n"u8);
        if (lastLine < 0) return Refuse(SipErrorKind.NotSip, "Not SIP", out error);
        var head = bytes[..(lastLine + 2)];

        // What is cut or no UTF-8 is refused (RFC 3261 §7, §25.1), but it can be answered: so it is read all the same.
        var flaw = end < 0 ? "No empty line after the header fields (RFC 3261 §7)"
            : Utf8.IsValid(head) ? null : "Header fields are not UTF-8 (RFC 3261 §25.1)";
        var chars = ArrayPool<char>.Shared.Rent(head.Length);
        try
        {
            Utf8.ToUtf16(head, chars, out _, out var length, replaceInvalidSequences: true);
            return TryRead(chars.AsSpan(0, length), flaw, end < 0 ? [] : bytes[(end + 4)..], out message, out error);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(chars);
            RecentWords.Forget();
        }
    }

    private static bool Refuse(SipErrorKind kind, string detail, out SipError error)
    {
        error = new SipError(kind, detail);
        return false;
    }

    private static bool TryRead(
        ReadOnlySpan<char> head, string? flaw, ReadOnlySpan<byte> rest, out SipMessage? message, out SipError error)
    {
        message = null;
        var lines = new HeaderLines(head);
        // The start line is no field, and Content-Length is not kept.
        var collector = new HeaderCollector(Math.Clamp(head.Count('\n') - 2, 0, SipLimits.HeaderFields));
        lines.Next(ref collector);
        var startError = StartLine.Read(lines.Line, out var start);
        if (startError.Kind != SipErrorKind.None) collector.Fail(startError.Kind, startError.Detail);
        if (flaw is not null) collector.Fail(SipErrorKind.BadHeader, flaw);
        if (collector.Error.Kind != SipErrorKind.NotSip) ReadFields(ref lines, ref collector);

        if (start.IsRequest && collector.CSeq is { } cseq && cseq.Method != start.Method)
            collector.Fail(SipErrorKind.MethodMismatch, "CSeq: method differs from the request line (RFC 3261 §8.1.1.5)");

        // RFC 3261 §18.3: bytes after the body are dropped, a body that is cut is refused, no length means up to the end of the datagram.
        var length = collector.ContentLength ?? (uint)rest.Length;
        if (length > rest.Length) collector.Fail(SipErrorKind.BodyTruncated, "Content-Length: longer than the body (RFC 3261 §18.3)");
        error = collector.Error;
        if (error.Kind != SipErrorKind.None)
        {
            if (start.IsRequest && collector.IsAnswerable)
                message = new SipRequest(start.Method, start.RequestUri) { Headers = collector.ToRefusedHeaders() };
            return false;
        }

        var body = length == 0 ? SipBody.Empty : new SipBody(rest[..(int)length].ToArray());
        var headers = collector.ToHeaders();
        message = start.IsRequest
            ? new SipRequest(start.Method, start.RequestUri) { Headers = headers, Body = body }
            : new SipResponse(start.Status, start.Reason) { Headers = headers, Body = body };
        return true;
    }

    private static void ReadFields(ref HeaderLines lines, ref HeaderCollector collector)
    {
        var count = 0;
        while (lines.Next(ref collector))
        {
            if (++count > SipLimits.HeaderFields)
            {
                collector.Fail(SipErrorKind.TooManyHeaders, "Too many header fields");
                return;
            }

            lines.Split(ref collector);
        }

        collector.CheckComplete();
    }

    /// <summary>An addr-spec URI alone.</summary>
    public static bool TryReadUri(ReadOnlySpan<char> text, out SipUri? uri) => Alone(UriReader.Read(text, out uri) is null);

    /// <summary>A name-addr or addr-spec with parameters, as in Refer-To, Referred-By, P-Asserted-Identity.</summary>
    public static bool TryReadAddress(ReadOnlySpan<char> text, out NameAddr? address) => Alone(ValueReader.Address(text, out address) is null);

    /// <summary>A token with parameters, as in Event, Session-Expires, Subscription-State, Reason.</summary>
    public static bool TryReadValue(ReadOnlySpan<char> text, out string value, out SipParameters parameters)
    {
        var cursor = new SipCursor(text);
        parameters = SipParameters.Empty;
        var read = cursor.TryToken(out var token) && cursor.TryParameters(out parameters) && cursor.AtEnd();
        value = token.ToString();
        return Alone(read);
    }

    /// <summary>What was read is no message, which would end by forgetting its words.</summary>
    private static bool Alone(bool read)
    {
        RecentWords.Forget();
        return read;
    }

    internal static ImmutableArray<Via> Vias(SipHeaders headers)
    {
        var vias = default(FewOrMany<Via>);
        foreach (var field in headers.Fields)
            if (field.Name == HeaderNames.Via)
                Expect(HeaderNames.Via, ValueReader.Vias(field.Value, ref vias));
        return vias.ToImmutable();
    }

    internal static ImmutableArray<NameAddr> Addresses(SipHeaders headers, string name)
    {
        var addresses = default(FewOrMany<NameAddr>);
        foreach (var field in headers.Fields)
            if (field.Name == name && !(name == HeaderNames.Contact && field.Value == "*"))
                Expect(name, ValueReader.Addresses(field.Value, bare: name == HeaderNames.Contact, ref addresses));
        return addresses.ToImmutable();
    }

    internal static NameAddr Address(string value)
    {
        Expect("From or To", ValueReader.Address(value, out var address));
        return address!;
    }

    internal static CSeq CSeq(string value)
    {
        Expect(HeaderNames.CSeq, ValueReader.CSeq(value, out var cseq));
        return cseq!.Value;
    }

    internal static string? MediaType(string? value)
    {
        if (value is null) return null;
        Expect(HeaderNames.ContentType, ValueReader.MediaType(value, out var type));
        return type;
    }

    /// <summary>What peers send was checked before; a fault here is in a message that we built.</summary>
    private static void Expect(string name, string? fault)
    {
        if (fault is not null) throw new InvalidOperationException($"{name} of a message of ours: {fault}");
    }
}
