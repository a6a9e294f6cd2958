using System.Text;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>Cuts a header block, every line of it with its CRLF, into start line and header fields (RFC 3261 §7.3.1).</summary>
internal ref struct HeaderLines(ReadOnlySpan<char> head)
{
    private ReadOnlySpan<char> _rest = head;
    private bool _folded;

    /// <summary>The current line without its last CRLF; folds are still in it.</summary>
    public ReadOnlySpan<char> Line { get; private set; }

    /// <summary>Steps to the next line with its continuations; false when there is none.</summary>
    public bool Next(ref HeaderCollector collector)
    {
        Line = default;
        _folded = false;
        if (_rest.IsEmpty) return false;
        var end = _rest.IndexOf("\r\n");
        while (end + 2 < _rest.Length && _rest[end + 2] is ' ' or '\t')
        {
            _folded = true;
            end += 2 + _rest[(end + 2)..].IndexOf("\r\n");
        }

        var line = _rest[..end];
        _rest = _rest[(end + 2)..];
        if (line.Length > SipLimits.LineBytes) collector.Fail(SipErrorKind.TooLong, "Header field too long");
        else Line = line;
        return true;
    }

    /// <summary>Hands the current line over as name and unfolded, trimmed value.</summary>
    public readonly void Split(ref HeaderCollector collector)
    {
        if (Line.IsEmpty) return;
        var colon = Line.IndexOf(':');
        var name = colon < 0 ? default : Line[..colon].TrimEnd(" \t");
        if (!SipGrammar.IsToken(name))
        {
            collector.Fail(SipErrorKind.BadHeader, "Header field without a name (RFC 3261 §7.3.1)");
            return;
        }

        var value = Line[(colon + 1)..];
        if (!_folded && !value.ContainsAny('\r', '\n'))
            value = value.Trim(" \t");
        else if (_folded && TryUnfold(value, out var unfolded))
            value = unfolded;
        else
        {
            collector.Fail(SipErrorKind.BadHeader, "Bare CR or LF in a header field (RFC 3261 §7.3.1)");
            return;
        }

        var known = HeaderNames.Canonical(name);
        collector.Add(known ?? name.ToString(), known is not null, Vocabulary.Word(value));
    }

    /// <summary>Each CRLF with the white space around it becomes one space (RFC 3261 §25.1: LWS).</summary>
    private static bool TryUnfold(ReadOnlySpan<char> value, out ReadOnlySpan<char> unfolded)
    {
        var text = new StringBuilder(value.Length);
        for (var fold = value.IndexOf("\r\n"); fold >= 0; fold = value.IndexOf("\r\n"))
        {
            text.Append(value[..fold].TrimEnd(" \t")).Append(' ');
            value = value[(fold + 2)..].TrimStart(" \t");
        }

        unfolded = text.Append(value).ToString().AsSpan().Trim(" \t");
        return !unfolded.ContainsAny('\r', '\n');
    }
}
