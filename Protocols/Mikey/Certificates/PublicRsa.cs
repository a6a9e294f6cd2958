using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Prng;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;

namespace ConfCluster.Protocols.Mikey.Certificates;

/// <summary>The RSA key of a certificate: what others sign with, and what envelope keys are closed with. Whether the certificate is trusted is not said here.</summary>
public sealed class PublicRsa
{
    internal const int MinBits = 2048;

    /// <summary>A signature has 12 bits for its length (RFC 3830 §6.5); more than this only costs.</summary>
    internal const int MaxBits = 8192;

    private static readonly HashAlgorithmName[] Hashes = [HashAlgorithmName.SHA256, HashAlgorithmName.SHA384, HashAlgorithmName.SHA512];

    private readonly RSAParameters _key;

    /// <summary>Its maker looks at the modulus for ten milliseconds.</summary>
    private readonly Lazy<RsaKeyParameters> _engine;

    private PublicRsa(RSAParameters key) => (_key, _engine) = (key, new(() => new(isPrivate: false, new BigInteger(1, key.Modulus), new BigInteger(1, key.Exponent))));

    /// <summary>Null: no certificate, or not of an RSA key that we take.</summary>
    /// <param name="certificate">DER.</param>
    public static PublicRsa? Of(Octets certificate)
    {
        try
        {
            using var read = X509CertificateLoader.LoadCertificate(certificate.Span);
            using var key = read.GetRSAPublicKey();
            return key?.KeySize is >= MinBits and <= MaxBits ? new PublicRsa(key.ExportParameters(includePrivateParameters: false)) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    internal bool IsOf(RSA key) => key.ExportParameters(includePrivateParameters: false).Modulus.AsSpan().SequenceEqual(_key.Modulus);

    /// <summary>RFC 3830 §6.5 leaves the hash to the certificate; the signature names it. SHA-1 is not taken any more.</summary>
    internal bool HasSigned(MikeyMessage message, params ReadOnlySpan<Octets> more)
    {
        if (message.Last is not Signature { Type: SignatureType.RsaPkcs1 or SignatureType.RsaPss } signature) return false;
        var padding = signature.Type == SignatureType.RsaPkcs1 ? RSASignaturePadding.Pkcs1 : RSASignaturePadding.Pss;
        var (text, value) = (MikeyMac.Covered(message, more), signature.Value.Span.ToArray());
        using var key = RSA.Create(_key);
        return Array.Exists(Hashes, hash => key.VerifyData(text, value, hash, padding));
    }

    /// <summary>RSAES-PKCS1-v1_5, which RFC 3830 §4.2.5 makes mandatory; nothing in the message would tell of another padding.</summary>
    internal Octets Close(SecretBytes envelope, SecretWriter random)
    {
        var cipher = new Pkcs1Encoding(new RsaEngine());
        cipher.Init(forEncryption: true, new ParametersWithRandom(_engine.Value, new SecureRandom(new Drawn(random))));
        var clear = envelope.Reveal().ToArray();
        try
        {
            return Octets.Own(cipher.ProcessBlock(clear, 0, clear.Length));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(clear);
        }
    }

    /// <summary>Names of the kind URI in subjectAltName (RFC 5280 §4.2.1.6).</summary>
    internal static IEnumerable<string> UrisOf(X509Certificate2 certificate)
    {
        const string SubjectAltName = "2.5.29.17";
        var found = new List<string>();
        if (certificate.Extensions[SubjectAltName] is not { } extension) return found;
        try
        {
            for (var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence(); names.HasData;)
            {
                var uri = new Asn1Tag(TagClass.ContextSpecific, 6);
                if (names.PeekTag() == uri) found.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, uri));
                else names.ReadEncodedValue();
            }
        }
        catch (AsnContentException)
        {
            found.Clear();
        }

        return found;
    }

    private sealed class Drawn(SecretWriter random) : IRandomGenerator
    {
        public void AddSeedMaterial(byte[] seed)
        {
        }

        public void AddSeedMaterial(ReadOnlySpan<byte> seed)
        {
        }

        public void AddSeedMaterial(long seed)
        {
        }

        public void NextBytes(byte[] bytes) => random(bytes);

        public void NextBytes(byte[] bytes, int start, int len) => random(bytes.AsSpan(start, len));

        public void NextBytes(Span<byte> bytes) => random(bytes);
    }
}
