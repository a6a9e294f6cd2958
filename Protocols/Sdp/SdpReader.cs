using System.Text;

namespace ConfCluster.Protocols.Sdp;

/// <summary>
/// Reads a session description (RFC 4566 §5, §9; RFC 8866). Lines may end in LF alone (RFC 4566 §5). Left out: a=charset (text is taken
/// as UTF-8), several c= lines of one stream (the first counts).
/// </summary>
public static class SdpReader
{
    public const int MaxLength = 65536;
    public const int MaxLines = 2048;
    public const int MaxMedia = 32;

    /// <summary>False with the reason; then no key is left in memory. True: the caller owns <paramref name="session"/>.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out SessionDescription? session, out SdpError error)
    {
        session = null;
        if (text.Length > MaxLength)
        {
            error = SdpError.TooLong;
            return false;
        }

        var draft = new SessionDraft();
        error = ReadLines(text, draft);
        if (error == SdpError.None) error = draft.Finish(out session);
        if (error != SdpError.None) draft.Dispose();
        return error == SdpError.None;
    }

    private static SdpError ReadLines(ReadOnlySpan<byte> text, SessionDraft draft)
    {
        for (var count = 0; !text.IsEmpty; count++)
        {
            if (count == MaxLines) return SdpError.TooManyLines;
            var end = text.IndexOf((byte)'\n');
            var line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            if (line.EndsWith("\r"u8)) line = line[..^1];

            // An empty line is no line of the grammar; at the end some peers write one all the same.
            if (line.IsEmpty && text.Trim("\r\n"u8).IsEmpty) return SdpError.None;
            if (line.Length < 2 || line[1] != (byte)'=' || line.IndexOfAny((byte)'\r', (byte)0) >= 0) return SdpError.BadLine;
            var error = draft.Add((char)line[0], line[2..]);
            if (error != SdpError.None) return error;
        }

        return SdpError.None;
    }

    internal static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value);
}
