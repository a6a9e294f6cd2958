using ConfCluster.Fuzz.Structures;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Fuzz.Targets;

/// <summary>
/// SRTP and SRTCP receivers: never throw, and nothing that the fuzzer makes (it has no key) opens, changes a byte or leaves a source behind.
/// The seeds are packets under another key.
/// </summary>
public sealed class SrtpTarget : IFuzzTarget, IDisposable
{
    private readonly KeyRing _ring = Ring(1);
    private readonly byte[] _packet = new byte[65_536];

    public string Name => "srtp";

    public IEnumerable<byte[]> Seeds
    {
        get
        {
            using var other = Ring(200);
            var (rtp, rtcp) = (new SrtpSender(other), new SrtcpSender(other));
            var packet = new byte[256];
            RtpHeader.Write(packet, true, 0, 100, 16000, new Ssrc(7));
            yield return packet[..rtp.Protect(packet, 172, new PacketIndex(100))];
            packet = new byte[256];
            yield return packet[..rtcp.Protect(packet, Protocols.Rtp.Rtcp.ReceiverReport.Write(packet, new Ssrc(7), default(Protocols.Rtp.Rtcp.ReportBlock)))];
        }
    }

    public IStructure Structure { get; } = new RtpStructure();

    public IEnumerable<byte[]> Dictionary => [[0, 0, 0, 1], [0, 0, 0, 2], [0x80, 0], [0x90, 0], [0xBE, 0xDE, 0, 1], [0x80, 200, 0, 6]];

    public void Run(ReadOnlySpan<byte> input)
    {
        var packet = _packet.AsSpan(0, Math.Min(input.Length, _packet.Length));
        input[..packet.Length].CopyTo(packet);
        var (rtp, rtcp) = (new SrtpReceiver(_ring, 4), new SrtcpReceiver(_ring, 4));
        var opened = rtp.Unprotect(packet, out _, out _) == UnprotectError.None || rtcp.Unprotect(packet, out _) == UnprotectError.None;
        if (opened) throw new InvalidOperationException("a forged packet was opened");
        if (!packet.SequenceEqual(input[..packet.Length])) throw new InvalidOperationException("a refused packet was changed");
        if (rtp.SourceCount + rtcp.SourceCount > 0) throw new InvalidOperationException("a refused packet left a source behind");
    }

    public void Dispose() => _ring.Dispose();

    private static KeyRing Ring(byte seed)
    {
        var ring = new KeyRing(SrtpProfile.AesCm128HmacSha1Tag80);
        foreach (var mki in new[] { new Mki(1, 4), new Mki(2, 4) })
            ring.Install(MasterKey.Generate(ring.Profile, mki, span => span.Fill((byte)(seed + mki.Value))));
        ring.Activate(new Mki(1, 4));
        return ring;
    }
}
