using System.Formats.Asn1;
using System.Net;
using ConfCluster.Protocols.Sip.Authentication;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Authentication;

public sealed class CertificateNamesTests
{
    [Fact]
    [Trait("RFC", "5280 §4.2.1.6")]
    public void URIs_names_and_addresses_are_read_and_other_kinds_skipped()
    {
        Assert.True(CertificateNames.TryRead(Extension(), out var names));
        Assert.Equal(["sip:example.com", "sip:alice@example.com"], names.Uris.ToArray());
        Assert.Equal(["example.com"], names.DnsNames.ToArray());
        Assert.Equal([IPAddress.Loopback, IPAddress.IPv6Loopback], names.Addresses.ToArray());
    }

    [Fact]
    public void Every_cut_of_the_extension_is_refused()
    {
        var whole = Extension();
        for (var length = 0; length < whole.Length; length++) Assert.False(CertificateNames.TryRead(whole.AsMemory(0, length), out _), $"{length} octets");
    }

    [Fact]
    public void What_follows_the_names_makes_the_extension_wrong() => Assert.False(CertificateNames.TryRead(new byte[] { 0x30, 0, 0x30, 0 }, out _));

    [Fact]
    public void Random_octets_never_throw() => Gen.Byte.Array[0, 64].Sample(bytes => { _ = CertificateNames.TryRead(bytes, out _); });

    private static byte[] Extension()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.IA5String, "alice@example.com", Tag(1));
            writer.WriteCharacterString(UniversalTagNumber.IA5String, "sip:example.com", Tag(6));
            writer.WriteCharacterString(UniversalTagNumber.IA5String, "sip:alice@example.com", Tag(6));
            writer.WriteCharacterString(UniversalTagNumber.IA5String, "example.com", Tag(2));
            writer.WriteOctetString(IPAddress.Loopback.GetAddressBytes(), Tag(7));
            writer.WriteOctetString(IPAddress.IPv6Loopback.GetAddressBytes(), Tag(7));
            writer.WriteOctetString([1, 2, 3], Tag(7));
        }

        return writer.Encode();
    }

    private static Asn1Tag Tag(int number) => new(TagClass.ContextSpecific, number);
}
