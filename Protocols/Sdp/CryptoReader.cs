using System.Buffers;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Sdp;

/// <summary>
/// Reads the value of a=crypto (RFC 4568 §9.1, §9.2). Keys are decoded from the octets straight into <see cref="SecretBytes"/>; the only
/// text taken is the suite's name.
/// </summary>
internal static class CryptoReader
{
    private const int MaxSuiteLength = 64;
    private const int MaxKeys = 16;

    /// <summary>Octets of the longest base64 key that a suite of ours can have; more is the wrong length anyway.</summary>
    private const int MaxKeyText = 128;

    public static CryptoAttribute Read(ReadOnlySpan<byte> value)
    {
        // RFC 4568 §9.1: 1*9DIGIT; §4.1: no leading zero.
        if (!TryDecimal(Token(ref value), 9, out var tag)) return CryptoAttribute.Unusable(0, "", CryptoError.BadTag);

        var name = Token(ref value);
        if (name.IsEmpty || name.Length > MaxSuiteLength || !IsSuiteName(name)) return CryptoAttribute.Unusable((uint)tag, "", CryptoError.BadSuite);
        var suite = Encoding.ASCII.GetString(name);
        var profile = SrtpProfile.Find(suite);
        if (profile is null) return CryptoAttribute.Unusable((uint)tag, suite, CryptoError.UnsupportedSuite);

        var keys = ImmutableArray.CreateBuilder<MasterKey>(1);
        var error = ReadKeys(Token(ref value), profile, keys);
        var attribute = new CryptoAttribute((uint)tag, profile.Name, profile, keys.ToImmutable());
        if (error == CryptoError.None) error = ReadParameters(value, ref attribute);
        if (error == CryptoError.None) return attribute;

        attribute.Dispose();
        return CryptoAttribute.Unusable((uint)tag, profile.Name, error);
    }

    private static CryptoError ReadKeys(ReadOnlySpan<byte> parameters, SrtpProfile profile, ImmutableArray<MasterKey>.Builder keys)
    {
        if (parameters.IsEmpty) return CryptoError.BadKey;
        while (true)
        {
            var end = parameters.IndexOf((byte)';');
            var error = ReadKey(end < 0 ? parameters : parameters[..end], profile, keys);
            if (error != CryptoError.None) return error;
            if (end < 0) return CryptoError.None;
            parameters = parameters[(end + 1)..];
        }
    }

    private static CryptoError ReadKey(ReadOnlySpan<byte> parameter, SrtpProfile profile, ImmutableArray<MasterKey>.Builder keys)
    {
        // RFC 4568 §6.1: "inline" is the only method; the values are compared without case.
        if (!StartsWith(parameter, "inline:"u8)) return CryptoError.BadKeyMethod;
        if (keys.Count == MaxKeys) return CryptoError.BadKey;
        parameter = parameter["inline:"u8.Length..];

        var bar = parameter.IndexOf((byte)'|');
        var error = ReadLimits(bar < 0 ? default : parameter[bar..], profile, out var lifetime, out var mki);
        if (error != CryptoError.None) return error;
        error = Decode(bar < 0 ? parameter : parameter[..bar], profile.MasterLength, out var secret);
        if (error != CryptoError.None) return error;

        var key = new MasterKey(profile, secret!, mki, lifetime);
        error = Unlike(keys, key);
        if (error == CryptoError.None) keys.Add(key);
        else key.Dispose();
        return error;
    }

    /// <summary>RFC 4568 §6.1: several keys all have MKIs, of one length, and everything about them differs.</summary>
    private static CryptoError Unlike(ImmutableArray<MasterKey>.Builder keys, MasterKey key)
    {
        foreach (var other in keys)
        {
            if (!other.Mki.IsPresent || !key.Mki.IsPresent) return CryptoError.MissingMki;
            if (other.Mki.Length != key.Mki.Length) return CryptoError.MkiLengthsDiffer;
            if (other.Mki == key.Mki) return CryptoError.DuplicateMki;
            if (other.KeyAndSalt.FixedTimeEquals(key.KeyAndSalt)) return CryptoError.DuplicateKey;
        }

        return CryptoError.None;
    }

    /// <summary>RFC 4568 §9.2: ["|" lifetime] ["|" mki], told apart by the colon that only an MKI has.</summary>
    private static CryptoError ReadLimits(ReadOnlySpan<byte> text, SrtpProfile profile, out ulong lifetime, out Mki mki)
    {
        lifetime = profile.DefaultLifetime;
        mki = Mki.None;
        if (text.IsEmpty) return CryptoError.None;
        text = text[1..];
        var bar = text.IndexOf((byte)'|');
        var first = bar < 0 ? text : text[..bar];
        if (first.Contains((byte)':')) return bar < 0 ? ReadMki(first, out mki) : CryptoError.BadMki;
        if (!TryLifetime(first, out lifetime)) return CryptoError.BadLifetime;
        return bar < 0 ? CryptoError.None : ReadMki(text[(bar + 1)..], out mki);
    }

    private static bool TryLifetime(ReadOnlySpan<byte> text, out ulong lifetime)
    {
        if (text.StartsWith("2^"u8))
        {
            lifetime = 0;
            if (!TryDecimal(text[2..], 2, out var exponent) || exponent > 48) return false;
            lifetime = 1UL << (int)exponent;
            return true;
        }

        // RFC 4568 §6.1: positive, no leading zeros, not above the suite's maximum (RFC 3711 §9.2).
        return TryDecimal(text, 15, out lifetime) && lifetime is > 0 and <= MasterKey.MaxLifetime;
    }

