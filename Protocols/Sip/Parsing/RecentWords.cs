using System.Runtime.CompilerServices;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>
/// The hosts and users of the message that this thread is reading: a message names the same few again and again (RFC 3261 §7.1: Request-URI
/// and To, Via and Contact), and each needs one string. Nothing stays when the message is read.
/// </summary>
internal static class RecentWords
{
    [ThreadStatic]
    private static Few _words;

    [ThreadStatic]
    private static int _next;

    public static string Of(ReadOnlySpan<char> text)
    {
        if (Find(text) is { } word) return word;
        var added = text.ToString();
        _words[_next] = added;
        _next = (_next + 1) % Few.Size;
        return added;
    }

    /// <summary>Null: not one of them.</summary>
    public static string? Find(ReadOnlySpan<char> text)
    {
        foreach (var word in _words)
            if (word is not null && text.SequenceEqual(word))
                return word;
        return null;
    }

    public static void Forget() => _words = default;

    [InlineArray(Size)]
    private struct Few
    {
        public const int Size = 8;
        private string? _first;
    }
}
