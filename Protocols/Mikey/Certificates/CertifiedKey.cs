using System.Collections.Immutable;
using System.Security.Cryptography;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Certificates;

/// <summary>
/// A private RSA key with its certificates: it signs messages (RFC 3830 §4.2.6) and opens envelope keys (RFC 3830 §6.3). Owns the key, which its provider
/// zeroes.
/// </summary>
public sealed class CertifiedKey : IDisposable
{
    private readonly RSA _key;

    private CertifiedKey(RSA key, ImmutableArray<Octets> chain) => (_key, Chain) = (key, chain);

    /// <summary>DER, our own first; each certifies the one before it (RFC 6043 §4.2.1.3).</summary>
    public ImmutableArray<Octets> Chain { get; }

    /// <summary>Null, with a sentence: no RSA key of 2048 bits or more, or a certificate of another key.</summary>
    /// <param name="key">Taken over, or disposed.</param>
    public static CertifiedKey? Of(RSA key, ImmutableArray<Octets> chain, out string problem)
    {
        ArgumentNullException.ThrowIfNull(key);
        problem = key.KeySize is < PublicRsa.MinBits or > PublicRsa.MaxBits ? $"the RSA key has not {PublicRsa.MinBits} to {PublicRsa.MaxBits} bits"
            : chain.IsEmpty || PublicRsa.Of(chain[0]) is not { } certified ? "there is no certificate of an RSA key"
            : !certified.IsOf(key) ? "the certificate is of another key"
            : "";
        if (problem.Length == 0) return new CertifiedKey(key, chain);
        key.Dispose();
        return null;
    }

    /// <summary>Adds the SIGN payload that ends the message; <paramref name="more"/> as for a MAC (RFC 6043 §5.5).</summary>
    internal MikeyMessage Sign(MikeyMessage message, params ReadOnlySpan<Octets> more)
    {
        var open = message with { Payloads = message.Payloads.With(new Signature(SignatureType.RsaPkcs1, Octets.Zero(_key.KeySize / 8))) };
        var value = _key.SignData(MikeyMac.Covered(open, more), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return open.WithLast(new Signature(SignatureType.RsaPkcs1, Octets.Own(value)));
    }

    /// <summary>
    /// The envelope key. What is none gives a key that nobody has, so that nothing tells the sender why no answer can be opened (RFC 8017 §7.2.2: the
    /// padding of PKCS #1 1.5 must not be an oracle).
    /// </summary>
    internal SecretBytes Open(Octets encrypted, int length, SecretWriter random)
    {
        var nobodys = SecretBytes.Create(length, random);
        var clear = Array.Empty<byte>();
        try
        {
            clear = _key.Decrypt(encrypted.Span, RSAEncryptionPadding.Pkcs1);
            if (clear.Length < length) return nobodys;
            nobodys.Dispose();
            return SecretBytes.CopyOf(clear);
        }
        catch (CryptographicException)
        {
            return nobodys;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(clear);
        }
    }

    public void Dispose() => _key.Dispose();

    public override string ToString() => $"<a key with {Chain.Length} certificates>";
}
