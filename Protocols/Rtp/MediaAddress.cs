using System.Net;
using System.Net.Sockets;

namespace ConfCluster.Protocols.Rtp;

/// <summary>An IPv4 or IPv6 transport address as a value, so that comparing and storing one allocates nothing. Default: none.</summary>
public readonly record struct MediaAddress(ulong High, ulong Low, ushort Port, bool IsIPv6)
{
    public static readonly MediaAddress None;

    public bool IsPresent => Port != 0;

    public static MediaAddress From(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return From(endPoint.Address, endPoint.Port);
    }

    public static MediaAddress From(IPAddress address, int port)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        return written == 4
            ? new MediaAddress(0, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes), (ushort)port, false)
            : new MediaAddress(
                System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes),
                System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), (ushort)port, true);
    }

    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!IsIPv6)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Low);
            return new IPAddress(bytes[..4]);
        }

        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
        return new IPAddress(bytes);
    }

    public IPEndPoint ToEndPoint() => new(ToIPAddress(), Port);

    public MediaAddress WithPort(int port) => this with { Port = (ushort)port };

    public AddressFamily Family => IsIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;

    public override string ToString() => IsPresent ? ToEndPoint().ToString() : "none";
}
