using System.Collections.Immutable;

namespace ConfCluster.Protocols.Sdp;

/// <summary>
/// A session description (RFC 4566 §5, RFC 8866). Owns the keys of its a=crypto lines: whoever read or built it disposes it. Left out:
/// the meaning of e=, p=, u=, b=, r=, z= (kept as lines); k= is not kept, since it may hold a key.
/// </summary>
public sealed record SessionDescription : IDisposable
{
    public required SdpOrigin Origin { get; init; }

    public string Name { get; init; } = "-";

    public SdpConnection? Connection { get; init; }

    /// <summary>The value of t=; further t=, r= and z= lines are in <see cref="Other"/>.</summary>
    public string Timing { get; init; } = "0 0";

    public SdpDirection? Direction { get; init; }

    /// <summary>A session-level a=key-mgmt was there (RFC 4567 §3.1).</summary>
    public bool HasKeyManagement { get; init; }

    /// <summary>Those that can be read, in their order.</summary>
    public ImmutableArray<KeyManagementLine> KeyManagement { get; init; } = [];

    public ImmutableArray<SdpLine> Other { get; init; } = [];

    public ImmutableArray<MediaDescription> Media { get; init; } = [];

    public ImmutableArray<MediaLine> Lines => [.. Media.Select(m => m.Line)];

    public void Dispose()
    {
        foreach (var media in Media) media.Dispose();
    }

    public override string ToString() => $"<session description {Origin.SessionId} version {Origin.Version}, {Media.Length} streams>";
}

/// <summary>One stream of a <see cref="SessionDescription"/> (RFC 4566 §5.14).</summary>
public sealed record MediaDescription : IDisposable
{
    public required MediaLine Line { get; init; }

    public SdpConnection? Connection { get; init; }

    public SdpDirection? Direction { get; init; }

    public int? PacketTime { get; init; }

    public int? MaxPacketTime { get; init; }

    public RtcpAttribute? Rtcp { get; init; }

    public bool RtcpMux { get; init; }

    public bool HasKeyManagement { get; init; }

    public ImmutableArray<KeyManagementLine> KeyManagement { get; init; } = [];

    public ImmutableArray<RtpMap> RtpMaps { get; init; } = [];

    public ImmutableArray<FormatParameters> FormatParameters { get; init; } = [];

    public ImmutableArray<CryptoAttribute> Crypto { get; init; } = [];

    public ImmutableArray<SdpLine> Other { get; init; } = [];

    public RtpMap? MapOf(byte payloadType)
    {
        foreach (var map in RtpMaps)
            if (map.PayloadType == payloadType)
                return map;
        return null;
    }

    public void Dispose()
    {
        foreach (var crypto in Crypto) crypto.Dispose();
    }

    public override string ToString() => $"<{Line.Kind} {Line.Port} {Line.Protocol}, {Crypto.Length} crypto lines>";
}
