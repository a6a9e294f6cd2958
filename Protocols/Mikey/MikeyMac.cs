using System.Security.Cryptography;
using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey;

/// <summary>
/// The MACs of whole messages (RFC 3830 §5.2, RFC 6043 §5.5): all of the message but the MAC field, then <c>more</c>: identities behind
/// an initial message, the initial message behind its response.
/// </summary>
public static class MikeyMac
{
    /// <summary>Adds the V payload that ends the message.</summary>
    public static MikeyMessage Seal(MikeyMessage message, MessageKeys keys, params ReadOnlySpan<Octets> more)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(keys);
        var algorithm = keys.Suite.Mac;
        var open = message with { Payloads = message.Payloads.With(new Verification(algorithm, Octets.Zero(algorithm.Length()))) };
        return open.WithLast(new Verification(algorithm, Compute(open, keys, more)));
    }

    /// <summary>Puts the MAC into the KEMAC that ends a pre-shared key message (RFC 3830 §3.1).</summary>
    public static MikeyMessage SealKemac(MikeyMessage message, MessageKeys keys)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(keys);
        var kemac = (Kemac)message.Last!;
        var algorithm = keys.Suite.Mac;
        var open = message.WithLast(kemac with { MacAlgorithm = algorithm, Mac = Octets.Zero(algorithm.Length()) });
        return open.WithLast(kemac with { MacAlgorithm = algorithm, Mac = Compute(open, keys, []) });
    }

    /// <summary>True when the message ends with a MAC of this suite that is right.</summary>
    public static bool IsRight(MikeyMessage message, MessageKeys keys, params ReadOnlySpan<Octets> more)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(keys);
        var (algorithm, mac) = message.Last switch
        {
            Verification v => (v.Algorithm, v.Mac),
            Kemac kemac => (kemac.MacAlgorithm, kemac.Mac),
            _ => (MacAlgorithm.None, Octets.Empty),
        };

        // No MAC at all is never right: that would be up to the sender.
        return algorithm == keys.Suite.Mac && CryptographicOperations.FixedTimeEquals(Compute(message, keys, more).Span, mac.Span);
    }

    /// <summary>A MAC over octets that are no message of their own.</summary>
    internal static Octets Compute(MacAlgorithm algorithm, ReadOnlySpan<byte> key, ReadOnlySpan<byte> text)
    {
#pragma warning disable CA5350 // the MAC of RFC 3830 §4.2.4
        return algorithm switch
        {
            MacAlgorithm.HmacSha1 => Octets.Own(HMACSHA1.HashData(key, text)),
            MacAlgorithm.HmacSha256 => Octets.Own(HMACSHA256.HashData(key, text)),
            _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "no MAC"),
        };
#pragma warning restore CA5350
    }

    /// <summary>What a MAC or a signature is made over.</summary>
    internal static byte[] Covered(MikeyMessage message, ReadOnlySpan<Octets> more)
    {
        var covered = MikeyWriter.Covered(message);
        var input = new OctetWriter();
        input.Raw(covered.Written[..^MikeyWriter.ProofLength(message)]);
        foreach (var octets in more) input.Raw(octets.Span);
        return input.Written.ToArray();
    }

    private static Octets Compute(MikeyMessage message, MessageKeys keys, ReadOnlySpan<Octets> more) =>
        Compute(keys.Suite.Mac, keys.Authentication.Reveal(), Covered(message, more));
}
