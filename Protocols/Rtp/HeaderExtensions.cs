using System.Buffers.Binary;

namespace ConfCluster.Protocols.Rtp;

/// <summary>
/// The local identifiers under which offer and answer agreed on extensions, 1 to 14 each; 0: not agreed.
/// </summary>
/// <param name="AudioLevel">The participant tells the level of what it sends (RFC 6464).</param>
/// <param name="Voice">Its V bit means something (RFC 6464 §4).</param>
/// <param name="MixedLevels">The mixer tells the level of each contributing source (RFC 6465).</param>
public readonly record struct ExtensionIds(byte AudioLevel, bool Voice, byte MixedLevels);

/// <summary>
/// Elements of the one-byte form of header extensions (RFC 8285 §4.2). Left out: the two-byte form, which nobody needs for an element of
/// 16 octets, so identifiers above 14 are never agreed on.
/// </summary>
public static class HeaderExtensions
{
    /// <summary>RFC 8285 §4.2: what the profile field says.</summary>
    public const ushort OneByteForm = 0xBEDE;

    public const byte LastId = 14;

    /// <summary>RFC 8285 §4.2: reserved; whoever meets it stops.</summary>
    private const int Stop = 15;

    /// <summary>Octets of the extension before its first element: profile and length.</summary>
    private const int HeaderLength = 4;

    /// <summary>The element of that identifier in an opened packet; false when it has none, or what is there is cut.</summary>
    public static bool TryFind(in RtpHeader header, ReadOnlySpan<byte> packet, byte id, out ReadOnlySpan<byte> data)
    {
        data = default;
        if (!header.TryExtension(packet, out var profile, out var words) || profile != OneByteForm) return false;
        while (!words.IsEmpty)
        {
            var (element, length) = (words[0] >> 4, (words[0] & 0x0F) + 1);
            if (words[0] == 0)
            {
                words = words[1..];
                continue;
            }

            // RFC 8285 §4.1.2: an identifier of 0 with a length ends it as well.
            if (element is 0 or Stop || words.Length < 1 + length) return false;
            if (element == id)
            {
                data = words.Slice(1, length);
                return true;
            }

            words = words[(1 + length)..];
        }

        return false;
    }

    /// <summary>Octets that an extension with one element takes.</summary>
    public static int LengthOf(int dataLength) => HeaderLength + (1 + dataLength + 3) / 4 * 4;

    /// <summary>Appends an extension with one element to a header of <paramref name="headerLength"/> octets; returns the length of both.</summary>
    /// <param name="data">1 to 16 octets.</param>
    public static int Append(Span<byte> packet, int headerLength, byte id, ReadOnlySpan<byte> data)
    {
        if (id is 0 or > LastId) throw new ArgumentOutOfRangeException(nameof(id), "identifiers are 1 to 14");
        if (data.Length is 0 or > 16) throw new ArgumentException("an element has 1 to 16 octets", nameof(data));
        var all = packet.Slice(headerLength, LengthOf(data.Length));
        all.Clear();
        packet[0] |= 0x10;
        BinaryPrimitives.WriteUInt16BigEndian(all, OneByteForm);
        BinaryPrimitives.WriteUInt16BigEndian(all[2..], (ushort)((all.Length - HeaderLength) / 4));
        all[HeaderLength] = (byte)(id << 4 | data.Length - 1);
        data.CopyTo(all[(HeaderLength + 1)..]);
        return headerLength + all.Length;
    }
}
