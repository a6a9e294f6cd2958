using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>What a nonce turned out to be.</summary>
public enum NonceState : byte
{
    /// <summary>Not made with our key for this realm.</summary>
    Foreign,

    /// <summary>Ours, and too old.</summary>
    Expired,

    Fresh,
}

/// <summary>When a nonce was made and what tells it from others of that moment.</summary>
public readonly record struct NonceStamp(long Milliseconds, ulong Salt);

/// <summary>
/// Server nonces that nobody keeps (RFC 7616 §3.3, §5.4): time, randomness and a code over both and the realm under the cluster's key, so
/// every node that holds the key can check every nonce.
/// </summary>
public sealed class NonceMint(SecretBytes key, TimeSpan lifetime)
{
    private const int StampLength = 16;
    private const int CodeLength = 16;

    private readonly SecretBytes _key = key.Copy();

    public TimeSpan Lifetime => lifetime;

    public string Make(string realm, DateTimeOffset now, SecretWriter random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> nonce = stackalloc byte[StampLength + CodeLength];
        BinaryPrimitives.WriteInt64BigEndian(nonce, now.ToUnixTimeMilliseconds());
        random(nonce[8..StampLength]);
        Code(nonce[..StampLength], realm, nonce[StampLength..]);
        return Base64Url.EncodeToString(nonce);
    }

    public NonceState Check(string nonce, string realm, DateTimeOffset now, out NonceStamp stamp)
    {
        stamp = default;
        Span<byte> bytes = stackalloc byte[StampLength + CodeLength];
        Span<byte> code = stackalloc byte[CodeLength];
        if (nonce is null || nonce.Length != Base64Url.GetEncodedLength(bytes.Length)) return NonceState.Foreign;
        // Decoding throws on what is no base64url, which anybody may send.
        if (!Base64Url.IsValid(nonce) || !Base64Url.TryDecodeFromChars(nonce, bytes, out var length) || length != bytes.Length) return NonceState.Foreign;
        Code(bytes[..StampLength], realm, code);
        if (!CryptographicOperations.FixedTimeEquals(code, bytes[StampLength..])) return NonceState.Foreign;
        stamp = new NonceStamp(BinaryPrimitives.ReadInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
        // The clocks of two nodes may differ, but not by a lifetime.
        var age = now - DateTimeOffset.FromUnixTimeMilliseconds(stamp.Milliseconds);
        return age.Duration() <= lifetime ? NonceState.Fresh : NonceState.Expired;
    }

    /// <summary>Zeroes the key; nothing can be made or checked any more.</summary>
    public void Destroy() => _key.Dispose();

    private void Code(ReadOnlySpan<byte> stamp, string realm, Span<byte> code)
    {
        Span<byte> full = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key.Reveal(), [.. "digest nonce"u8, .. stamp, .. Encoding.UTF8.GetBytes(realm)], full);
        full[..code.Length].CopyTo(code);
    }
}
