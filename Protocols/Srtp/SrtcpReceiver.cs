using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// Opens SRTCP packets of one peer (RFC 3711 §3.4): the index travels in the packet, so a source is a replay window only. A packet that
/// is not encrypted (E = 0) is refused: we offer no UNENCRYPTED_SRTCP.
/// </summary>
public sealed class SrtcpReceiver
{
    private readonly Dictionary<Ssrc, ReplayWindow> _sources;
    private readonly int _maxSources;
    private KeyRing _ring;

    public SrtcpReceiver(KeyRing ring, int maxSources) : this(ring, maxSources, [])
    {
    }

    private SrtcpReceiver(KeyRing ring, int maxSources, Dictionary<Ssrc, ReplayWindow> sources) =>
        (_ring, _maxSources, _sources) = (ring, maxSources, sources);

    public int SourceCount => _sources.Count;

    public void Use(KeyRing ring) => _ring = ring;

    /// <summary>As <see cref="SrtpReceiver.Beside"/>.</summary>
    public SrtcpReceiver Beside(KeyRing ring) => new(ring, _maxSources, _sources);

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
        var known = _sources.TryGetValue(ssrc, out var window);
        if (!known && _sources.Count >= _maxSources) return UnprotectError.TooManySources;
        if (!window.Accepts(index)) return window.IsTooOld(index) ? UnprotectError.TooOld : UnprotectError.Replayed;
        var tag = packet.Slice(body + tail.Tag, _ring.Profile.RtcpTagLength);
        if (!keys.Rtcp.TryOpen(packet[..body], 8, ssrc, index, word, tag)) return UnprotectError.TagMismatch;
        CollectionsMarshal.GetValueRefOrAddDefault(_sources, ssrc, out _).Commit(index);
        length = body;
        return UnprotectError.None;
    }

    public void Remove(Ssrc ssrc) => _sources.Remove(ssrc);
}
