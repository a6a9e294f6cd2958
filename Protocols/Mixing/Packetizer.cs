using System.Buffers.Binary;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>What packets must have in common to be the same for several legs.</summary>
/// <param name="PacketTime">Milliseconds.</param>
/// <param name="Extensions">They stand in the packets, under these identifiers.</param>
internal readonly record struct StreamFormat(AudioCodec Codec, byte PayloadType, int PacketTime, ExtensionIds Extensions)
{
    /// <summary>For a mixer, whose packets do not tell the level of one voice.</summary>
    public static StreamFormat Of(LegMedia media) =>
        new(media.Codec, media.PayloadType, media.PacketTime, media.Extensions with { AudioLevel = 0, Voice = false });

    /// <summary>RFC 7587 §4.2: a packet of Opus is one frame of ours; G.711 and G.722 have 8 octets each millisecond.</summary>
    public int OctetsPerPacket => Codec == AudioCodec.Opus ? 1 : PacketTime * 8;

    public int FramesPerPacket => Codec == AudioCodec.Opus ? 1 : PacketTime / (int)AudioFrame.Duration.TotalMilliseconds;

    public int SampleRate => AudioFormat.Of(Codec).SampleRate;
}

/// <summary>
/// One stream in the clear: SSRC, sequence, timestamps, packets of the negotiated length, and the RTCP that describes it (RFC 3550 §5.1, §6.4). The
/// numbers that it used may never be used again under the same key and SSRC (RFC 3711 §9.1), so it remembers them for every SSRC it had. A new SSRC
/// begins with a low index and ROC 0, which SDES cannot signal (RFC 4568 §6.4).
/// </summary>
internal sealed class Packetizer(SecretWriter random, AudioCodecs codecs) : IDisposable
{
    /// <summary>60 ms of G.711, and more than Opus is told to need.</summary>
    public const int MaxPayload = 480;

    private readonly Dictionary<Ssrc, ulong> _next = [];
    private byte[] _payload = [];
    private IAudioEncoder? _encoder;
    private uint _clockScale = 1;
    private int _filled;
    private uint _firstTimestamp;
    private uint _offset;
    private bool _resuming = true;
    private uint _packets;
    private uint _octets;

    public StreamFormat Format { get; private set; }

    /// <summary>What stands in the header of the next packet; set before the frame that completes it.</summary>
    public PacketHead Head { get; } = new();

    /// <summary>The next frame begins a packet.</summary>
    public bool IsEmpty => _filled == 0;

    public Ssrc Ssrc { get; private set; }

    public bool HasSsrc { get; private set; }

    /// <summary>Of the next packet.</summary>
    public ulong Index { get; private set; }

    /// <summary>Under this SSRC; wraps.</summary>
    public uint Packets => _packets;

    public void Use(StreamFormat format)
    {
        if (Format.Codec != format.Codec) DropEncoder();
        if (Format.Codec != format.Codec || Format.PayloadType != format.PayloadType || _filled > format.OctetsPerPacket) Pause();
        (Format, _clockScale) = (format, (uint)(AudioFormat.Of(format.Codec).TicksPerFrame / AudioFrame.Samples));
    }

    /// <summary>Another SSRC is another sequence space; one that was used before goes on where it was.</summary>
    /// <param name="indexBits">RFC 3711 §3.3.1: at most 15, so that a receiver that misses the first packets still guesses ROC 0.</param>
    /// <param name="first">Where it begins instead, for whoever tries a receiver.</param>
    public void Use(Ssrc ssrc, int indexBits = 15, ushort? first = null)
    {
        if (HasSsrc && ssrc == Ssrc) return;
        if (HasSsrc) _next[Ssrc] = Index;
        (Ssrc, HasSsrc) = (ssrc, true);
        Span<byte> drawn = stackalloc byte[6];
        random(drawn);
        Index = _next.TryGetValue(ssrc, out var next) ? next : first ?? BinaryPrimitives.ReadUInt16BigEndian(drawn) & (1UL << indexBits) - 1;
        _offset = BinaryPrimitives.ReadUInt32BigEndian(drawn[2..]);
        (_packets, _octets) = (0, 0);
        Pause();
    }

    /// <summary>What is half filled is not sent; the next packet begins a talkspurt (RFC 3551 §4.1).</summary>
    public void Pause() => (_filled, _resuming) = (0, true);

    /// <summary>20 ms in the codec of the stream; it remembers what came before, so each frame is encoded once.</summary>
    public int Encode(ReadOnlySpan<short> frame, Span<byte> codes) =>
        (_encoder ??= codecs.CreateEncoder(Format.Codec)).Encode(frame, codes[..MaxPayload]);

    /// <summary>Takes one frame of codes; returns the length of the RTP packet that is due, with <paramref name="index"/>, or 0.</summary>
    /// <param name="clock">The mixer's clock at the beginning of the frame, in units of 8 kHz.</param>
    public int Pack(ReadOnlySpan<byte> codes, uint clock, Span<byte> packet, out ulong index)
    {
        index = default;
        if (_filled == 0) _firstTimestamp = _offset + clock * _clockScale;
        if (codes.IsEmpty) return 0;
        if (_payload.Length == 0) _payload = new byte[MaxPayload];
        codes.CopyTo(_payload.AsSpan(_filled));
        _filled += codes.Length;
        if (_filled < Format.OctetsPerPacket) return 0;

        var head = Head.Write(packet, _resuming, Format.PayloadType, (ushort)Index, _firstTimestamp, Ssrc);
        _payload.AsSpan(0, _filled).CopyTo(packet[head..]);
        var length = head + _filled;
        index = Index++;
        _packets++;
        _octets += (uint)_filled;
        (_filled, _resuming) = (0, false);
        return length;
    }

    /// <summary>A compound packet (RFC 3550 §6.1): SR if we sent since the last one, else RR; SDES; and BYE when the stream ends.</summary>
    public int WriteRtcp(Span<byte> packet, NtpTime ntp, uint clock, bool sent, ReportBlock? block, ReadOnlySpan<byte> cname, bool goodbye)
    {
        var length = sent
            ? new SenderReport(Ssrc, ntp, _offset + clock * _clockScale, _packets, _octets).Write(packet, block)
            : ReceiverReport.Write(packet, Ssrc, block);
        return WriteSources(packet, length, Ssrc, cname, goodbye);
    }

    /// <summary>Goodbye of an SSRC that the stream had before.</summary>
    public static int WriteGoodbye(Span<byte> packet, Ssrc old, ReadOnlySpan<byte> cname) =>
        WriteSources(packet, ReceiverReport.Write(packet, old, null), old, cname, goodbye: true);

    public void DropEncoder()
    {
        _encoder?.Dispose();
        _encoder = null;
    }

    /// <summary>The numbers stay.</summary>
    public void Dispose()
    {
        DropEncoder();
        Pause();
    }

    private static int WriteSources(Span<byte> packet, int length, Ssrc ssrc, ReadOnlySpan<byte> cname, bool goodbye)
    {
        length += SourceDescription.Write(packet[length..], ssrc, cname);
        return goodbye ? length + Goodbye.Write(packet[length..], ssrc) : length;
    }
}
