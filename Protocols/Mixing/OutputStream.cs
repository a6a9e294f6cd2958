using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// The stream that a leg has for itself: all but its own voice, or all that is said to a leg that shares no stream. Protected with the leg's own key,
/// or with the group key of an epoch. It outlives its leg inside the mixer, without keys (RFC 3711 §9.1).
/// </summary>
/// <param name="indices">Those of the mixer, whose group keys protect reports of this stream too; null: of its own.</param>
internal sealed class OutputStream(SecretWriter random, AudioCodecs codecs, SrtcpIndices? indices = null) : IDisposable
{
    private readonly SrtcpIndices _indices = indices ?? new SrtcpIndices();
    private KeyRing? _ring;
    private SrtpSender? _rtp;
    private SrtcpSender? _rtcp;
    private ulong _reported;

    public Packetizer Packets { get; } = new(random, codecs);

    public bool HasKeys => _ring is not null;

    public SrtpProfile Profile => _ring!.Profile;

    public void Use(LegMedia media)
    {
        Packets.Use(StreamFormat.Of(media));
        if (_ring is not null && _ring.Holds([media.Downlink]))
        {
            media.Downlink.Dispose();
            return;
        }

        var before = _ring;
        _ring = new KeyRing(media.Downlink.Profile);
        _ring.Install(media.Downlink);
        _ring.Activate(media.Downlink.Mki);
        (_rtp, _rtcp) = (_rtp ?? new SrtpSender(_ring), _rtcp ?? new SrtcpSender(_ring, _indices));
        _rtp.Use(_ring);
        _rtcp.Use(_ring);
        before?.Dispose();
    }

    /// <summary>By <see cref="Write"/>.</summary>
    public ulong PacketsSent { get; private set; }

    /// <summary>By <see cref="WriteRtcp"/>.</summary>
    public ulong RtcpSent { get; private set; }

    /// <summary>Takes one frame of codes; returns the length of the SRTP packet under the leg's own key that is due, or 0.</summary>
    public int Write(ReadOnlySpan<byte> codes, uint clock, Span<byte> packet)
    {
        var length = Packets.Pack(codes, clock, packet, out var index);
        if (length > 0) length = Protect(packet, length, index);
        if (length > 0) PacketsSent++;
        return length;
    }

    /// <summary>The report of a stream that nobody shares.</summary>
    public int WriteRtcp(Span<byte> packet, NtpTime ntp, uint clock, ReportBlock? block, ReadOnlySpan<byte> cname, bool goodbye)
    {
        var sent = PacketsSent != _reported;
        _reported = PacketsSent;
        var length = ProtectRtcp(packet, Packets.WriteRtcp(packet, ntp, clock, sent, block, cname, goodbye));
        if (length > 0) RtcpSent++;
        return length;
    }

    /// <returns>The length of the packet, or 0 when the key is used up.</returns>
    public int Protect(Span<byte> packet, int length, ulong index) => _rtp!.Protect(packet, length, new PacketIndex(index));

    public int ProtectRtcp(Span<byte> packet, int length) => _rtcp!.Protect(packet, length);

    /// <summary>The keys are gone, the numbers stay.</summary>
    public void Dispose()
    {
        _ring?.Dispose();
        _ring = null;
        Packets.Dispose();
    }
}
