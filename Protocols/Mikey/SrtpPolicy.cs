using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey;

/// <summary>RFC 3830 §6.10.1 and RFC 7714 §14.3.</summary>
public enum SrtpEncryption : byte
{
    None = 0,
    AesCm = 1,
    AesF8 = 2,
    AesGcm = 6,
}

/// <summary>RFC 3830 §6.10.1.</summary>
public enum SrtpAuthentication : byte
{
    None = 0,
    HmacSha1 = 1,
}

/// <summary>
/// What a security policy says about an SRTP stream (RFC 3830 §6.10.1, RFC 7714 §15). Lengths in octets. Not taken: a key derivation rate
/// other than 0 (the RFC does not say whether the number is the rate or its logarithm), FEC, prefixes and the parameters of RFC 4771.
/// </summary>
/// <param name="KeyLength">Of the session encryption key, and then of the master key too.</param>
/// <param name="TagLength">Of the SRTP tag.</param>
public sealed record SrtpPolicy(SrtpEncryption Encryption, int KeyLength, int SaltLength, SrtpAuthentication Authentication, int TagLength)
{
    private const int SaltOfGcm = 12;
    private const int GcmTag = 16;

    public static readonly SrtpPolicy AesCm128Tag80 = new(SrtpEncryption.AesCm, 16, 14, SrtpAuthentication.HmacSha1, 10);
    public static readonly SrtpPolicy AesCm128Tag32 = AesCm128Tag80 with { TagLength = 4 };
    public static readonly SrtpPolicy AesCm256Tag80 = AesCm128Tag80 with { KeyLength = 32 };
    public static readonly SrtpPolicy AeadAes128Gcm = new(SrtpEncryption.AesGcm, 16, SaltOfGcm, SrtpAuthentication.None, GcmTag);
    public static readonly SrtpPolicy AeadAes256Gcm = AeadAes128Gcm with { KeyLength = 32 };

    public SecurityPolicy ToPayload(byte number)
    {
        var isGcm = Encryption == SrtpEncryption.AesGcm;
        PolicyParameter[] parameters = isGcm
            ? [Of(0, (byte)Encryption), Of(1, KeyLength), Of(4, SaltLength), Of(5, 0), Of(6, 0), Of(7, 1), Of(8, 1), Of(20, TagLength)]
            :
            [
                Of(0, (byte)Encryption), Of(1, KeyLength), Of(2, (byte)Authentication), Of(3, 20), Of(4, SaltLength), Of(5, 0), Of(6, 0), Of(7, 1),
                Of(8, 1), Of(10, 1), Of(11, TagLength),
            ];
        return new SecurityPolicy(number, ProtocolType.Srtp, new([.. parameters]));
    }

    /// <summary>Null: a policy that we cannot keep, or that contradicts itself.</summary>
    public static SrtpPolicy? Of(SecurityPolicy payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        if (payload.Protocol != ProtocolType.Srtp) return null;
        var values = new Dictionary<byte, byte>();
        foreach (var parameter in payload.Parameters.Items)
        {
            // RFC 3830 §6.10.1: all of them are numbers of one octet here; said twice is a contradiction in waiting.
            if (parameter.Value.Length != 1 || !values.TryAdd(parameter.Type, parameter.Value.Span[0])) return null;
        }

        int Value(byte type, int without) => values.TryGetValue(type, out var value) ? value : without;
        if (values.Keys.Any(t => t is > 12 and not 20)) return null;
        var encryption = (SrtpEncryption)Value(0, (int)SrtpEncryption.AesCm);
        var keyLength = Value(1, 16);

        // A stream in clear or without a tag is none of ours (RFC 3711 §9.5 warns of it).
        if (Value(5, 0) != 0 || Value(6, 0) != 0 || Value(7, 1) != 1 || Value(8, 1) != 1 || Value(9, 0) != 0 || Value(12, 0) != 0) return null;
        if (keyLength is not (16 or 32)) return null;
        return encryption switch
        {
            SrtpEncryption.AesCm when Value(2, 1) == 1 && Value(3, 20) == 20 && Value(4, 14) == 14 && Value(10, 1) == 1
                && Value(11, 10) is var tag and (4 or 10) && !values.ContainsKey(20) =>
                new SrtpPolicy(encryption, keyLength, 14, SrtpAuthentication.HmacSha1, tag),

            // RFC 7714 §15: the tag has 16 octets; parameters of another authentication have no place beside it.
            SrtpEncryption.AesGcm when Value(20, GcmTag) == GcmTag && Value(4, SaltOfGcm) == SaltOfGcm && Value(2, 0) == 0 =>
                new SrtpPolicy(encryption, keyLength, SaltOfGcm, SrtpAuthentication.None, GcmTag),
            _ => null,
        };
    }

    private static PolicyParameter Of(byte type, int value) => new(type, Octets.CopyOf([(byte)value]));
}
