using System.Buffers.Binary;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// One protected stream to a leg: SSRC, sequence, timestamps, packets of the negotiated length, and the RTCP that describes it
/// (RFC 3550 §5.1, §6.4). It outlives its leg inside the mixer, without keys, since the numbers that it used may never be used again under
/// the same key and SSRC (RFC 3711 §9.1). A new SSRC begins below 2^15 with ROC 0, which SDES cannot signal (RFC 4568 §6.4).
/// </summary>
internal sealed class OutputStream : IDisposable
{
    /// <summary>60 ms of G.711, and more than Opus is told to need.</summary>
    public const int MaxPayload = 480;

    private readonly Dictionary<Ssrc, ulong> _next = [];
    private readonly SecretWriter _random;
    private readonly AudioCodecs _codecs;
    private byte[] _payload = [];
    private IAudioEncoder? _encoder;
    private uint _clockScale = 1;
    private KeyRing? _ring;
    private SrtpSender? _rtp;
    private SrtcpSender? _rtcp;
    private AudioCodec _codec;
    private byte _payloadType;
    private int _octetsPerPacket;
    private int _filled;
    private uint _firstTimestamp;
    private ulong _index;
    private uint _offset;
    private bool _resuming = true;
    private uint _packets;
    private uint _octets;
    private uint _reportedPackets;

    public OutputStream(SecretWriter random, AudioCodecs codecs) => (_random, _codecs) = (random, codecs);

    public Ssrc Ssrc { get; private set; }

    public bool HasSsrc { get; private set; }

    public bool HasKeys => _ring is not null;

    public ulong PacketsSent { get; private set; }

    public ulong RtcpSent { get; private set; }

    public AudioCodec Codec => _codec;

    public int SampleRate => AudioFormat.Of(_codec).SampleRate;

    public void Use(LegMedia media)
    {
        // RFC 7587 §4.2: a packet of Opus is one frame of ours; G.711 and G.722 have 8 octets each millisecond.
        _octetsPerPacket = media.Codec == AudioCodec.Opus ? 1 : media.PacketTime * 8;
        if (_codec != media.Codec) DropEncoder();
        if (_codec != media.Codec || _payloadType != media.PayloadType || _filled > _octetsPerPacket) Pause();
        (_codec, _payloadType, _clockScale) = (media.Codec, media.PayloadType, (uint)(AudioFormat.Of(media.Codec).TicksPerFrame / AudioFrame.Samples));
        if (_ring is not null && _ring.Holds([media.Downlink]))
        {
            media.Downlink.Dispose();
            return;
        }

        var before = _ring;
        _ring = new KeyRing(media.Downlink.Profile);
        _ring.Install(media.Downlink);
        _ring.Activate(media.Downlink.Mki);
        (_rtp, _rtcp) = (_rtp ?? new SrtpSender(_ring), _rtcp ?? new SrtcpSender(_ring));
        _rtp.Use(_ring);
        _rtcp.Use(_ring);
        before?.Dispose();
    }

    /// <summary>Another SSRC is another sequence space; one that was used before goes on where it was.</summary>
    public void Use(Ssrc ssrc)
    {
        if (HasSsrc && ssrc == Ssrc) return;
        if (HasSsrc) _next[Ssrc] = _index;
        (Ssrc, HasSsrc) = (ssrc, true);
        Span<byte> random = stackalloc byte[6];
        _random(random);
        // RFC 3711 §3.3.1: below 2^15, so that a receiver that misses the first packets still guesses ROC 0.
        _index = _next.TryGetValue(ssrc, out var next) ? next : (ulong)(BinaryPrimitives.ReadUInt16BigEndian(random) & 0x7FFF);
        _offset = BinaryPrimitives.ReadUInt32BigEndian(random[2..]);
        (_packets, _octets, _reportedPackets) = (0, 0, 0);
        Pause();
    }

    /// <summary>What is half filled is not sent; the next packet begins a talkspurt (RFC 3551 §4.1).</summary>
    public void Pause() => (_filled, _resuming) = (0, true);

    /// <summary>20 ms in the codec of the stream; it remembers what came before, so each frame is encoded once.</summary>
    public int Encode(ReadOnlySpan<short> frame, Span<byte> codes) => (_encoder ??= _codecs.CreateEncoder(_codec)).Encode(frame, codes[..MaxPayload]);

    /// <summary>Takes one frame of codes; returns the length of the SRTP packet that is due, or 0.</summary>
    /// <param name="clock">The mixer's clock at the beginning of the frame, in units of 8 kHz.</param>
    public int Write(ReadOnlySpan<byte> codes, uint clock, Span<byte> packet)
    {
        if (_filled == 0) _firstTimestamp = _offset + clock * _clockScale;
        if (codes.IsEmpty) return 0;
        if (_payload.Length == 0) _payload = new byte[MaxPayload];
        codes.CopyTo(_payload.AsSpan(_filled));
        _filled += codes.Length;
        if (_filled < _octetsPerPacket) return 0;

        RtpHeader.Write(packet, _resuming, _payloadType, (ushort)_index, _firstTimestamp, Ssrc);
        _payload.AsSpan(0, _filled).CopyTo(packet[RtpHeader.FixedLength..]);
        var length = _rtp!.Protect(packet, RtpHeader.FixedLength + _filled, new PacketIndex(_index));
        if (length > 0)
        {
            PacketsSent++;
            _packets++;
            _octets += (uint)_filled;
            _index++;
            _resuming = false;
        }

        _filled = 0;
        return length;
    }

    /// <summary>A compound packet (RFC 3550 §6.1): SR if we sent since the last one, else RR; SDES; and BYE when the stream ends.</summary>
    public int WriteRtcp(Span<byte> packet, NtpTime ntp, uint clock, ReportBlock? block, ReadOnlySpan<byte> cname, bool goodbye)
    {
        var sent = _packets != _reportedPackets;
        _reportedPackets = _packets;
        var length = sent
            ? new SenderReport(Ssrc, ntp, _offset + clock * _clockScale, _packets, _octets).Write(packet, block)
            : ReceiverReport.Write(packet, Ssrc, block);
        length += SourceDescription.Write(packet[length..], Ssrc, cname);
        if (goodbye) length += Goodbye.Write(packet[length..], Ssrc);
        length = _rtcp!.Protect(packet, length);
        if (length > 0) RtcpSent++;
        return length;
    }

    /// <summary>The keys are gone, the numbers stay.</summary>
    public void Dispose()
    {
        _ring?.Dispose();
        _ring = null;
        DropEncoder();
        Pause();
    }

    private void DropEncoder()
    {
        _encoder?.Dispose();
        _encoder = null;
    }
}
