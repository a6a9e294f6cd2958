using System.Buffers.Binary;

namespace ConfCluster.Fuzz.Structures;

/// <summary>RTP and RTCP headers: counts and lengths that promise more or less than there is, packets put behind one another.</summary>
public sealed class RtpStructure : IStructure
{
#pragma warning disable CA5394 // chance that can be repeated is the point
    public byte[] Change(byte[] input, Random random)
    {
        if (input.Length < 8) return [.. input, .. new byte[8]];
        var changed = (byte[])input.Clone();
        var packets = Starts(input);
        var at = packets[random.Next(packets.Count)];
        switch (random.Next(7))
        {
            // CC of RTP, RC of RTCP.
            case 0: changed[at] = (byte)(changed[at] & 0xE0 | random.Next(32)); break;
            // Padding and extension.
            case 1: changed[at] ^= (byte)(random.Next(2) == 0 ? 0x20 : 0x10); break;
            case 2: changed[at + 1] = (byte)(random.Next(2) == 0 ? 200 + random.Next(8) : random.Next(256)); break;
            case 3: BinaryPrimitives.WriteUInt16BigEndian(changed.AsSpan(at + 2), (ushort)(random.Next(2) == 0 ? random.Next(16) : random.Next(65536))); break;
            // The last octet counts padding.
            case 4: changed[^1] = (byte)random.Next(256); break;
            case 5: return [.. input, .. input.AsSpan(at)];
            default: return [.. input.AsSpan(at), .. input.AsSpan(0, at)];
        }

        return changed;
    }
#pragma warning restore CA5394

    /// <summary>Where the packets of a compound begin, by their length fields; at least one.</summary>
    private static List<int> Starts(ReadOnlySpan<byte> input)
    {
        var starts = new List<int>();
        for (var at = 0; at + 4 <= input.Length; at += 4 * (BinaryPrimitives.ReadUInt16BigEndian(input[(at + 2)..]) + 1)) starts.Add(at);
        return starts;
    }
}
