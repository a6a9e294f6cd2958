using System.Buffers.Binary;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// Opens SRTCP packets of one peer (RFC 3711 §3.4): the index travels in the packet, so a source is a replay window only. A packet that
/// is not encrypted (E = 0) is refused: we offer no UNENCRYPTED_SRTCP.
/// </summary>
public sealed class SrtcpReceiver
{
    private readonly SourceWindows _sources;
    private KeyRing _ring;

    public SrtcpReceiver(KeyRing ring, int maxSources) : this(ring, new SourceWindows(maxSources))
    {
    }

    private SrtcpReceiver(KeyRing ring, SourceWindows sources) => (_ring, _sources) = (ring, sources);

    public int SourceCount => _sources.Count;

    public void Use(KeyRing ring) => _ring = ring;

    /// <summary>As <see cref="SrtpReceiver.Beside"/>.</summary>
    public SrtcpReceiver Beside(KeyRing ring) => new(ring, _sources);

    /// <summary>Opens in place; <paramref name="length"/> is the compound packet.</summary>
    public UnprotectError Unprotect(Span<byte> packet, out int length)
    {
        length = 0;
        var tail = SrtpTail.Rtcp(_ring.Profile, _ring.MkiLength);
        if (packet.Length < 8 + tail.Length || packet.Length > SrtpOverhead.MaxPacket || packet[0] >> 6 != 2) return UnprotectError.Malformed;

        var body = packet.Length - tail.Length;
        var word = BinaryPrimitives.ReadUInt32BigEndian(packet[(body + tail.Word)..]);
        if (_ring.Find(packet.Slice(body + tail.Mki, _ring.MkiLength)) is not { } keys) return UnprotectError.UnknownMki;
        if (word >> 31 == 0) return UnprotectError.NotEncrypted;

        var ssrc = new Ssrc(BinaryPrimitives.ReadUInt32BigEndian(packet[4..]));
        var index = word & 0x7FFF_FFFF;
        var source = _sources.Find(ssrc);
        if (source is null && _sources.IsFull) return UnprotectError.TooManySources;
        var window = source?.Window ?? default;
        if (!window.Accepts(index)) return window.IsTooOld(index) ? UnprotectError.TooOld : UnprotectError.Replayed;
        var tag = packet.Slice(body + tail.Tag, _ring.Profile.RtcpTagLength);
        if (!keys.Rtcp.TryOpen(packet[..body], 8, ssrc, index, word, tag)) return UnprotectError.TagMismatch;
        window.Commit(index);
        if (source is not null) source.Window = window;
        else _sources.Add(ssrc, window);
        length = body;
        return UnprotectError.None;
    }

    public void Remove(Ssrc ssrc) => _sources.Remove(ssrc);
}
