namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>Finds Content-Length in a header block that nobody has read yet (RFC 3261 §20.14, compact form "l").</summary>
internal static class ContentLengthField
{
    public static SipError Find(ReadOnlySpan<byte> block, out int length)
    {
        length = -1;
        var line = block;
        while (line.IndexOf("\r\n"u8) is >= 0 and var end)
        {
            line = line[(end + 2)..];
            if (!IsContentLength(line, out var value)) continue;
            if (length >= 0) return new SipError(SipErrorKind.DuplicateHeader, "Content-Length more than once (RFC 3261 §7.3.1)");
            if (!TryNumber(value, out length)) return Bad("Content-Length: not a number of bytes (RFC 3261 §20.14)");
        }

        return length >= 0 ? SipError.None : Bad("Content-Length missing on a stream (RFC 3261 §20.14)");
    }

    private static SipError Bad(string detail) => new(SipErrorKind.BadContentLength, detail);

    private static bool IsContentLength(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (line.IsEmpty || (line[0] | 0x20) is not ('c' or 'l')) return false;
        var colon = line[..Math.Max(0, line.IndexOf("\r\n"u8))].IndexOf((byte)':');
        if (colon < 0) return false;
        var name = line[..colon].TrimEnd(" \t"u8);
        if (!System.Text.Ascii.EqualsIgnoreCase(name, "Content-Length"u8) && !System.Text.Ascii.EqualsIgnoreCase(name, "l"u8)) return false;

        // The value goes on over folds: up to the first CRLF that no white space follows.
        var end = colon + 1;
        do end += line[end..].IndexOf("\r\n"u8) + 2;
        while (end < line.Length && line[end] is (byte)' ' or (byte)'\t');
        value = line[(colon + 1)..end].Trim(" \t\r\n"u8);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<byte> digits, out int length)
    {
        length = -1;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        var significant = digits.TrimStart((byte)'0');
        length = 0;
        return significant.IsEmpty || significant.Length <= 9 && System.Buffers.Text.Utf8Parser.TryParse(significant, out length, out _);
    }
}
