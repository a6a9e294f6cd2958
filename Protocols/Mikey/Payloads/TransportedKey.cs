using System.Buffers.Binary;
using System.Collections.Immutable;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 3830 §6.13 and RFC 6043 §6.2.1.</summary>
public enum KeyType : byte
{
    Tgk = 0,
    TgkWithSalt = 1,
    Tek = 2,
    TekWithSalt = 3,
    Gtgk = 4,
    GtgkWithSalt = 5,
    Mpk = 6,
}

public static class KeyTypes
{
    public static bool HasSalt(this KeyType type) => type is KeyType.TgkWithSalt or KeyType.TekWithSalt or KeyType.GtgkWithSalt;

    /// <summary>TEKs are used as they are; TGKs and GTGKs are what TEKs are derived from.</summary>
    public static bool IsTek(this KeyType type) => type is KeyType.Tek or KeyType.TekWithSalt;

    /// <summary>RFC 6043 §5.1.1: a TGK in a ticket is forked, a GTGK and a TEK never.</summary>
    public static bool IsForked(this KeyType type) => type is KeyType.Tgk or KeyType.TgkWithSalt;
}

/// <summary>The key data sub-payload (RFC 3830 §6.13), which only ever stands inside KEMAC. Owns its key and salt.</summary>
public sealed class TransportedKey(KeyType type, SecretBytes key, SecretBytes? salt, KeyValidity validity) : IDisposable
{
    private const int FixedLength = 4;

    public KeyType Type { get; } = type;

    public SecretBytes Key { get; } = key;

    public SecretBytes? Salt { get; } = salt;

    public KeyValidity Validity { get; } = validity;

    /// <summary>Empty when the key has none; RFC 6043 §6.2.1 wants one for every key.</summary>
    public Octets Spi => Validity is KeyValidity.Named named ? named.Spi : Octets.Empty;

    public TransportedKey Copy() => new(Type, Key.Copy(), Salt?.Copy(), Validity);

    public void Dispose()
    {
        Key.Dispose();
        Salt?.Dispose();
    }

    public override string ToString() => $"{Type} {Key}{(Salt is null ? "" : $" salt {Salt}")} {Validity}";

    /// <summary>A chain of sub-payloads that fills the span.</summary>
    internal static MikeyError ReadChain(ReadOnlySpan<byte> chain, out ImmutableArray<TransportedKey> keys)
    {
        var reader = new OctetReader(chain);
        var found = ImmutableArray.CreateBuilder<TransportedKey>();
        var error = chain.IsEmpty ? MikeyError.None : ReadAll(ref reader, found);
        if (error == MikeyError.None)
        {
            keys = found.ToImmutable();
            return MikeyError.None;
        }

        foreach (var key in found) key.Dispose();
        keys = [];
        return error;
    }

    internal static SecretBytes WriteChain(ImmutableArray<TransportedKey> keys) => SecretBytes.Create(keys.Sum(k => k.WireLength), span =>
    {
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i].Write(span, i + 1 == keys.Length ? PayloadType.Last : PayloadType.KeyData);
            span = span[keys[i].WireLength..];
        }
    });

    private static MikeyError ReadAll(ref OctetReader reader, ImmutableArray<TransportedKey>.Builder found)
    {
        for (var next = PayloadType.KeyData; next != PayloadType.Last;)
        {
            if (next != PayloadType.KeyData) return MikeyError.MisplacedPayload;
            if (found.Count == MikeyReader.MaxPayloads) return MikeyError.TooManyPayloads;
            if (!reader.TryByte(out var after) || !reader.TryByte(out var kinds) || !reader.TryWord(out var length)
                || !reader.Try(length, out var key)) return MikeyError.Truncated;
            var type = (KeyType)(kinds >> 4);
            if (type > KeyType.Mpk) return MikeyError.BadKey;
            ReadOnlySpan<byte> salt = default;
            if (type.HasSalt() && (!reader.TryWord(out var saltLength) || !reader.Try(saltLength, out salt))) return MikeyError.Truncated;
            var error = KeyValidity.Read(ref reader, (byte)(kinds & 0x0F), out var validity);
            if (error != MikeyError.None) return error;
            found.Add(new TransportedKey(type, SecretBytes.CopyOf(key), type.HasSalt() ? SecretBytes.CopyOf(salt) : null, validity!));
            next = (PayloadType)after;
        }

        return reader.Left == 0 ? MikeyError.None : MikeyError.TrailingOctets;
    }

    private int WireLength => FixedLength + Key.Length + (Salt is null ? 0 : 2 + Salt.Length) + Validity.Length;

    private void Write(Span<byte> span, PayloadType next)
    {
        if (Type.HasSalt() != Salt is not null) throw new InvalidOperationException($"{Type} with{(Salt is null ? "out" : "")} a salt");
        span[0] = (byte)next;
        span[1] = (byte)((byte)Type << 4 | Validity.Kind);
        BinaryPrimitives.WriteUInt16BigEndian(span[2..], checked((ushort)Key.Length));
        Key.Reveal().CopyTo(span[FixedLength..]);
        span = span[(FixedLength + Key.Length)..];
        if (Salt is not null)
        {
            BinaryPrimitives.WriteUInt16BigEndian(span, checked((ushort)Salt.Length));
            Salt.Reveal().CopyTo(span[2..]);
            span = span[(2 + Salt.Length)..];
        }

        var writer = new OctetWriter();
        Validity.Write(writer);
        writer.Written.CopyTo(span);
    }
}
