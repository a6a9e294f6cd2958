using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// Protects RTP packets with the active key of a ring (RFC 3711 §3.3). Indices of an SSRC must grow, over rekeys as well: a (key, SSRC,
/// index) that came twice would be a two-time pad, so it throws.
/// </summary>
public sealed class SrtpSender(KeyRing ring)
{
    private readonly Dictionary<Ssrc, ulong> _next = [];
    private KeyRing _ring = ring;

    /// <summary>Other keys from now on; indices go on (RFC 3711 §3.3.1).</summary>
    public void Use(KeyRing ring) => _ring = ring;

    /// <summary>Octets that <see cref="Protect"/> appends.</summary>
    public int Overhead => SrtpOverhead.Rtp(_ring.Profile, _ring.MkiLength);

    /// <summary>Protects in place the <paramref name="length"/> octets of RTP in <paramref name="buffer"/>, which has room for MKI and tag.</summary>
    /// <returns>The length of the SRTP packet, or 0 when the key's lifetime or the SSRC's indices are used up: nothing may be sent.</returns>
    /// <exception cref="InvalidOperationException">No active key, or an index that does not grow: our bug.</exception>
    public int Protect(Span<byte> buffer, int length, PacketIndex index)
    {
        var keys = _ring.Active ?? throw new InvalidOperationException("no active key");
        if (!RtpHeader.TryRead(buffer[..length], out var header, out var error)) throw new InvalidOperationException($"not an RTP packet: {error}");
        if (header.Sequence != index.Sequence) throw new InvalidOperationException("the index is not the packet's");
        ref var next = ref CollectionsMarshal.GetValueRefOrAddDefault(_next, header.Ssrc, out _);
        if (index.Value < next) throw new InvalidOperationException($"index {index} of {header.Ssrc} was used");
        if (index.Value >= PacketIndex.Limit || !keys.TryCountRtp()) return 0;
        next = index.Value + 1;

        var tail = SrtpTail.Rtp(_ring.Profile, _ring.MkiLength);
        var tag = buffer.Slice(length + tail.Tag, _ring.Profile.RtpTagLength);
        keys.Rtp.Seal(buffer[..length], header.Length, header.Ssrc, index.Value, index.Roc, tag);
        keys.Master.Mki.Write(buffer.Slice(length + tail.Mki, _ring.MkiLength));
        return length + tail.Length;
    }
}

/// <summary>
/// Protects RTCP packets with the active key of a ring (RFC 3711 §3.4). Each SSRC has one index counter, which goes on over rekeys.
/// </summary>
/// <param name="indices">Shared with senders of the same SSRCs under other keys; null: of its own.</param>
public sealed class SrtcpSender(KeyRing ring, SrtcpIndices? indices = null)
{
    private readonly SrtcpIndices _indices = indices ?? new SrtcpIndices();
    private KeyRing _ring = ring;

    public void Use(KeyRing ring) => _ring = ring;

    /// <summary>Octets that <see cref="Protect"/> appends.</summary>
    public int Overhead => SrtpOverhead.Rtcp(_ring.Profile, _ring.MkiLength);

    /// <summary>Protects in place a compound packet whose first header names the SSRC; appends index word, MKI and tag.</summary>
    /// <returns>The length of the SRTCP packet, or 0 when the key's lifetime is used up.</returns>
    public int Protect(Span<byte> buffer, int length)
    {
        var keys = _ring.Active ?? throw new InvalidOperationException("no active key");
        if (length < 8 || buffer[0] >> 6 != 2) throw new InvalidOperationException("not an RTCP packet");
        var ssrc = new Ssrc(BinaryPrimitives.ReadUInt32BigEndian(buffer[4..]));
        if (!_indices.HasNext(ssrc) || !keys.TryCountRtcp()) return 0;
        var index = _indices.Take(ssrc);

        var word = 1u << 31 | index;
        var tail = SrtpTail.Rtcp(_ring.Profile, _ring.MkiLength);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[(length + tail.Word)..], word);
        // RFC 3711 §3.4: the first 8 octets stay in the clear, the tag covers the index word too.
        keys.Rtcp.Seal(buffer[..length], 8, ssrc, index, word, buffer.Slice(length + tail.Tag, _ring.Profile.RtcpTagLength));
        keys.Master.Mki.Write(buffer.Slice(length + tail.Mki, _ring.MkiLength));
        return length + tail.Length;
    }
}
