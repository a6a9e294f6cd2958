using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>
/// The computation of RFC 7616 §3.4.1 to §3.4.3 for qop "auth", and without qop as RFC 2617 §3.2.2.1 has it. Left out: auth-int.
/// </summary>
public static class DigestComputation
{
    /// <summary>H(A1) in lower-case hex, as it enters the response; the caller owns it. The password's bytes are UTF-8 (RFC 7616 §4).</summary>
    public static SecretBytes Secret(DigestAlgorithm algorithm, string user, string realm, SecretBytes password)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        ArgumentNullException.ThrowIfNull(password);
        var head = Encoding.UTF8.GetBytes($"{user}:{realm}:");
        using var text = SecretBytes.Create(head.Length + password.Length, bytes =>
        {
            head.CopyTo(bytes);
            password.Reveal().CopyTo(bytes[head.Length..]);
        });
        return SecretBytes.Create(2 * algorithm.Length, hex =>
        {
            Span<byte> hash = stackalloc byte[algorithm.Length];
            algorithm.Hash(text.Reveal(), hash);
            _ = Convert.TryToHexStringLower(hash, hex, out _);
            CryptographicOperations.ZeroMemory(hash);
        });
    }

    /// <summary>The "response" of a request; the nonce count and cnonce are null when there is no qop.</summary>
    public static string Response(DigestAlgorithm algorithm, SecretBytes secret, string method, CredentialFields credentials)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        ArgumentNullException.ThrowIfNull(secret);
        ArgumentNullException.ThrowIfNull(credentials);
        var request = Hex(algorithm, Encoding.UTF8.GetBytes($"{method}:{credentials.Uri}"));
        var tail = Encoding.UTF8.GetBytes(credentials.Qop is null
            ? $":{credentials.Nonce}:{request}"
            : $":{credentials.Nonce}:{credentials.NonceCount}:{credentials.ClientNonce}:{credentials.Qop}:{request}");
        using var text = SecretBytes.Create(secret.Length + tail.Length, bytes =>
        {
            secret.Reveal().CopyTo(bytes);
            tail.CopyTo(bytes[secret.Length..]);
        });
        return Hex(algorithm, text.Reveal());
    }

    /// <summary>In constant time: how much of a guess was right cannot be measured.</summary>
    public static bool IsRight(DigestAlgorithm algorithm, SecretBytes secret, string method, CredentialFields credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        var expected = Encoding.ASCII.GetBytes(Response(algorithm, secret, method, credentials));
        return CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(credentials.Response));
    }

    private static string Hex(DigestAlgorithm algorithm, ReadOnlySpan<byte> text)
    {
        Span<byte> hash = stackalloc byte[algorithm.Length];
        algorithm.Hash(text, hash);
        return Convert.ToHexStringLower(hash);
    }
}
