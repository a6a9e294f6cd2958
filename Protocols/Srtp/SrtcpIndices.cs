using System.Runtime.InteropServices;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// The next SRTCP index of each SSRC of one sender, whatever key it uses: it begins at 0 and goes on after a rekey (RFC 3711 §3.4). Senders under several
/// keys share one, since a receiver has one replay list per source for all of them (§3.3.2).
/// </summary>
public sealed class SrtcpIndices
{
    private const uint Limit = 1u << 31;

    private readonly Dictionary<Ssrc, uint> _next = [];

    /// <summary>Whether an SSRC has indices left (31 bits).</summary>
    internal bool HasNext(Ssrc ssrc) => !_next.TryGetValue(ssrc, out var next) || next < Limit;

    /// <summary>The next one, each once; only after <see cref="HasNext"/>.</summary>
    internal uint Take(Ssrc ssrc) => CollectionsMarshal.GetValueRefOrAddDefault(_next, ssrc, out _)++;
}
