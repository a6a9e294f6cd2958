using System.Collections.Immutable;
using System.Security.Cryptography;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Certificates;

/// <summary>How a user without a pre-shared key speaks to a KMS. Owned by whoever made it. The KMS's certificate is read once, not with each message.</summary>
/// <param name="kms">The KMS's certificate, DER: whom the envelope key is for.</param>
public sealed class CertifiedUser(CertifiedKey own, Octets kms)
{
    public CertifiedKey Own => own;

    /// <summary>Of the certificate (RFC 3830 §6.8).</summary>
    internal CertificateHash Hash { get; } = new(HashFunction.Sha256, KmsCertificates.Hash(kms));

    internal PublicRsa Key { get; } = PublicRsa.Of(kms) ?? throw new ArgumentException("not a certificate of an RSA key", nameof(kms));

    public override string ToString() => $"{own}";
}

/// <summary>
/// What is different in REQUEST_INIT_PK and RESOLVE_INIT_PK (RFC 6043 §4.2.1.3, §4.2.3.3): a signature in the place of the MAC, and an envelope key in the
/// place of the pre-shared key. From there on both variants are the same.
/// </summary>
/// <param name="own">The KMS's.</param>
/// <param name="trust">For users.</param>
public sealed class KmsCertificates(CertifiedKey own, CertificateTrust trust)
{
    /// <summary>The payloads behind the policy or ticket, and the signature.</summary>
    internal static MikeyMessage Seal(MikeyMessage open, CertifiedUser user, SecretBytes envelope, SecretWriter random, params ReadOnlySpan<Octets> more)
    {
        var closed = open with
        {
            Payloads = open.Payloads.With(user.Hash, new Pke(EnvelopeCache.None, user.Key.Close(envelope, random))),
        };
        return user.Own.Sign(closed, more);
    }

    /// <summary>RFC 6043 §4.2.1.3: ours first.</summary>
    internal static IEnumerable<MikeyPayload> Chain(CertifiedUser user) => user.Own.Chain.Select(c => new Certificate(CertificateType.X509, c));

    /// <summary>Who signed it, before anything is done for him.</summary>
    internal ExchangeError Check(MikeyMessage init, Identity user, Identity self, DateTimeOffset now)
    {
        if (init.First<Pke>() is null || init.Last is not Signature) return ExchangeError.MissingPayload;
        if (init.First<CertificateHash>() is { } asked && !IsOurs(asked)) return ExchangeError.BadCertificate;
        ImmutableArray<Octets> chain = [.. init.All<Certificate>().Where(c => c.Type is CertificateType.X509 or CertificateType.X509Sign).Select(c => c.Value)];
        if (trust.KeyOf(chain, user, now) is not { } key) return ExchangeError.BadCertificate;
        return key.HasSigned(init, user.Name, self.Name) ? ExchangeError.None : ExchangeError.MacMismatch;
    }

    /// <summary>Of a message that is right. The caller owns it.</summary>
    internal SecretBytes Envelope(MikeyMessage init, int length, SecretWriter random) => own.Open(init.First<Pke>()!.Encrypted, length, random);

    internal static Octets Hash(Octets certificate) => Octets.Own(SHA256.HashData(certificate.Span));

    /// <summary>A KMS with one key may be told of it by a hash that we do not make ourselves (RFC 3830 §6.8); then it counts as said.</summary>
    private bool IsOurs(CertificateHash asked) => asked.Function != HashFunction.Sha256 || asked.Hash == Hash(own.Chain[0]);
}
