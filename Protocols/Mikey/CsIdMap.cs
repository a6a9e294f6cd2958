using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey;

/// <summary>Which crypto sessions the bundle has: the last part of HDR (RFC 3830 §6.1, RFC 4563 §5, RFC 6043 §6.1.1).</summary>
public abstract record CsIdMap
{
    private CsIdMap()
    {
    }

    public abstract int Count { get; }

    /// <summary>Map type 0: nine octets per session; the i-th one is session i.</summary>
    public sealed record Srtp(ListOf<SrtpSession> Sessions) : CsIdMap
    {
        public override int Count => Sessions.Count;
    }

    /// <summary>Map type 1: nothing here, whatever the number says.</summary>
    public sealed record Empty(byte Number = 0) : CsIdMap
    {
        public override int Count => Number;
    }

    /// <summary>Map type 2.</summary>
    public sealed record Generic(ListOf<GenericSession> Sessions) : CsIdMap
    {
        public override int Count => Sessions.Count;
    }
}

/// <summary>One session of an SRTP-ID map (RFC 3830 §6.1.1). SSRC 0: the Responder fills it in.</summary>
public readonly record struct SrtpSession(byte Policy, uint Ssrc, uint Roc);

/// <summary>One session of a GENERIC-ID map (RFC 6043 §6.1.1).</summary>
/// <param name="S">For SRTP: whether ROC and SEQ are there.</param>
/// <param name="Policies">Numbers of security policies, those of the other side's message included.</param>
/// <param name="Session">As it stands in the message; empty when the other side is to choose.</param>
/// <param name="Spi">The MKI of the key that is used first; empty when the other side is to choose.</param>
public sealed record GenericSession(byte CsId, ProtocolType Protocol, bool S, Octets Policies, Octets Session, Octets Spi)
{
    public static GenericSession ForSrtp(byte csId, Octets policies, SrtpPosition? position, Octets spi) =>
        new(csId, ProtocolType.Srtp, position?.Highest is not null, policies, position?.Write() ?? Octets.Empty, spi);

    /// <summary>Null: the other side is to choose, or this is not SRTP.</summary>
    public SrtpPosition? Position => Protocol == ProtocolType.Srtp ? SrtpPosition.Read(Session, S) : null;
}

/// <summary>SSRC and, of a stream that runs, the packet that was sent last: what a late joiner starts with (RFC 6043 §6.1.1).</summary>
public readonly record struct SrtpPosition(uint Ssrc, (uint Roc, ushort Sequence)? Highest = null)
{
    private const int ShortLength = 4;
    private const int LongLength = 10;

    /// <summary>SSRC alone, or SSRC, ROC and SEQ.</summary>
    public static bool IsLength(int length, bool s) => length == (s ? LongLength : ShortLength);

    internal static SrtpPosition? Read(Octets session, bool s)
    {
        if (!IsLength(session.Length, s)) return null;
        var reader = new OctetReader(session.Span);
        reader.TryLong(out var ssrc);
        if (!s) return new SrtpPosition(ssrc);
        reader.TryLong(out var roc);
        reader.TryWord(out var sequence);
        return new SrtpPosition(ssrc, (roc, sequence));
    }

    internal Octets Write()
    {
        var writer = new OctetWriter();
        writer.Long(Ssrc);
        if (Highest is not { } highest) return writer.ToOctets();
        writer.Long(highest.Roc);
        writer.Word(highest.Sequence);
        return writer.ToOctets();
    }
}
