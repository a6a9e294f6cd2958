using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Keys;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// Tells whether two parties send under the same key without showing it: SHA-256 over a label, the key and its salt (padded to 112 bits, as the derivation
/// does), whatever suite it is for. Of keys that peers made, which may be poor ones: it is neither stored nor printed, and compared in constant time.
/// </summary>
public readonly struct KeyFingerprint(ulong a, ulong b, ulong c, ulong d)
{
    private const int SaltLength = 14;

    private readonly ulong _a = a;
    private readonly ulong _b = b;
    private readonly ulong _c = c;
    private readonly ulong _d = d;

    public static KeyFingerprint Of(MasterKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("confcluster key fingerprint 1\n"u8);
        hash.AppendData(key.KeyAndSalt.Reveal());
        Span<byte> padding = stackalloc byte[SaltLength];
        padding.Clear();
        hash.AppendData(padding[Math.Min(SaltLength, key.RevealSalt().Length)..]);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return new KeyFingerprint(Word(digest, 0), Word(digest, 1), Word(digest, 2), Word(digest, 3));
    }

    /// <summary>As a conference is told it: of no use in another one.</summary>
    public KeyMark MarkIn(string conference)
    {
        ArgumentNullException.ThrowIfNull(conference);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("confcluster key mark 1\n"u8);
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        foreach (var part in Words)
        {
            BinaryPrimitives.WriteUInt64BigEndian(word, part);
            hash.AppendData(word);
        }

        hash.AppendData(Encoding.UTF8.GetBytes(conference));
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return new KeyMark(Word(digest, 0), Word(digest, 1), Word(digest, 2), Word(digest, 3));
    }

    /// <summary>For a message between nodes.</summary>
    public IEnumerable<ulong> Words => [_a, _b, _c, _d];

    public bool FixedTimeEquals(in KeyFingerprint other) => ((_a ^ other._a) | (_b ^ other._b) | (_c ^ other._c) | (_d ^ other._d)) == 0;

    public override string ToString() => "<key fingerprint>";

    private static ulong Word(ReadOnlySpan<byte> digest, int number) => BinaryPrimitives.ReadUInt64BigEndian(digest[(number * sizeof(ulong))..]);
}
