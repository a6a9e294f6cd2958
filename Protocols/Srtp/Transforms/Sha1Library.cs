using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>
/// The compression function of SHA-1 in OpenSSL's libcrypto, which the runtime has loaded for its own cryptography: with the processor's SHA
/// instructions, which .NET does not give. The context is OpenSSL's SHA_CTX: five words of state, two of length, a block, a count.
/// </summary>
internal static unsafe class Sha1Library
{
    /// <summary>Octets of a SHA_CTX.</summary>
    public const int ContextLength = 96;

    private const int Words = 5;

    private static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, nuint, int> Update = Find();

    /// <summary>Whether it is there, and does what it should.</summary>
    public static bool IsPresent { get; } = Update is not null && IsRight();

    /// <summary>The state before any block (FIPS 180-4 §5.3.1).</summary>
    public static void Begin(Span<byte> context)
    {
        context.Clear();
        var words = MemoryMarshal.Cast<byte, uint>(context);
        (words[0], words[1], words[2], words[3], words[4]) = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0);
    }

    /// <param name="blocks">Whole ones, so that the library keeps nothing in the context but the state.</param>
    public static void Compress(Span<byte> context, ReadOnlySpan<byte> blocks)
    {
        fixed (byte* to = context, from = blocks) _ = Update(to, from, (nuint)blocks.Length);
    }

    /// <summary>The five words as SHA-1 writes them.</summary>
    public static void Read(ReadOnlySpan<byte> context, Span<byte> hash)
    {
        var words = MemoryMarshal.Cast<byte, uint>(context);
        for (var i = 0; i < Words; i++) BinaryPrimitives.WriteUInt32BigEndian(hash[(4 * i)..], words[i]);
    }

    private static delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, nuint, int> Find()
    {
        if (!OperatingSystem.IsLinux()) return null;
        if (!NativeLibrary.TryLoad("libcrypto.so.3", typeof(Sha1Library).Assembly, DllImportSearchPath.SafeDirectories, out var library)) return null;
        return NativeLibrary.TryGetExport(library, "SHA1_Update", out var function)
            ? (delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, nuint, int>)function
            : null;
    }

    /// <summary>FIPS 180-4: the hash of nothing is the state behind one block of padding.</summary>
    private static bool IsRight()
    {
        // Room behind it, should another library's context be longer.
        Span<byte> context = stackalloc byte[4 * ContextLength];
        Span<byte> block = stackalloc byte[64];
        Span<byte> hash = stackalloc byte[HmacSha1.Length];
        Begin(context);
        block.Clear();
        block[0] = 0x80;
        Compress(context, block);
        Read(context, hash);
        var stayedInside = context[ContextLength..].IndexOfAnyExcept((byte)0) < 0;
        return stayedInside && Convert.ToHexStringLower(hash) == "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    }
}
