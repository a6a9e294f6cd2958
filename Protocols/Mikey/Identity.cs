using System.Text;

namespace ConfCluster.Protocols.Mikey;

/// <summary>RFC 3830 §6.7 and RFC 6043 §6.5.</summary>
public enum IdentityType : byte
{
    Nai = 0,
    Uri = 1,
    Bytes = 2,
}

/// <summary>Who somebody is. MACs and derivations take the octets alone.</summary>
public readonly record struct Identity(IdentityType Type, Octets Name)
{
    public static Identity Uri(string uri) => new(IdentityType.Uri, Octets.CopyOf(Encoding.UTF8.GetBytes(uri)));

    public static Identity Bytes(ReadOnlySpan<byte> name) => new(IdentityType.Bytes, Octets.CopyOf(name));

    /// <summary>For people: text where it is printable ASCII, else hexadecimal.</summary>
    public override string ToString()
    {
        foreach (var octet in Name.Span)
            if (octet is < 0x20 or > 0x7E)
                return Convert.ToHexStringLower(Name.Span);
        return Encoding.ASCII.GetString(Name.Span);
    }
}
