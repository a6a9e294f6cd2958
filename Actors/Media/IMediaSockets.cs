using System.Net;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Media;

/// <summary>What one look for a datagram found. Cut: longer than the buffer, so it is thrown away.</summary>
public enum ReceiveOutcome : byte { None, Datagram, Cut }

public enum BindOutcome : byte { Bound, PortTaken, Failed }

/// <summary>
/// The UDP sockets of one lane, used by its thread only. Nothing here blocks, and receiving and sending neither allocate nor throw.
/// </summary>
public interface IMediaSockets : IDisposable
{
    /// <param name="handle">A small number that stands for the socket from now on.</param>
    BindOutcome TryBind(IPAddress address, int port, out int handle);

    void Close(int handle);

    /// <summary>Looks which sockets have datagrams, for the calls of <see cref="Receive"/> that follow.</summary>
    void Poll();

    /// <summary>The next datagram of the sockets found by <see cref="Poll"/>. One socket yields a limited number per poll, so that a flood
    /// on one does not starve the others.</summary>
    ReceiveOutcome Receive(Span<byte> buffer, out int handle, out int length, out MediaAddress from);

    /// <returns>False: not sent (no route, full buffer).</returns>
    bool Send(int handle, ReadOnlySpan<byte> packet, in MediaAddress to);
}

internal static class MediaSockets
{
    /// <summary>Datagrams that one socket may yield per poll: a talker sends one or two in 20 ms.</summary>
    public const int BurstLimit = 32;

    public static IMediaSockets ForThisSystem(MediaSocketOptions options) =>
        OperatingSystem.IsLinux() ? new LinuxMediaSockets(options) : new ManagedMediaSockets(options);
}
