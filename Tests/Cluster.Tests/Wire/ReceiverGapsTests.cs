using System.Buffers.Binary;
using System.Net;
using Xunit;

namespace ConfCluster.Cluster.Tests.Wire;

/// <summary>The clock of the capture finds the gaps that are planted, at the receivers that have them.</summary>
public sealed class ReceiverGapsTests
{
    private static readonly (int First, int Last) Nodes = (40000, 40999);
    private static readonly IPEndPoint Old = IPEndPoint.Parse("127.0.0.2:40000");
    private static readonly IPEndPoint New = IPEndPoint.Parse("127.0.0.3:40002");
    private static readonly IPEndPoint Phone = IPEndPoint.Parse("127.0.0.1:50000");
    private static readonly IPEndPoint Other = IPEndPoint.Parse("127.0.0.1:50002");
    private static readonly IPEndPoint Third = IPEndPoint.Parse("127.0.0.1:50004");

    [Fact]
    public void The_longest_gap_and_that_at_a_change_of_the_sender_are_told_for_each_receiver()
    {
        var seen = ReceiverGaps.Of(
        [
            .. Stream(Old, Phone, 0, 60), .. Stream(New, Phone, 1250, 60),
            .. Stream(Old, Other, 0, 40), .. Stream(Old, Other, 1080, 60),
            // Neither what phones send nor RTCP is heard, and few packets are no call.
            .. Stream(Phone, Old, 9000, 60), Packet(Old, Phone, 5000, rtcp: true), Packet(New, Third, 100), Packet(New, Third, 8000),
        ], Nodes);
        Assert.Equal([70, 300], seen.Longest.Select(g => g.TotalMilliseconds));
        Assert.Equal([70], seen.AtChange.Select(g => g.TotalMilliseconds));
    }

    /// <summary>A packet every 20 ms.</summary>
    private static IEnumerable<Datagram> Stream(IPEndPoint from, IPEndPoint to, int begin, int count) =>
        Enumerable.Range(0, count).Select(i => Packet(from, to, begin + 20 * i));

    private static Datagram Packet(IPEndPoint from, IPEndPoint to, int at, bool rtcp = false)
    {
        var packet = new byte[40];
        (packet[0], packet[1]) = (0x80, (byte)(rtcp ? 200 : 0));
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), 7);
        return new Datagram(TimeSpan.FromMilliseconds(at), from, to, packet);
    }
}
