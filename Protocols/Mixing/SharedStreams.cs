using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// The variants of a mixer. Their SSRCs are those that the conference has reserved in its register, taken in order and each once; with none left a leg
/// simply stays on its own stream until the conference has sent more.
/// </summary>
internal sealed class SharedStreams(SecretWriter random, AudioCodecs codecs) : IDisposable
{
    private readonly List<Variant> _variants = [];
    private readonly Queue<Ssrc> _reserve = new();
    private readonly HashSet<Ssrc> _known = [];

    public IReadOnlyList<Variant> All => _variants;

    /// <summary>SSRCs that are not taken yet.</summary>
    public int Left => _reserve.Count;

    public bool Owns(Ssrc ssrc)
    {
        foreach (var variant in _variants)
            if (variant.Packets.HasSsrc && variant.Packets.Ssrc == ssrc)
                return true;
        return false;
    }

    public void Reserve(ReadOnlySpan<Ssrc> ssrcs)
    {
        foreach (var ssrc in ssrcs)
            if (_known.Add(ssrc))
                _reserve.Enqueue(ssrc);
    }

    /// <summary>The stream in that format and suite; null: it has no SSRC and none is left.</summary>
    public Variant? Find(StreamFormat format, SrtpProfile suite)
    {
        foreach (var variant in _variants)
            if (variant.Format == format && variant.Suite == suite)
                return variant;
        if (_reserve.Count == 0) return null;
        var packets = new Packetizer(random, codecs);
        packets.Use(format);
        var added = new Variant(format, suite, packets);
        added.Renew(_reserve.Dequeue());
        _variants.Add(added);
        return added;
    }

    /// <summary>Before a tick: variants that somebody waits for, and may, begin a new SSRC.</summary>
    public void Renew()
    {
        foreach (var variant in _variants)
            if (variant.IsDueForSsrc && _reserve.TryDequeue(out var ssrc))
                variant.Renew(ssrc);
    }

    public void Dispose()
    {
        foreach (var variant in _variants) variant.Dispose();
        _variants.Clear();
    }
}
