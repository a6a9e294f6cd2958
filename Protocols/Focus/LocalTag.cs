using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// The local tag of a dialog (RFC 3261 §19.3), which is also the participant's id: <c>r ‖ m</c>, 64 bits each in hex. r is a keyed hash
/// of what every copy of an INVITE, its CANCEL and its ACK have in common, or random for a dialog of ours; m proves that the tag is ours
/// and belongs to this Call-ID. So any node finds the participant without a table, and a forged tag wakes nobody.
/// </summary>
public sealed class LocalTag : IDisposable
{
    private const int HalfBytes = 8;
    private const int HalfDigits = 2 * HalfBytes;
    private const int Length = 2 * HalfDigits;

    // Different first octets keep the two hashes of one key apart.
    private static readonly byte[] RDomain = "R confcluster local tag 1"u8.ToArray();
    private static readonly byte[] MDomain = "M confcluster local tag 1"u8.ToArray();

    /// <summary>In place of a Call-ID, which can have no space: so no tag of a dialog passes for a Call-ID of ours.</summary>
    private const string OurCalls = "our calls";

    private readonly SecretBytes _key;

    /// <summary>Keeps a copy of the cluster key, which is the same on every node.</summary>
    public LocalTag(SecretBytes clusterKey)
    {
        ArgumentNullException.ThrowIfNull(clusterKey);
        if (clusterKey.Length < 16) throw new ArgumentException("The cluster key needs 16 octets or more.", nameof(clusterKey));
        _key = clusterKey.Copy();
    }

    /// <summary>For a dialog that we receive; <paramref name="fromTag"/> is null for an RFC 2543 peer without one.</summary>
    public ParticipantId ForIncoming(string callId, string? fromTag, uint sequence)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(number, sequence);
        Span<byte> r = stackalloc byte[HalfBytes];
        Hash(RDomain, Encoding.UTF8.GetBytes(callId), Encoding.UTF8.GetBytes(fromTag ?? ""), number, r);
        return Compose(r, callId);
    }

    /// <summary>For a dialog that we start: eight random octets from the shell.</summary>
    public ParticipantId ForOutgoing(ReadOnlySpan<byte> random, string callId)
    {
        if (random.Length != HalfBytes) throw new ArgumentException("r has 64 bits.", nameof(random));
        return Compose(random, callId);
    }

    /// <summary>Whether we made this tag for this Call-ID, in a time that tells nothing about the right one.</summary>
    public bool IsOurs(string tag, string callId)
    {
        ArgumentNullException.ThrowIfNull(tag);
        if (tag.Length != Length) return false;
        Span<byte> r = stackalloc byte[HalfBytes];
        if (Convert.FromHexString(tag.AsSpan(0, HalfDigits), r, out _, out _) != System.Buffers.OperationStatus.Done) return false;
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(tag), Encoding.UTF8.GetBytes(Compose(r, callId).Value));
    }

    /// <summary>A Call-ID for a dialog that we start (RFC 3261 §8.1.1.4), which every node knows again: eight random octets from the shell.</summary>
    public string NewCallId(ReadOnlySpan<byte> random) => ForOutgoing(random, OurCalls).Value;

    public bool IsOurCallId(string callId) => IsOurs(callId, OurCalls);

    /// <summary>A key for another purpose; the caller owns it.</summary>
    public SecretBytes Derive(string purpose) => SecretBytes.Create(
        HMACSHA256.HashSizeInBytes, key => HMACSHA256.HashData(_key.Reveal(), Encoding.UTF8.GetBytes($"D confcluster {purpose}"), key));

    public void Dispose() => _key.Dispose();

    private ParticipantId Compose(ReadOnlySpan<byte> r, string callId)
    {
        Span<byte> m = stackalloc byte[HalfBytes];
        Hash(MDomain, r, Encoding.UTF8.GetBytes(callId), [], m);
        return new ParticipantId(Convert.ToHexStringLower(r) + Convert.ToHexStringLower(m));
    }

    /// <summary>Each part goes in with its length before it, so that no two lists of parts are one text.</summary>
    private void Hash(ReadOnlySpan<byte> domain, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third, Span<byte> destination)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key.Reveal());
        Append(hmac, domain);
        Append(hmac, first);
        Append(hmac, second);
        Append(hmac, third);
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        hmac.GetHashAndReset(whole);
        whole[..destination.Length].CopyTo(destination);
    }

    private static void Append(IncrementalHash hmac, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
        hmac.AppendData(length);
        hmac.AppendData(part);
    }
}
