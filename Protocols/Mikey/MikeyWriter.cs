using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey;

/// <summary>Writes what <see cref="MikeyReader"/> reads, octet by octet the same.</summary>
public static class MikeyWriter
{
    public static Octets Write(MikeyMessage message) => Write(message, withProof: true).ToOctets();

    /// <summary>
    /// The part of a message that its MAC or signature covers: all but that field itself, and of TRANSFER_INIT not the Initiator Data
    /// and its length (RFC 6043 §5.5, RFC 3830 §5.2).
    /// </summary>
    internal static OctetWriter Covered(MikeyMessage message) => Write(message, message.Header.Type != MessageType.TransferInit);

    /// <summary>Octets at the end of <see cref="Covered"/> that are the MAC or signature itself.</summary>
    internal static int ProofLength(MikeyMessage message) => message.Last switch
    {
        Verification v => v.Mac.Length,
        Kemac kemac => kemac.Mac.Length,
        Signature signature => signature.Value.Length,
        _ => 0,
    };

    /// <summary>The number of the first payload, then the payloads.</summary>
    internal static Octets Area(ListOf<MikeyPayload> payloads)
    {
        var writer = new OctetWriter();
        writer.Byte((byte)(payloads.Count == 0 ? PayloadType.Last : payloads[0].Number));
        WriteChain(writer, payloads, withProof: true);
        return writer.ToOctets();
    }

    internal static void WriteChain(OctetWriter writer, ListOf<MikeyPayload> payloads, bool withProof)
    {
        var items = payloads.Items;
        for (var i = 0; i < items.Length; i++)
        {
            if (items[i] is Signature && i + 1 < items.Length) throw new InvalidOperationException("a signature ends its message");
            if (items[i] is not Signature) writer.Byte((byte)(i + 1 < items.Length ? items[i + 1].Number : PayloadType.Last));
            if (items[i] is Ticket ticket && !withProof) ticket.WriteWithoutProof(writer);
            else items[i].WriteBody(writer);
        }
    }

    private static OctetWriter Write(MikeyMessage message, bool withProof)
    {
        ArgumentNullException.ThrowIfNull(message);
        var writer = new OctetWriter();
        var header = message.Header;
        writer.Byte(MikeyHeader.Version);
        writer.Byte((byte)header.Type);
        writer.Byte((byte)(message.Payloads.Count == 0 ? PayloadType.Last : message.Payloads[0].Number));
        writer.Byte((byte)((header.V ? 0x80 : 0) | (byte)header.Prf));
        writer.Long(header.CsbId);
        writer.Byte(checked((byte)header.Map.Count));
        WriteMap(writer, header.Map);
        WriteChain(writer, message.Payloads, withProof);
        return writer;
    }

    private static void WriteMap(OctetWriter writer, CsIdMap map)
    {
        switch (map)
        {
            case CsIdMap.Srtp srtp:
                writer.Byte(0);
                foreach (var session in srtp.Sessions.Items)
                {
                    writer.Byte(session.Policy);
                    writer.Long(session.Ssrc);
                    writer.Long(session.Roc);
                }

                break;
            case CsIdMap.Generic generic:
                writer.Byte(2);
                foreach (var session in generic.Sessions.Items) WriteSession(writer, session);
                break;
            default:
                writer.Byte(1);
                break;
        }
    }

    private static void WriteSession(OctetWriter writer, GenericSession session)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(session.Policies.Length, 0x7F);
        writer.Byte(session.CsId);
        writer.Byte((byte)session.Protocol);
        writer.Byte((byte)((session.S ? 0x80 : 0) | session.Policies.Length));
        writer.Raw(session.Policies.Span);
        writer.Sized(session.Session);
        writer.Short(session.Spi);
    }
}
