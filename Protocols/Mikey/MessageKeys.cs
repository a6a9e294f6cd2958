using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey;

/// <summary>The keys that protect one message or one ticket (RFC 3830 §4.1.4, RFC 6043 §5.1.2, §A.2.1). Owns them.</summary>
public sealed class MessageKeys : IDisposable
{
    /// <summary>RFC 3830 §4.2.3: 112 bits for AES-CM.</summary>
    private const int SaltLength = 14;

    /// <summary>RFC 3830 §4.2.3: the key wrap takes a salt of 64 bits, which are the first of the same derivation.</summary>
    private const int WrapSaltLength = 8;

    private MessageKeys(MikeySuite suite, SecretBytes encryption, SecretBytes authentication, SecretBytes salt) =>
        (Suite, Encryption, Authentication, Salt) = (suite, encryption, authentication, salt);

    public MikeySuite Suite { get; }

    public SecretBytes Encryption { get; }

    public SecretBytes Authentication { get; }

    public SecretBytes Salt { get; }

    public ReadOnlySpan<byte> WrapSalt => Salt.Reveal()[..WrapSaltLength];

    /// <param name="key">PSK, envelope key, MPK or TPK.</param>
    /// <param name="label">One of <see cref="KeyLabel"/>.</param>
    public static MessageKeys Derive(MikeySuite suite, SecretBytes key, Octets label)
    {
        ArgumentNullException.ThrowIfNull(suite);
        return new MessageKeys(
            suite,
            Derive(suite.Prf, key, KeyPurpose.MessageEncryption, label, suite.KeyLength),
            Derive(suite.Prf, key, KeyPurpose.MessageAuthentication, label, Payloads.MacAlgorithms.Length(suite.Mac)),
            Derive(suite.Prf, key, KeyPurpose.MessageSalt, label, SaltLength));
    }

    /// <summary>Those that were derived before, taken over; null: not of the suite's lengths, and then they stay the caller's.</summary>
    public static MessageKeys? Of(MikeySuite suite, SecretBytes encryption, SecretBytes authentication, SecretBytes salt)
    {
        ArgumentNullException.ThrowIfNull(suite);
        ArgumentNullException.ThrowIfNull(encryption);
        ArgumentNullException.ThrowIfNull(authentication);
        ArgumentNullException.ThrowIfNull(salt);
        var fits = encryption.Length == suite.KeyLength && authentication.Length == Payloads.MacAlgorithms.Length(suite.Mac) && salt.Length == SaltLength;
        return fits ? new MessageKeys(suite, encryption, authentication, salt) : null;
    }

    public static SecretBytes Derive(PrfFunction prf, SecretBytes key, KeyPurpose purpose, Octets label, int length) =>
        MikeyPrf.Derive(prf, key, KeyLabel.For(purpose, label).Span, length);

    public MessageKeys Copy() => new(Suite, Encryption.Copy(), Authentication.Copy(), Salt.Copy());

    public void Dispose()
    {
        Encryption.Dispose();
        Authentication.Dispose();
        Salt.Dispose();
    }

    public override string ToString() => $"message keys of {Suite.KeyLength * 8} bits";
}
