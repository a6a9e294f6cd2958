using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Srtp.Transforms;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// What one master key protects with: a transform for SRTP and one for SRTCP, each with session keys derived once, when its first packet
/// asks for them (RFC 3711 §4.3): a key may be installed long before its use, or for one direction's RTCP only. Owns them and the master
/// key; counts what it protected against the key's lifetime (RFC 3711 §9.2).
/// </summary>
public sealed class SessionKeys(MasterKey master) : IDisposable
{
    /// <summary>RFC 3711 §9.2: 2^31 SRTCP packets under one master key.</summary>
    public const ulong RtcpLifetime = 1UL << 31;

    private ISrtpTransform? _rtpTransform;
    private ISrtpTransform? _rtcpTransform;
    private ulong _rtp;
    private ulong _rtcp;
    private bool _disposed;

    public MasterKey Master { get; } = master;

    /// <summary>The master key's.</summary>
    public Mki Mki { get; } = master.Mki;

    public ISrtpTransform Rtp => _rtpTransform ??= Create(rtcp: false);

    public ISrtpTransform Rtcp => _rtcpTransform ??= Create(rtcp: true);

    public bool IsExhausted => _rtp >= Master.Lifetime || _rtcp >= Math.Min(Master.Lifetime, RtcpLifetime);

    /// <summary>RFC 3711 §9.2: whichever limit comes first ends the key, for SRTP and SRTCP both.</summary>
    public bool TryCountRtp() => !IsExhausted && ++_rtp > 0;

    public bool TryCountRtcp() => !IsExhausted && ++_rtcp > 0;

    public void Dispose()
    {
        _disposed = true;
        _rtpTransform?.Dispose();
        _rtcpTransform?.Dispose();
        Master.Dispose();
    }

    private ISrtpTransform Create(bool rtcp)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Master.Profile.Transform switch
        {
            SrtpTransform.AesCmHmacSha1 => new AesCmHmacSha1(Master, rtcp),
            SrtpTransform.AeadAesGcm => new AeadAesGcm(Master, rtcp),
            _ => throw new System.Diagnostics.UnreachableException($"no transform for {Master.Profile}"),
        };
    }
}
