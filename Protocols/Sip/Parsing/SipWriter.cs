using System.Buffers;
using System.Globalization;
using System.Text;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>
/// Messages to bytes (RFC 3261 §7, §25): long header names, no folding, Content-Length computed (RFC 3261 §20.14). Quotes and escapes
/// where the grammar asks for it. A part that no quoting makes legal, above all a CR or LF, is a bug of ours and throws.
/// </summary>
public static class SipWriter
{
    /// <summary>Writes start line, headers in their order, Content-Length, body.</summary>
    public static void Write(SipMessage message, IBufferWriter<byte> output)
    {
        switch (message)
        {
            case SipRequest request:
                Text(Token(request.Method.Name), output);
                output.Write(" "u8);
                Text(Write(request.RequestUri), output);
                output.Write(" SIP/2.0\r\n"u8);
                break;
            case SipResponse response:
                output.Write("SIP/2.0 "u8);
                Text(Status(response.StatusCode), output);
                output.Write(" "u8);
                Text(OneLine(response.Reason), output);
                output.Write("\r\n"u8);
                break;
        }

        foreach (var field in message.Headers.Fields)
        {
            if (string.Equals(field.Name, HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase))
                throw new InvalidOperationException("Content-Length is computed, not given.");
            Text(Token(field.Name), output);
            output.Write(": "u8);
            Text(OneLine(field.Value), output);
            output.Write("\r\n"u8);
        }

        output.Write("Content-Length: "u8);
        Text(message.Body.Length.ToString(CultureInfo.InvariantCulture), output);
        output.Write("\r\n\r\n"u8);
        output.Write(message.Body.Span);
    }

    public static byte[] ToBytes(SipMessage message)
    {
        var buffer = new ArrayBufferWriter<byte>(1024 + message.Body.Length);
        Write(message, buffer);
        var bytes = buffer.WrittenSpan.ToArray();

        // The body may hold keys: no second copy of it stays behind.
        buffer.Clear();
        return bytes;
    }

    public static string Write(SipUri uri)
    {
        var text = new StringBuilder(64);
        Append(text, uri);
        return text.ToString();
    }

    /// <summary>Always with angle brackets, and the display name always in quotes.</summary>
    public static string Write(NameAddr address)
    {
        var text = new StringBuilder(96);
        if (address.DisplayName is { } name)
        {
            AppendQuoted(text, name);
            text.Append(' ');
        }

        text.Append('<');
        Append(text, address.Uri);
        text.Append('>');
        AppendParameters(text, address.Parameters);
        return text.ToString();
    }

    public static string Write(Via via)
    {
        var text = new StringBuilder(96);
        text.Append("SIP/2.0/").Append(Token(via.Transport)).Append(' ');
        AppendHost(text, via.Host, via.Port);
        AppendParameters(text, via.Parameters);
        return text.ToString();
    }

    private static void Append(StringBuilder text, SipUri uri)
    {
        if (!SipGrammar.IsScheme(uri.Scheme)) throw new InvalidOperationException("Not a URI scheme.");
        text.Append(uri.Scheme).Append(':');
        if (uri.Opaque is { } opaque)
        {
            if (opaque.Length == 0 || !SipGrammar.TryUnescape(opaque, SipGrammar.Opaque, out _))
                throw new InvalidOperationException("A character that no URI has.");
            text.Append(opaque);
            return;
        }

        if (uri.User is { } user)
        {
            if (user.Length == 0) throw new InvalidOperationException("A user part is null or has a character.");
            AppendEscaped(text, user, SipGrammar.User);
            if (uri.Password is { } password) AppendEscaped(text.Append(':'), password, SipGrammar.Password);
            text.Append('@');
        }

        AppendHost(text, uri.Host, uri.Port);
        foreach (var (name, value) in uri.Parameters.Items)
        {
            AppendEscaped(text.Append(';'), NotEmpty(name), SipGrammar.UriParameter);
            if (value is not null) AppendEscaped(text.Append('='), NotEmpty(value), SipGrammar.UriParameter);
        }

        if (uri.Headers.IsDefaultOrEmpty) return;
        var separator = '?';
        foreach (var (name, value) in uri.Headers)
        {
            AppendEscaped(text.Append(separator), NotEmpty(name), SipGrammar.UriHeader);
            AppendEscaped(text.Append('='), value, SipGrammar.UriHeader);
            separator = '&';
        }
    }

    private static void AppendHost(StringBuilder text, string host, int? port)
    {
        if (!SipGrammar.IsHost(host)) throw new InvalidOperationException("Not a host.");
        text.Append(host);
        if (port is null) return;
        if (port is < 1 or > 65_535) throw new InvalidOperationException("Not a port.");
        text.Append(':').Append(CultureInfo.InvariantCulture, $"{port}");
    }

    private static void AppendParameters(StringBuilder text, SipParameters parameters)
    {
        foreach (var (name, value) in parameters.Items)
        {
            text.Append(';').Append(Token(name));
            if (value is null) continue;
            text.Append('=');
            if (SipGrammar.IsToken(value) || SipGrammar.IsIPv6(value) || value.StartsWith('[') && SipGrammar.IsHost(value))
                text.Append(value);
            else AppendQuoted(text, value);
        }
    }

    /// <summary>quoted-string (RFC 3261 §25.1): what would end it and every control character goes as a quoted-pair.</summary>
    private static void AppendQuoted(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in OneLine(value))
        {
            if (c is '"' or '\\' or < ' ' or '\x7f') text.Append('\\');
            text.Append(c);
        }

        text.Append('"');
    }

    private static void AppendEscaped(StringBuilder text, string value, SearchValues<char> plain)
    {
        if (!value.AsSpan().ContainsAnyExcept(plain))
        {
            text.Append(value);
            return;
        }

        foreach (var b in SipGrammar.Utf8.GetBytes(value))
        {
            if (b < 0x80 && plain.Contains((char)b)) text.Append((char)b);
            else text.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }
    }

    private static void Text(string value, IBufferWriter<byte> output)
    {
        var span = output.GetSpan(SipGrammar.Utf8.GetMaxByteCount(value.Length));
        output.Advance(SipGrammar.Utf8.GetBytes(value, span));
    }

    private static string Status(int status) =>
        status is >= 100 and <= 699 ? status.ToString(CultureInfo.InvariantCulture)
            : throw new InvalidOperationException("Not a status code.");

    private static string Token(string name) => SipGrammar.IsToken(name) ? name : throw new InvalidOperationException("Not a token.");

    private static string NotEmpty(string text) => text.Length > 0 ? text : throw new InvalidOperationException("An empty part of a URI.");

    private static string OneLine(string value) =>
        value.AsSpan().ContainsAny('\r', '\n') ? throw new InvalidOperationException("A line break in a header value.") : value;
}
