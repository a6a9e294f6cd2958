namespace ConfCluster.Protocols.Mikey;

/// <summary>What a derived key is for: the constants of RFC 3830 §4.1.3, §4.1.4 and RFC 6043 §5.1.1, §A.2.2, taken from the digits of e.</summary>
public enum KeyPurpose : uint
{
    Tek = 0x2AD01C64,
    SessionAuthentication = 0x1B5C7973,
    SessionEncryption = 0x15798CEF,
    SessionSalt = 0x39A2C14B,
    MessageEncryption = 0x150533E1,
    MessageAuthentication = 0x2D22AC75,
    MessageSalt = 0x29B88916,
    ForkedMpk = 0x2B288856,
    ForkedTgk = 0x1512B54A,
    InitiatorMpk = 0x220E99A2,
    ResponderMpk = 0x1F4D675B,
}

/// <summary>
/// The labels of all derivations without their first four octets, which are the <see cref="KeyPurpose"/>. RANDs stand in them with one
/// octet of length in RFC 6043, without in RFC 3830; an identity with two.
/// </summary>
public static class KeyLabel
{
    private const byte NoCrypto = 0xFF;
    private const uint NoBundle = 0xFFFFFFFF;

    /// <summary>TEKs of RFC 3830 §4.1.3.</summary>
    public static Octets Session3830(byte csId, uint csbId, Octets rand) => Plain(csId, csbId, rand);

    /// <summary>Keys of a message of RFC 3830 §4.1.4.</summary>
    public static Octets Message3830(uint csbId, Octets rand) => Plain(NoCrypto, csbId, rand);

    /// <summary>RFC 6043 §5.1.2: 1 for initial messages, 2 for responses; a RAND that takes no part is empty.</summary>
    public static Octets Message(uint csbId, bool isResponse, Octets initiatorRand, Octets responderRand) =>
        Ticket(NoCrypto, csbId, (byte)(isResponse ? 2 : 1), initiatorRand, responderRand);

    /// <summary>RFC 6043 §5.1.3.</summary>
    public static Octets Session(byte csId, Octets initiatorRand, Octets responderRand) => Ticket(csId, NoBundle, 3, initiatorRand, responderRand);

    /// <summary>RFC 6043 §5.1.1.</summary>
    public static Octets Fork(Identity responder, Octets kmsRand)
    {
        var writer = Begin(NoCrypto, NoBundle, 0);
        writer.Sized(responder.Name);
        writer.Short(kmsRand);
        return writer.ToOctets();
    }

    /// <summary>RFC 6043 §6.10: of Vr.</summary>
    public static Octets InitiatorProof() => Begin(NoCrypto, NoBundle, 4).ToOctets();

    /// <summary>RFC 6043 §A.2.1.</summary>
    public static Octets TicketProtection(Octets rand) => WithRand(5, rand);

    /// <summary>RFC 6043 §A.2.2.</summary>
    public static Octets TicketMpk(Octets rand) => WithRand(6, rand);

    public static Octets For(KeyPurpose purpose, Octets rest)
    {
        var writer = new OctetWriter();
        writer.Long((uint)purpose);
        writer.Raw(rest.Span);
        return writer.ToOctets();
    }

    private static Octets Plain(byte csId, uint csbId, Octets rand)
    {
        var writer = new OctetWriter();
        writer.Byte(csId);
        writer.Long(csbId);
        writer.Raw(rand.Span);
        return writer.ToOctets();
    }

    private static Octets Ticket(byte csId, uint csbId, byte kind, Octets first, Octets second)
    {
        var writer = Begin(csId, csbId, kind);
        writer.Short(first);
        writer.Short(second);
        return writer.ToOctets();
    }

    private static Octets WithRand(byte kind, Octets rand)
    {
        var writer = Begin(NoCrypto, NoBundle, kind);
        writer.Short(rand);
        return writer.ToOctets();
    }

    private static OctetWriter Begin(byte csId, uint csbId, byte kind)
    {
        var writer = new OctetWriter();
        writer.Byte(csId);
        writer.Long(csbId);
        writer.Byte(kind);
        return writer;
    }
}
