using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey;

/// <summary>
/// Reads the messages of RFC 3830 §6 with the additions of RFC 4563, RFC 4567 and RFC 6043 §6. Never throws, and what it allocates is
/// bounded by the length of the input. What a message must hold is the exchanges' business.
/// </summary>
public static class MikeyReader
{
    /// <summary>Certificates may be long; nothing that we send comes near.</summary>
    public const int MaxLength = 65_535;

    public const int MaxPayloads = 200;

    private const byte SrtpMap = 0;
    private const byte EmptyMap = 1;
    private const byte GenericMap = 2;

    public static bool TryRead(ReadOnlySpan<byte> octets, out MikeyMessage? message, out MikeyError error)
    {
        message = null;
        if (octets.Length > MaxLength)
        {
            error = MikeyError.TooLong;
            return false;
        }

        var reader = new OctetReader(octets);
        error = ReadHeader(ref reader, out var header, out var first);
        if (error != MikeyError.None) return false;
        error = ReadChain(ref reader, first, isNested: false, out var payloads);
        if (error == MikeyError.None && header!.Map is CsIdMap.Empty && payloads.Any(p => p is SecurityPolicy)) error = MikeyError.PolicyWithEmptyMap;
        if (error != MikeyError.None) return false;
        message = new MikeyMessage(header!, new ListOf<MikeyPayload>(payloads));
        return true;
    }

    /// <summary>An area inside a payload that begins with the number of its first payload.</summary>
    internal static MikeyError ReadArea(ref OctetReader reader, out ImmutableArray<MikeyPayload> payloads)
    {
        payloads = [];
        return reader.TryByte(out var first) ? ReadChain(ref reader, (PayloadType)first, isNested: true, out payloads) : MikeyError.Truncated;
    }

    /// <summary>Payloads to the end of the span.</summary>
    internal static MikeyError ReadChain(ref OctetReader reader, PayloadType first, bool isNested, out ImmutableArray<MikeyPayload> payloads)
    {
        payloads = [];
        var found = ImmutableArray.CreateBuilder<MikeyPayload>();
        for (var type = first; type != PayloadType.Last;)
        {
            if (++reader.Payloads > MaxPayloads) return MikeyError.TooManyPayloads;

            // A signature has no octet for what comes next (RFC 3830 §6.5).
            byte next = 0;
            if (type != PayloadType.Sign && !reader.TryByte(out next)) return MikeyError.Truncated;
            var error = ReadPayload(ref reader, type, isNested, out var payload);
            if (error != MikeyError.None) return error;
            found.Add(payload!);
            type = (PayloadType)next;
        }

        if (reader.Left > 0) return MikeyError.TrailingOctets;
        payloads = found.ToImmutable();
        return MikeyError.None;
    }

    private static MikeyError ReadPayload(ref OctetReader reader, PayloadType type, bool isNested, out MikeyPayload? payload)
    {
        payload = null;
        switch (type)
        {
            case PayloadType.Kemac: return Kemac.Read(ref reader, out payload);
            case PayloadType.Pke: return Pke.Read(ref reader, out payload);
            case PayloadType.Dh: return DhValue.Read(ref reader, out payload);
            case PayloadType.Sign: return Signature.Read(ref reader, out payload);
            case PayloadType.T: return Timestamp.Read(ref reader, out payload);
            case PayloadType.Id: return NamedIdentity.Read(ref reader, out payload);
            case PayloadType.Cert: return Certificate.Read(ref reader, out payload);
            case PayloadType.Chash: return CertificateHash.Read(ref reader, out payload);
            case PayloadType.V: return Verification.Read(ref reader, out payload);
            case PayloadType.Sp: return SecurityPolicy.Read(ref reader, out payload);
            case PayloadType.Rand: return RandomValue.Read(ref reader, out payload);
            case PayloadType.Err: return ErrorPayload.Read(ref reader, out payload);
            case PayloadType.Tr: return RoleTimestamp.Read(ref reader, out payload);
            case PayloadType.Idr: return RoleIdentity.Read(ref reader, out payload);
            case PayloadType.Randr: return RoleRand.Read(ref reader, out payload);
            case PayloadType.GeneralExtension: return GeneralExtension.Read(ref reader, out payload);

            // A ticket inside a ticket would nest without an end; key data stands in KEMAC only, behind its encryption.
            case PayloadType.Tp: return isNested ? MikeyError.MisplacedPayload : WantedTicket.Read(ref reader, out payload);
            case PayloadType.Ticket: return isNested ? MikeyError.MisplacedPayload : Ticket.Read(ref reader, out payload);
            case PayloadType.KeyData: return MikeyError.MisplacedPayload;
            default: return MikeyError.UnknownPayload;
        }
    }

    private static MikeyError ReadHeader(ref OctetReader reader, out MikeyHeader? header, out PayloadType first)
    {
        (header, first) = (null, default);
        if (!reader.TryByte(out var version)) return MikeyError.Truncated;
        if (version != MikeyHeader.Version) return MikeyError.BadVersion;
        if (!reader.TryByte(out var type) || !reader.TryByte(out var next) || !reader.TryByte(out var vAndPrf)
            || !reader.TryLong(out var csb) || !reader.TryByte(out var count) || !reader.TryByte(out var mapType)) return MikeyError.Truncated;
        CsIdMap? map = null;
        var error = mapType switch
        {
            SrtpMap => ReadSrtpMap(ref reader, count, out map),
            EmptyMap => Take(new CsIdMap.Empty(count), out map),
            GenericMap => ReadGenericMap(ref reader, count, out map),
            _ => MikeyError.UnknownMapType,
        };
        if (error != MikeyError.None) return error;
        first = (PayloadType)next;
        header = new MikeyHeader((MessageType)type, vAndPrf >> 7 == 1, (PrfFunction)(vAndPrf & 0x7F), csb, map!);
        return MikeyError.None;
    }

    private static MikeyError Take(CsIdMap value, out CsIdMap? map)
    {
        map = value;
        return MikeyError.None;
    }

    private static MikeyError ReadSrtpMap(ref OctetReader reader, int count, out CsIdMap? map)
    {
        map = null;
        var sessions = ImmutableArray.CreateBuilder<SrtpSession>();
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryByte(out var policy) || !reader.TryLong(out var ssrc) || !reader.TryLong(out var roc)) return MikeyError.Truncated;
            sessions.Add(new SrtpSession(policy, ssrc, roc));
        }

        return Take(new CsIdMap.Srtp(new(sessions.ToImmutable())), out map);
    }

    private static MikeyError ReadGenericMap(ref OctetReader reader, int count, out CsIdMap? map)
    {
        map = null;
        var sessions = ImmutableArray.CreateBuilder<GenericSession>();
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryByte(out var csId) || !reader.TryByte(out var protocol) || !reader.TryByte(out var sAndNumber)
                || !reader.TryOctets(sAndNumber & 0x7F, out var policies) || !reader.TrySized(out var session)
                || !reader.TryShort(out var spi)) return MikeyError.Truncated;
            var s = sAndNumber >> 7 == 1;
            if ((ProtocolType)protocol == ProtocolType.Srtp && !session.IsEmpty && !SrtpPosition.IsLength(session.Length, s)) return MikeyError.BadSession;
            sessions.Add(new GenericSession(csId, (ProtocolType)protocol, s, policies, session, spi));
        }

        return Take(new CsIdMap.Generic(new(sessions.ToImmutable())), out map);
    }
}
