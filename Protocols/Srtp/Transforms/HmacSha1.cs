using System.Buffers.Binary;
using System.Security.Cryptography;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>HMAC-SHA1 (RFC 2104 §2) over a packet and the 32-bit word behind it (RFC 3711 §4.2) under one key. Nothing is allocated per packet.</summary>
public abstract class HmacSha1 : IDisposable
{
    /// <summary>Octets of the hash.</summary>
    public const int Length = 20;

    /// <summary>Keeps what SHA-1 makes of the key where the system's compression function can be had, else leaves all of it to the runtime.</summary>
    /// <param name="key">At most 64 octets.</param>
    public static HmacSha1 Keyed(ReadOnlySpan<byte> key) => Sha1Library.IsPresent ? new KeptHmacSha1(key) : new RuntimeHmacSha1(key);

    /// <param name="trailer">Hashed behind the packet, big endian.</param>
    /// <param name="hash">Takes 20 octets.</param>
    public abstract void Compute(ReadOnlySpan<byte> packet, uint trailer, Span<byte> hash);

    public abstract void Dispose();
}

/// <summary>
/// The states of SHA-1 behind the inner and the outer key block (RFC 2104 §4) in pinned memory of ours: a packet costs its own blocks and one more,
/// and no copies of the library's objects.
/// </summary>
internal sealed class KeptHmacSha1 : HmacSha1
{
    private const int Block = 64;

    private readonly SecretBytes _states;

    public KeptHmacSha1(ReadOnlySpan<byte> key)
    {
        if (key.Length > Block) throw new ArgumentException("a key of more than a block would be hashed first, which SRTP never needs", nameof(key));
        Span<byte> padded = stackalloc byte[Block];
        padded.Clear();
        key.CopyTo(padded);
        using var own = SecretBytes.CopyOf(padded);
        CryptographicOperations.ZeroMemory(padded);
        _states = SecretBytes.Create(2 * Length, states =>
        {
            Begin(own, 0x36, states[..Length]);
            Begin(own, 0x5C, states[Length..]);
        });
    }

    public override void Compute(ReadOnlySpan<byte> packet, uint trailer, Span<byte> hash)
    {
        Span<byte> context = stackalloc byte[Sha1Library.ContextLength];
        Span<byte> end = stackalloc byte[2 * Block];
        context.Clear();
        var states = _states.Reveal();
        states[..Length].CopyTo(context);
        var whole = packet.Length & ~(Block - 1);
        if (whole > 0) Sha1Library.Compress(context, packet[..whole]);
        Sha1Library.Compress(context, Ended(packet[whole..], trailer, packet.Length, end));

        var outer = end[..Block];
        Sha1Library.Read(context, outer);
        Finish(outer, Length, Block + Length);
        states[Length..].CopyTo(context);
        Sha1Library.Compress(context, outer);
        Sha1Library.Read(context, hash);
    }

    public override void Dispose() => _states.Dispose();

    private static void Begin(SecretBytes key, byte pad, Span<byte> state)
    {
        Span<byte> block = stackalloc byte[Block];
        Span<byte> context = stackalloc byte[Sha1Library.ContextLength];
        key.Reveal().CopyTo(block);
        foreach (ref var octet in block) octet ^= pad;
        Sha1Library.Begin(context);
        Sha1Library.Compress(context, block);
        context[..Length].CopyTo(state);
        CryptographicOperations.ZeroMemory(context);
        CryptographicOperations.ZeroMemory(block);
    }

    /// <summary>What is left of the message with the trailer and the padding of SHA-1: one block or two.</summary>
    private static Span<byte> Ended(ReadOnlySpan<byte> rest, uint trailer, int length, Span<byte> space)
    {
        var used = rest.Length + sizeof(uint);
        var end = space[..(used + 1 + sizeof(ulong) <= Block ? Block : 2 * Block)];
        rest.CopyTo(end);
        BinaryPrimitives.WriteUInt32BigEndian(end[rest.Length..], trailer);
        Finish(end, used, Block + length + sizeof(uint));
        return end;
    }

    /// <param name="length">Octets of the whole message, the key block included.</param>
    private static void Finish(Span<byte> end, int used, int length)
    {
        end[used] = 0x80;
        end[(used + 1)..].Clear();
        BinaryPrimitives.WriteUInt64BigEndian(end[^sizeof(ulong)..], 8UL * (uint)length);
    }
}

/// <summary>The runtime's own, which copies a context of the library for each packet.</summary>
internal sealed class RuntimeHmacSha1(ReadOnlySpan<byte> key) : HmacSha1
{
    private readonly IncrementalHash _hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA1, key);

    public override void Compute(ReadOnlySpan<byte> packet, uint trailer, Span<byte> hash)
    {
        _hmac.AppendData(packet);
        Span<byte> end = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(end, trailer);
        _hmac.AppendData(end);
        _hmac.GetHashAndReset(hash);
    }

    public override void Dispose() => _hmac.Dispose();
}
