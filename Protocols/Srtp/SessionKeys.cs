using ConfCluster.Protocols.Srtp.Transforms;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// What one master key protects with: a transform for SRTP and one for SRTCP, with the session keys derived once (RFC 3711 §4.3). Owns
/// them and the master key; counts what it protected against the key's lifetime (RFC 3711 §9.2).
/// </summary>
public sealed class SessionKeys : IDisposable
{
    /// <summary>RFC 3711 §9.2: 2^31 SRTCP packets under one master key.</summary>
    public const ulong RtcpLifetime = 1UL << 31;

    private ulong _rtp;
    private ulong _rtcp;

    public SessionKeys(MasterKey master)
    {
        ArgumentNullException.ThrowIfNull(master);
        Master = master;
        Rtp = Create(master, rtcp: false);
        Rtcp = Create(master, rtcp: true);
    }

    public MasterKey Master { get; }

    public ISrtpTransform Rtp { get; }

    public ISrtpTransform Rtcp { get; }

    public bool IsExhausted => _rtp >= Master.Lifetime || _rtcp >= Math.Min(Master.Lifetime, RtcpLifetime);

    /// <summary>RFC 3711 §9.2: whichever limit comes first ends the key, for SRTP and SRTCP both.</summary>
    public bool TryCountRtp() => !IsExhausted && ++_rtp > 0;

    public bool TryCountRtcp() => !IsExhausted && ++_rtcp > 0;

    public void Dispose()
    {
        Rtp.Dispose();
        Rtcp.Dispose();
        Master.Dispose();
    }

    private static AesCmHmacSha1 Create(MasterKey master, bool rtcp) => master.Profile.Transform switch
    {
        SrtpTransform.AesCmHmacSha1 => new AesCmHmacSha1(master, rtcp),
        _ => throw new System.Diagnostics.UnreachableException($"no transform for {master.Profile}"),
    };
}
