using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>
/// The character classes of RFC 3261 §25.1 and the rules for hosts and %-escapes that reader and writer share. Hosts are read a little
/// wider than the grammar: "_" and a last label that begins with a digit pass, since names given to containers look like that.
/// </summary>
internal static class SipGrammar
{
    private const string Alphanum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const string Unreserved = Alphanum + "-_.!~*'()";

    public static readonly SearchValues<char> Token = SearchValues.Create(Alphanum + "-.!%*_+`'~");
    public static readonly SearchValues<char> Word = SearchValues.Create(Alphanum + "-.!%*_+`'~()<>:\\\"/[]?{}");
    public static readonly SearchValues<char> User = SearchValues.Create(Unreserved + "&=+$,;?/");
    public static readonly SearchValues<char> Password = SearchValues.Create(Unreserved + "&=+$,");
    public static readonly SearchValues<char> UriParameter = SearchValues.Create(Unreserved + "[]/:&+$");
    public static readonly SearchValues<char> UriHeader = SearchValues.Create(Unreserved + "[]/?:+$");
    public static readonly SearchValues<char> Opaque = SearchValues.Create(Unreserved + ";/?:@&=+$,[]#");
    public static readonly SearchValues<char> HostOrAddress = SearchValues.Create(Alphanum + "-._[]:");
    public static readonly SearchValues<char> HostEnd = SearchValues.Create(" \t:;,?");

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789");
    private static readonly SearchValues<char> Name = SearchValues.Create(Alphanum + "-_.");
    private static readonly SearchValues<char> Dotted = SearchValues.Create("0123456789.");
    private static readonly SearchValues<char> Address = SearchValues.Create("0123456789abcdefABCDEF:.");
    private static readonly SearchValues<char> Scheme = SearchValues.Create(Alphanum + "+-.");

    public static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static bool IsToken(ReadOnlySpan<char> text) => text.Length > 0 && !text.ContainsAnyExcept(Token);

    public static bool IsScheme(ReadOnlySpan<char> text) =>
        text.Length > 0 && char.IsAsciiLetter(text[0]) && !text.ContainsAnyExcept(Scheme);

    /// <summary>A run of digits up to <paramref name="limit"/>; leading zeros are fine, however many.</summary>
    public static bool TryNumber(ReadOnlySpan<char> text, uint limit, out uint number)
    {
        number = 0;
        if (text.Length == 0 || text.ContainsAnyExcept(Digits)) return false;
        ulong value = 0;
        foreach (var digit in text)
        {
            value = value * 10 + (uint)(digit - '0');
            if (value > limit) return false;
        }

        number = (uint)value;
        return true;
    }

    public static bool IsHost(ReadOnlySpan<char> text)
    {
        if (text.Length == 0) return false;
        if (text[0] == '[') return text[^1] == ']' && IsIPv6(text[1..^1]);
        if (text.ContainsAnyExcept(Name) || text[0] == '.' || text.IndexOf("..") >= 0) return false;

        // A name that is all digits and dots can only be an IPv4 address, and then it has four bytes.
        return text.ContainsAnyExcept(Dotted) || IsIPv4(text);
    }

    /// <summary>
    /// RFC 5118 §4.10: the grammar of RFC 3261 lets a third colon stand before the IPv4 part of an IPv6 reference. It is taken off, and the
    /// third colon is legal nowhere else.
    /// </summary>
    public static bool TryThreeColons(ReadOnlySpan<char> text, out string host)
    {
        var colons = text.IndexOf(":::");
        host = "";
        if (colons < 0 || text[^1] != ']' || !IsIPv4(text[(colons + 3)..^1])) return false;
        host = $"{text[..(colons + 1)]}{text[(colons + 2)..]}";
        return IsHost(host);
    }

    public static bool IsIPv6(ReadOnlySpan<char> text) =>
        text.Length <= 45 && !text.ContainsAnyExcept(Address) && text.Contains(':')
        && IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6;

    private static bool IsIPv4(ReadOnlySpan<char> text)
    {
        var parts = 0;
        foreach (var part in text.Split('.'))
            if (++parts > 4 || text[part].Length > 3 || !TryNumber(text[part], 255, out _))
                return false;
        return parts == 4;
    }

    /// <summary>Replaces "%" HEX HEX once (RFC 3986 §2.4: never again on the result); the bytes must be UTF-8.</summary>
    public static bool TryUnescape(ReadOnlySpan<char> text, SearchValues<char> plain, out string result)
    {
        result = "";
        if (!text.ContainsAnyExcept(plain))
        {
            result = Vocabulary.Word(text);
            return true;
        }

        var rented = text.Length > 256 ? ArrayPool<byte>.Shared.Rent(text.Length) : null;
        var bytes = rented ?? stackalloc byte[256];
        var ok = TryUnescape(text, plain, bytes, out var length) && TryDecode(bytes[..length], out result);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return ok;
    }

    private static bool TryUnescape(ReadOnlySpan<char> text, SearchValues<char> plain, Span<byte> bytes, out int length)
    {
        length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (plain.Contains(text[i]))
            {
                bytes[length++] = (byte)text[i];
                continue;
            }

            if (text[i] != '%' || i + 2 >= text.Length) return false;
            if (!char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2])) return false;
            bytes[length++] = (byte)(Nibble(text[i + 1]) << 4 | Nibble(text[i + 2]));
            i += 2;
        }

        return true;
    }

    private static int Nibble(char digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private static bool TryDecode(ReadOnlySpan<byte> bytes, out string text)
    {
        text = "";
        if (!System.Text.Unicode.Utf8.IsValid(bytes)) return false;
        text = Encoding.UTF8.GetString(bytes);
        return true;
    }
}