    private static CryptoError ReadMki(ReadOnlySpan<byte> text, out Mki mki)
    {
        mki = Mki.None;
        var colon = text.IndexOf((byte)':');
        if (colon < 0 || !TryDecimal(text[..colon], 20, out var value) || value == 0) return CryptoError.BadMki;
        if (!TryDecimal(text[(colon + 1)..], 3, out var length) || length is 0 or > Mki.MaxLength) return CryptoError.BadMki;
        if (length < 8 && value >> (8 * (int)length) != 0) return CryptoError.BadMki;
        mki = new Mki(value, (byte)length);
        return CryptoError.None;
    }

    /// <summary>RFC 4568 §6.1: padding is discarded, so that a key is read with and without it.</summary>
    private static CryptoError Decode(ReadOnlySpan<byte> text, int length, out SecretBytes? secret)
    {
        secret = null;
        text = text.TrimEnd((byte)'=');
        if (text.IsEmpty || text.Length > MaxKeyText || text.Contains((byte)'=')) return CryptoError.BadKey;
        Span<byte> padded = stackalloc byte[MaxKeyText + 4];
        Span<byte> decoded = stackalloc byte[MaxKeyText];
        padded.Fill((byte)'=');
        text.CopyTo(padded);
        var status = Base64.DecodeFromUtf8(padded[..((text.Length + 3) / 4 * 4)], decoded, out _, out var written);
        var error = status != OperationStatus.Done ? CryptoError.BadKey : written != length ? CryptoError.BadKeyLength : CryptoError.None;
        if (error == CryptoError.None) secret = SecretBytes.CopyOf(decoded[..written]);
        CryptographicOperations.ZeroMemory(padded);
        CryptographicOperations.ZeroMemory(decoded);
        return error;
    }

    private static CryptoError ReadParameters(ReadOnlySpan<byte> text, ref CryptoAttribute attribute)
    {
        for (var parameter = Token(ref text); !parameter.IsEmpty; parameter = Token(ref text))
        {
            var error = ReadParameter(parameter, ref attribute);
            if (error != CryptoError.None) return error;
        }

        return CryptoError.None;
    }

    private static CryptoError ReadParameter(ReadOnlySpan<byte> parameter, ref CryptoAttribute attribute)
    {
        ulong number;
        if (Is(parameter, "UNENCRYPTED_SRTP"u8)) attribute = attribute with { Unprotected = attribute.Unprotected | Unprotected.SrtpEncryption };
        else if (Is(parameter, "UNENCRYPTED_SRTCP"u8)) attribute = attribute with { Unprotected = attribute.Unprotected | Unprotected.SrtcpEncryption };
        else if (Is(parameter, "UNAUTHENTICATED_SRTP"u8)) attribute = attribute with { Unprotected = attribute.Unprotected | Unprotected.SrtpAuthentication };
        else if (StartsWith(parameter, "KDR="u8))
        {
            // RFC 4568 §6.3.1: the rate is 2^n with n up to 24; a single derivation is all that we run.
            if (!TryDecimal(parameter[4..], 2, out number) || number > 24) return CryptoError.BadSessionParameter;
            if (number != 0) return CryptoError.UnsupportedKeyDerivationRate;
        }
        else if (StartsWith(parameter, "WSH="u8))
        {
            if (!TryDecimal(parameter[4..], 6, out number) || number < 64) return CryptoError.BadSessionParameter;
            attribute = attribute with { WindowSizeHint = (int)number };
        }
        else if (StartsWith(parameter, "FEC_ORDER="u8))
        {
            // RFC 4568 §6.3.4: about FEC packets, of which we negotiate none.
            if (!Is(parameter[10..], "FEC_SRTP"u8) && !Is(parameter[10..], "SRTP_FEC"u8)) return CryptoError.BadSessionParameter;
        }
        else if (StartsWith(parameter, "FEC_KEY="u8)) return CryptoError.UnsupportedFec;
        // RFC 4568 §6.3.7: an extension may be ignored only when its name begins with "-".
        else if (parameter[0] != (byte)'-' || parameter.Length == 1) return CryptoError.UnknownSessionParameter;
        return CryptoError.None;
    }

    private static ReadOnlySpan<byte> Token(ref ReadOnlySpan<byte> text)
    {
        text = text.TrimStart(" \t"u8);
        var end = text.IndexOfAny((byte)' ', (byte)'\t');
        var token = end < 0 ? text : text[..end];
        text = text[token.Length..];
        return token;
    }

    private static bool TryDecimal(ReadOnlySpan<byte> text, int maxDigits, out ulong number)
    {
        number = 0;
        if (text.IsEmpty || text.Length > maxDigits || (text.Length > 1 && text[0] == (byte)'0')) return false;
        return Utf8Parser.TryParse(text, out number, out var used) && used == text.Length && text[0] != (byte)'+';
    }

    private static bool IsSuiteName(ReadOnlySpan<byte> name)
    {
        foreach (var c in name)
            if (!char.IsAsciiLetterOrDigit((char)c) && c != (byte)'_')
                return false;
        return true;
    }

    private static bool Is(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) => Ascii.EqualsIgnoreCase(text, word);

    private static bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) =>
        text.Length >= word.Length && Ascii.EqualsIgnoreCase(text[..word.Length], word);
}
