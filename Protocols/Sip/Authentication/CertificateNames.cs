using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Net;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>
/// The names in a certificate's subjectAltName extension (RFC 5280 §4.2.1.6) that RFC 5922 §7.1 looks at, and addresses, which a target
/// without a name is compared with. Other kinds of names are skipped. The subject's CN is never a name: RFC 5922 §7.1 leaves that open.
/// </summary>
public sealed record CertificateNames(ImmutableArray<string> Uris, ImmutableArray<string> DnsNames, ImmutableArray<IPAddress> Addresses)
{
    public static readonly CertificateNames None = new([], [], []);

    private static readonly Asn1Tag DnsName = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag Uri = new(TagClass.ContextSpecific, 6);
    private static readonly Asn1Tag Address = new(TagClass.ContextSpecific, 7);

    /// <summary>Reads the value of the extension; false when it is not DER.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> extension, out CertificateNames names)
    {
        var uris = ImmutableArray.CreateBuilder<string>();
        var dns = ImmutableArray.CreateBuilder<string>();
        var addresses = ImmutableArray.CreateBuilder<IPAddress>();
        names = None;
        try
        {
            var reader = new AsnReader(extension, AsnEncodingRules.DER);
            var sequence = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            while (sequence.HasData)
            {
                var tag = sequence.PeekTag();
                if (tag.HasSameClassAndValue(DnsName)) dns.Add(sequence.ReadCharacterString(UniversalTagNumber.IA5String, DnsName));
                else if (tag.HasSameClassAndValue(Uri)) uris.Add(sequence.ReadCharacterString(UniversalTagNumber.IA5String, Uri));
                else if (!tag.HasSameClassAndValue(Address)) sequence.ReadEncodedValue();
                else if (sequence.ReadOctetString(Address) is { Length: 4 or 16 } octets) addresses.Add(new IPAddress(octets));
            }
        }
        catch (AsnContentException)
        {
            return false;
        }

        names = new CertificateNames(uris.ToImmutable(), dns.ToImmutable(), addresses.ToImmutable());
        return true;
    }
}
