using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ConfCluster.Protocols.Sip.Admission;

/// <summary>
/// Whom a limit counts: an IPv4 address, or the 64 bits of an IPv6 address that name a network, since whoever has one address of it has
/// them all (RFC 4291 §2.5.1).
/// </summary>
public readonly record struct SourceKey(ulong High, ulong Low)
{
    private const int IPv6Length = 16;

    public static SourceKey Of(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[IPv6Length];
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        plain.TryWriteBytes(bytes, out _);
        return plain.AddressFamily == AddressFamily.InterNetwork
            ? new SourceKey(0, BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : new SourceKey(BinaryPrimitives.ReadUInt64BigEndian(bytes), 0);
    }
}
