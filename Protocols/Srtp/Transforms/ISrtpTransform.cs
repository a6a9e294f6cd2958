using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>
/// One cipher and authenticator under one set of session keys. Works in place on the authenticated part of a packet; where MKI and tag
/// stand is the caller's knowledge of the profile.
/// </summary>
public interface ISrtpTransform : IDisposable
{
    /// <summary>
    /// Encrypts <paramref name="packet"/> from <paramref name="clear"/> on and writes the tag, which covers the packet and
    /// <paramref name="trailer"/>: the ROC for SRTP, the word of E bit and index for SRTCP.
    /// </summary>
    void Seal(Span<byte> packet, int clear, Ssrc ssrc, ulong index, uint trailer, Span<byte> tag);

    /// <summary>Checks the tag in constant time, then decrypts in place; false leaves the packet as it was.</summary>
    bool TryOpen(Span<byte> packet, int clear, Ssrc ssrc, ulong index, uint trailer, ReadOnlySpan<byte> tag);
}
