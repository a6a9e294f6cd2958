using System.Security.Cryptography;
using ConfCluster.Protocols.Wire;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace ConfCluster.Protocols.Audit;

/// <summary>
/// Signs heads with Ed25519 (RFC 8032 §5.1), which needs no randomness to sign. The seed is the caller's; it is seen in the clear for the
/// length of one signature.
/// </summary>
public static class AuditKey
{
    public const int SeedLength = 32;

    public static AuditPublicKey PublicOf(SecretBytes seed) => WithSeed(seed, clear =>
    {
        var point = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(clear, 0, point, 0);
        return new AuditPublicKey(Convert.ToHexStringLower(point));
    });

    public static AuditHead Sign(SecretBytes seed, AuditChain chain, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(chain);
        var head = new AuditHead(chain.Conference, chain.Number, chain.Hash, KeyChangeRecord.Text(at), "");
        return WithSeed(seed, clear =>
        {
            var (text, signature) = (head.SignedBytes(), new byte[Ed25519.SignatureSize]);
            Ed25519.Sign(clear, 0, text, 0, text.Length, signature, 0);
            return head with { Signature = Convert.ToHexStringLower(signature) };
        });
    }

    private static T WithSeed<T>(SecretBytes seed, Func<byte[], T> use)
    {
        ArgumentNullException.ThrowIfNull(seed);
        if (seed.Length != SeedLength) throw new ArgumentException("an Ed25519 seed has 32 octets", nameof(seed));
        var clear = GC.AllocateArray<byte>(SeedLength, pinned: true);
        try
        {
            seed.Reveal().CopyTo(clear);
            return use(clear);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(clear);
        }
    }
}

/// <param name="Hex">The 32 octets of RFC 8032 §5.1.5.</param>
public sealed record AuditPublicKey(string Hex)
{
    /// <summary>Has signed nothing.</summary>
    public static readonly AuditPublicKey None = new("");

    /// <summary>Before the key in its SubjectPublicKeyInfo (RFC 8410 §4).</summary>
    private static readonly byte[] Prefix = Convert.FromHexString("302a300506032b6570032100");

    public string Pem() => PemEncoding.WriteString("PUBLIC KEY", [.. Prefix, .. Convert.FromHexString(Hex)]) + "\n";

    public static bool TryRead(string pem, out AuditPublicKey? key)
    {
        key = null;
        if (!PemEncoding.TryFind(pem, out var fields) || pem[fields.Label] != "PUBLIC KEY") return false;
        var der = Convert.FromBase64String(pem[fields.Base64Data]);
        if (der.Length != Prefix.Length + Ed25519.PublicKeySize || !der.AsSpan().StartsWith(Prefix)) return false;
        key = new AuditPublicKey(Convert.ToHexStringLower(der.AsSpan(Prefix.Length)));
        return true;
    }

    public bool HasSigned(AuditHead head)
    {
        ArgumentNullException.ThrowIfNull(head);
        var signature = new byte[Ed25519.SignatureSize];
        if (Hex.Length != 2 * Ed25519.PublicKeySize || head.Signature.Length != 2 * signature.Length) return false;
        if (Convert.FromHexString(head.Signature, signature, out _, out _) != System.Buffers.OperationStatus.Done) return false;
        var text = head.SignedBytes();
        return Ed25519.Verify(signature, 0, Convert.FromHexString(Hex), 0, text, 0, text.Length);
    }
}
