using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Wire;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Digests;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>A user of a realm elsewhere, and its password.</summary>
public sealed record DigestCredential(string User, string Realm, SecretBytes Password);

/// <summary>
/// The client's side of digest authentication (RFC 7616 §3.4, RFC 8760 §2.6): SHA-256, SHA-512-256 and MD5, with qop=auth or, for an RFC 2069
/// server, without. The password and what is made of it stay in memory that is zeroed. Left out: -sess algorithms, auth-int, userhash,
/// mutual authentication by rspauth.
/// </summary>
public static class DigestAnswer
{
    private const string Hex = "0123456789abcdef";

    public static bool Knows(string? algorithm) => Find(algorithm) is not null;

    /// <summary>The value of Authorization or Proxy-Authorization.</summary>
    /// <param name="count">How often this nonce has been used, this time included (nc): a server refuses a number that it has seen.</param>
    /// <param name="clientNonce">Random, new for each answer (RFC 7616 §3.4).</param>
    public static string Value(
        DigestChallenge challenge, DigestCredential credential, string method, string uri, uint count, string clientNonce)
    {
        ArgumentNullException.ThrowIfNull(challenge);
        ArgumentNullException.ThrowIfNull(credential);
        var digest = Find(challenge.Algorithm)!;
        var nc = count.ToString("x8", CultureInfo.InvariantCulture);
        var first = Secret(digest, credential, challenge.Realm);
        var second = Text(digest, $"{method}:{uri}");
        var middle = challenge.HasQop ? $":{challenge.Nonce}:{nc}:{clientNonce}:auth:{second}" : $":{challenge.Nonce}:{second}";
        var response = Joined(digest, first, middle);
        CryptographicOperations.ZeroMemory(first);

        var value = new StringBuilder("Digest ")
            .Append(CultureInfo.InvariantCulture, $"username=\"{Quoted(credential.User)}\", realm=\"{Quoted(challenge.Realm)}\", ")
            .Append(CultureInfo.InvariantCulture, $"nonce=\"{Quoted(challenge.Nonce)}\", uri=\"{Quoted(uri)}\", response=\"{response}\"");
        if (challenge.Algorithm is { } algorithm) value.Append(CultureInfo.InvariantCulture, $", algorithm={algorithm}");
        if (challenge.HasQop) value.Append(CultureInfo.InvariantCulture, $", qop=auth, nc={nc}, cnonce=\"{clientNonce}\"");
        if (challenge.Opaque is { } opaque) value.Append(CultureInfo.InvariantCulture, $", opaque=\"{Quoted(opaque)}\"");
        return value.ToString();
    }

    /// <summary>H(user:realm:password) in hex digits, as octets that the caller zeroes.</summary>
    private static byte[] Secret(IDigest digest, DigestCredential credential, string realm)
    {
        Update(digest, Encoding.UTF8.GetBytes($"{credential.User}:{realm}:"));
        digest.BlockUpdate(credential.Password.Reveal());
        Span<byte> hash = stackalloc byte[64];
        hash = hash[..digest.DoFinal(hash)];
        var digits = new byte[2 * hash.Length];
        for (var i = 0; i < hash.Length; i++) (digits[2 * i], digits[2 * i + 1]) = ((byte)Hex[hash[i] >> 4], (byte)Hex[hash[i] & 15]);
        CryptographicOperations.ZeroMemory(hash);
        return digits;
    }

    private static string Joined(IDigest digest, byte[] secret, string rest)
    {
        Update(digest, secret);
        return Text(digest, rest);
    }

    private static string Text(IDigest digest, string text)
    {
        Update(digest, Encoding.UTF8.GetBytes(text));
        Span<byte> hash = stackalloc byte[64];
        return Convert.ToHexStringLower(hash[..digest.DoFinal(hash)]);
    }

    private static void Update(IDigest digest, ReadOnlySpan<byte> bytes) => digest.BlockUpdate(bytes);

    /// <summary>RFC 7616 §3.3, RFC 8760 §2.1; without a name it is MD5.</summary>
    private static IDigest? Find(string? algorithm) => algorithm?.ToUpperInvariant() switch
    {
        null or "MD5" => new MD5Digest(),
        "SHA-256" => new Sha256Digest(),
        "SHA-512-256" => new Sha512tDigest(256),
        _ => null,
    };

    private static string Quoted(string text) =>
        text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}
