using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Rtp;

public class RtpAllocations
{
    private static readonly byte[] Name = "focus@example.org"u8.ToArray();

    private readonly byte[] _packet = new byte[256];
    private readonly Ssrc[] _csrcs = [new(1), new(2)];

    [Fact]
    public void Writing_and_reading_RTP_allocates_nothing() => Nothing(i =>
    {
        RtpHeader.Write(_packet, false, 0, (ushort)i, (uint)i * 160, new Ssrc(7), _csrcs);
        if (!RtpHeader.TryRead(_packet, out var header, out _) || !header.TryPayload(_packet, out _)) throw new InvalidOperationException();
        if (header.Csrc(_packet, 1) != _csrcs[1] || header.TryExtension(_packet, out _, out _)) throw new InvalidOperationException();
    });

    [Fact]
    public void Counting_reporting_writing_and_reading_RTCP_allocates_nothing()
    {
        var statistics = default(ReceptionStatistics);
        Nothing(i =>
        {
            statistics.Count((ulong)i, (uint)i * 160, TimeSpan.FromMilliseconds(20 * i), 8000);
            var block = statistics.Report(new Ssrc(7), TimeSpan.FromMilliseconds(20 * i));
            var length = new SenderReport(new Ssrc(8), new NtpTime(1, 2), 3, 4, 5).Write(_packet, block);
            length += SourceDescription.Write(_packet.AsSpan(length), new Ssrc(8), Name);
            length += Goodbye.Write(_packet.AsSpan(length), new Ssrc(8));
            if (CompoundPacket.Validate(_packet.AsSpan(0, length)) != RtcpError.None) throw new InvalidOperationException();
            var packets = new CompoundPacket(_packet.AsSpan(0, length));
            while (packets.Next(out var packet))
            {
                if (packet.Type == RtcpType.SenderReport) ReceiverReport.TryFind(packet, new Ssrc(7), out _);
                if (packet.Type == RtcpType.SourceDescription) SourceDescription.TryCname(packet, new Ssrc(8), out _);
                if (packet.Type == RtcpType.Goodbye) Goodbye.Names(packet, new Ssrc(8));
            }
        });
    }

    private static void Nothing(Action<int> once)
    {
        for (var i = 0; i < 200; i++) once(i);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 200; i < 1200; i++) once(i);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
