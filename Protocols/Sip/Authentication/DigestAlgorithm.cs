using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>
/// The hash algorithms of RFC 8760 §2.1, by the names of RFC 7616 §6.1. Left out: the session variants ("-sess"), which SIP never came to use.
/// </summary>
public sealed class DigestAlgorithm
{
    public static readonly DigestAlgorithm Sha256 = new("SHA-256", 32);
    public static readonly DigestAlgorithm Sha512Truncated = new("SHA-512-256", 32);
    public static readonly DigestAlgorithm Md5 = new("MD5", 16);

    private DigestAlgorithm(string name, int length) => (Name, Length) = (name, length);

    /// <summary>The strongest first.</summary>
    public static ImmutableArray<DigestAlgorithm> All { get; } = [Sha512Truncated, Sha256, Md5];

    public string Name { get; }

    /// <summary>Octets of a hash.</summary>
    public int Length { get; }

    /// <summary>RFC 7616 §3.3: no name means MD5; a name is compared without case.</summary>
    public static DigestAlgorithm? Find(string? name) =>
        name is null ? Md5 : All.FirstOrDefault(a => string.Equals(a.Name, name, StringComparison.OrdinalIgnoreCase));

    public override string ToString() => Name;

    internal void Hash(ReadOnlySpan<byte> text, Span<byte> hash)
    {
        if (this == Sha256) SHA256.HashData(text, hash);
        else if (this == Sha512Truncated) HashTruncated(text, hash);
        else if (this == Md5) HashMd5(text, hash);
        else throw new UnreachableException(Name);
    }

    private static void HashTruncated(ReadOnlySpan<byte> text, Span<byte> hash)
    {
        var digest = new Sha512tDigest(256);
        digest.BlockUpdate(text);
        digest.DoFinal(hash);
    }

#pragma warning disable CA5351 // RFC 8760 §2.1 keeps it for the phones that know nothing else; policy may leave it out.
    private static void HashMd5(ReadOnlySpan<byte> text, Span<byte> hash) => MD5.HashData(text, hash);
#pragma warning restore CA5351
}
