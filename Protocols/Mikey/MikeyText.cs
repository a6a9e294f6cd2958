using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey;

/// <summary>A message field by field, for people. Keys that travel in clear are counted and not shown.</summary>
public static class MikeyText
{
    public static IEnumerable<string> Lines(MikeyMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var header = message.Header;
        var (v, number) = (header.V ? 1 : 0, (byte)header.Type);
        yield return $"HDR      {header.Type} ({number}), V {v}, PRF {header.Prf}, CSB ID {header.CsbId:x8}, {header.Map.Count} crypto sessions";
        switch (header.Map)
        {
            case CsIdMap.Srtp srtp:
                for (var i = 0; i < srtp.Sessions.Count; i++)
                    yield return $"  CS {i + 1}   policy {srtp.Sessions[i].Policy}, SSRC {srtp.Sessions[i].Ssrc:x8}, ROC {srtp.Sessions[i].Roc}";
                break;
            case CsIdMap.Generic generic:
                foreach (var s in generic.Sessions)
                    yield return $"  CS {s.CsId}   {s.Protocol}, policies {Hex(s.Policies)}, {Session(s)}, SPI {Hex(s.Spi)}";
                break;
        }

        foreach (var line in message.Payloads.SelectMany(p => Lines(p, ""))) yield return line;
    }

    private static IEnumerable<string> Lines(MikeyPayload payload, string indent)
    {
        yield return indent + payload switch
        {
            Kemac k => $"KEMAC    {k.Encryption}, {Encrypted(k)}, {k.MacAlgorithm} {Hex(k.Mac)}",
            Pke p => $"PKE      {p.Cache}, {p.Encrypted.Length} octets",
            DhValue d => $"DH       {d.Group}",
            Signature s => $"SIGN     {s.Type}, {Hex(s.Value)}",
            Timestamp t => $"T        {Time(t.Time)}",
            RoleTimestamp t when t.Role == TimestampRole.RekeyInterval => $"TR       {t.Role}, {t.Time.Value} s",
            RoleTimestamp t => $"TR       {t.Role}, {Time(t.Time)}",
            NamedIdentity i => $"ID       {i.Identity.Type} {i.Identity}",
            RoleIdentity i => $"IDR      {i.Role}, {i.Identity.Type} {i.Identity}",
            Certificate c => $"CERT     {c.Type}, {c.Value.Length} octets",
            CertificateHash h => $"CHASH    {h.Function} {Hex(h.Hash)}",
            Verification v => $"V        {v.Algorithm} {Hex(v.Mac)}",
            SecurityPolicy s => $"SP       {s.Policy}, {s.Protocol}, {string.Join(" ", s.Parameters.Select(p => $"{p.Type}={Hex(p.Value)}"))}",
            RandomValue r => $"RAND     {Hex(r.Value)}",
            RoleRand r => $"RANDR    {r.Role} {Hex(r.Value)}",
            ErrorPayload e => $"ERR      {e.Error} ({(byte)e.Error})",
            GeneralExtension { SdpIdList: { } ids } => $"EXT      SDP IDs {Identity.Uri(ids)}",
            GeneralExtension e => $"EXT      {e.Type}, {Hex(e.Value)}",
            WantedTicket t => $"TP       {Policy(t.Policy)}",
            Ticket t => $"TICKET   {Policy(t.Policy)}, ticket data {t.Contents.Length} octets, initiator data {t.Proof.Length} octets",
            _ => payload.Number.ToString(),
        };
        var contents = payload switch { WantedTicket t => t.Policy.Contents, Ticket t => t.Policy.Contents, _ => default };
        foreach (var line in contents.SelectMany(p => Lines(p, indent + "  "))) yield return line;
    }

    private static string Policy(TicketPolicy p)
    {
        var letters = "DEFGHIJKLMNO".Where((_, i) => ((int)p.Flags & 0x800 >> i) != 0);
        return $"type {p.Kind.Type} subtype {p.Kind.Subtype} version {p.Kind.Version}, PRF {p.Prf}, flags {string.Concat(letters)}";
    }

    private static string Encrypted(Kemac k) => k.Encryption == EncryptionAlgorithm.None ? $"{k.Encrypted.Length} octets in clear" : Hex(k.Encrypted);

    private static string Session(GenericSession s) => s.Position is not { } p ? $"session data {Hex(s.Session)}"
        : $"SSRC {p.Ssrc:x8}{(p.Highest is var (roc, seq) ? $", ROC {roc}, SEQ {seq}" : "")}";

    private static string Time(MikeyTime t) => $"{t.Type} {t.Value:x}{(t.ToTime() is { } at ? $" ({at:yyyy-MM-dd HH:mm:ss.fff}Z)" : "")}";

    private static string Hex(Octets octets) => octets.IsEmpty ? "-" : Convert.ToHexStringLower(octets.Span);
}
