using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>Where a mixer puts the packets of a tick: a socket batch in the lane, a simulated network in tests.</summary>
public interface IMediaSink
{
    /// <summary>Sends one protected packet of that leg; the span is valid for this call only.</summary>
    /// <param name="slot">The leg's place, as <see cref="ConferenceMixer"/> gave it out.</param>
    /// <param name="rtcp">True: from the leg's RTCP socket (never with rtcp-mux).</param>
    void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to);
}
