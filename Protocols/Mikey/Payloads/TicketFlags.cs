namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>The flags D to O of a ticket policy (RFC 6043 §6.10), D as the highest of twelve bits.</summary>
[Flags]
public enum TicketFlags
{
    None = 0,

    /// <summary>D: made by the KMS, not by the Initiator.</summary>
    ByKms = 0x800,

    /// <summary>E: only the KMS may resolve it.</summary>
    ResolveAtKms = 0x400,

    /// <summary>F: a TRANSFER_RESP is to be sent.</summary>
    Answered = 0x200,

    /// <summary>G: the Responder adds RANDRr.</summary>
    ResponderRand = 0x100,

    /// <summary>H: RANDRi goes into the derivation of TEKs.</summary>
    InitiatorRand = 0x080,

    /// <summary>I: key forking.</summary>
    Forking = 0x040,

    /// <summary>J: may be used again.</summary>
    Reusable = 0x020,

    /// <summary>K: the KMS granted something else than was asked for.</summary>
    Changed = 0x010,

    /// <summary>L: the Initiator may send keys.</summary>
    InitiatorKeys = 0x008,

    /// <summary>M: the Responder may send keys.</summary>
    ResponderKeys = 0x004,

    /// <summary>N: nothing beyond RFC 6043 is asked of the Initiator.</summary>
    PlainInitiator = 0x002,

    /// <summary>O: nothing beyond RFC 6043 is asked of the Responder.</summary>
    PlainResponder = 0x001,
}

public static class TicketFlagRules
{
    /// <summary>
    /// RFC 6043 §6.10: NOT D implies L, G implies F, NOT G implies H, NOT H implies G, I implies E, K implies D, M implies F.
    /// </summary>
    public static bool AreSound(this TicketFlags f) =>
        (f.HasFlag(TicketFlags.ByKms) || f.HasFlag(TicketFlags.InitiatorKeys))
        && Implies(f, TicketFlags.ResponderRand, TicketFlags.Answered)
        && (f & (TicketFlags.ResponderRand | TicketFlags.InitiatorRand)) != 0
        && Implies(f, TicketFlags.Forking, TicketFlags.ResolveAtKms)
        && Implies(f, TicketFlags.Changed, TicketFlags.ByKms)
        && Implies(f, TicketFlags.ResponderKeys, TicketFlags.Answered);

    private static bool Implies(TicketFlags flags, TicketFlags first, TicketFlags second) => !flags.HasFlag(first) || flags.HasFlag(second);
}
