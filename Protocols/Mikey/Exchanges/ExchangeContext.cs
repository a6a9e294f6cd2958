using ConfCluster.Protocols.Mikey.Certificates;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>What a step needs of the world: the clock and a random source.</summary>
/// <param name="Skew">How far the other side's clock may be off.</param>
public sealed record ExchangeContext(DateTimeOffset Now, SecretWriter Random, TimeSpan Skew)
{
    internal Octets Rand(int length)
    {
        var octets = new byte[length];
        Random(octets);
        return Octets.Own(octets);
    }

    internal uint CsbId() => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(Rand(4).Span);

    internal bool IsFresh(MikeyTime time) => time.ToTime() is { } at && (at - Now).Duration() <= Skew;
}

/// <summary>Who one is to the KMS: identity, pre-shared key and its name; or a certificate. Owned by whoever made it.</summary>
/// <param name="Kms">The KMS's identity.</param>
/// <param name="Psk">Null only with <see cref="Certified"/>.</param>
/// <param name="PskName">IDRpsk; null leaves it out.</param>
public sealed record KmsCredential(Identity Self, Identity Kms, SecretBytes? Psk, Octets? PskName)
{
    /// <summary>Null: the pre-shared key is what proves it.</summary>
    public CertifiedUser? Certified { get; init; }
}
