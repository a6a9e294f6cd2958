using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>
/// AES-GCM with nonces of 12 and tags of 16 octets, as RFC 7714 §8 uses it (NIST SP 800-38D). On x86 it is made of the CPU's instructions,
/// because a packet of telephony is shorter than the way into a library; elsewhere see <see cref="PortableGcm"/>.
/// </summary>
public abstract class GcmCipher : IDisposable
{
    public const int TagLength = 16;

    public static GcmCipher Keyed(ReadOnlySpan<byte> key) =>
        System.Runtime.Intrinsics.X86.Aes.IsSupported && Pclmulqdq.IsSupported && Ssse3.IsSupported ? new UnitGcm(key) : new PortableGcm(key);

    /// <summary>Encrypts in place and writes the tag.</summary>
    public abstract void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> text, Span<byte> tag);

    /// <summary>Checks the tag in constant time, then decrypts in place; false leaves the text as it was.</summary>
    public abstract bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> text, ReadOnlySpan<byte> tag);

    public abstract void Dispose();
}

/// <summary>The platform's library. It clears what it does not open, so the text is opened into a buffer of its own.</summary>
internal sealed class PortableGcm : GcmCipher
{
    private readonly AesGcm _cipher;

    public PortableGcm(ReadOnlySpan<byte> key) => _cipher = new AesGcm(key, TagLength);

    public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> text, Span<byte> tag) =>
        _cipher.Encrypt(nonce, text, text, tag, associated);

    public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> text, ReadOnlySpan<byte> tag)
    {
        Span<byte> opened = stackalloc byte[SrtpOverhead.MaxPacket];
        opened = opened[..text.Length];
        try
        {
            _cipher.Decrypt(nonce, text, tag, opened, associated);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        opened.CopyTo(text);
        CryptographicOperations.ZeroMemory(opened);
        return true;
    }

    public override void Dispose() => _cipher.Dispose();
}
