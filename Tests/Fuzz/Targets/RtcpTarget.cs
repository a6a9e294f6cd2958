using ConfCluster.Fuzz.Structures;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;

namespace ConfCluster.Fuzz.Targets;

/// <summary>RTP headers and compound RTCP packets: whatever passes the check can be walked and read to its end without a throw.</summary>
public sealed class RtcpTarget : IFuzzTarget
{
    public string Name => "rtcp";

    public IEnumerable<byte[]> Seeds
    {
        get
        {
            var packet = new byte[256];
            var length = new SenderReport(new Ssrc(7), new NtpTime(1, 2), 3, 4, 5).Write(packet, new ReportBlock(new Ssrc(8), 1, 2, 3, 4, 5, 6));
            length += SourceDescription.Write(packet.AsSpan(length), new Ssrc(7), "focus@example.org"u8);
            length += Goodbye.Write(packet.AsSpan(length), new Ssrc(7));
            yield return packet[..length];
        }
    }

    public IStructure Structure { get; } = new RtpStructure();

    public IEnumerable<byte[]> Dictionary => [[0x81, 200], [0x80, 201], [0x81, 202], [0x81, 203], [0, 6], [0, 12], [0xFF, 0xFF]];

    public void Run(ReadOnlySpan<byte> input)
    {
        if (RtpHeader.TryRead(input, out var header, out _))
        {
            header.TryPayload(input, out _);
            for (byte id = 1; id <= HeaderExtensions.LastId; id++)
                if (HeaderExtensions.TryFind(header, input, id, out var data) && data.Length is 0 or > 16) throw new InvalidOperationException("an element too long");
            if (header.CsrcCount > 0) MixedAudioLevels.TryRead(header, input, 7, 0, out _);
        }

        if (CompoundPacket.Validate(input) != RtcpError.None) return;
        var packets = new CompoundPacket(input);
        while (packets.Next(out var packet))
        {
            if (packet.Type is RtcpType.SenderReport or RtcpType.ReceiverReport) ReceiverReport.TryFind(packet, new Ssrc(8), out _);
            if (packet.Type == RtcpType.SenderReport) SenderReport.Read(packet);
            if (packet.Type == RtcpType.Goodbye) Goodbye.Names(packet, new Ssrc(7));
        }
    }
}
