using System.Collections.Immutable;
using System.Text;

namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 3830 §6.15, RFC 4567 §7 and RFC 4563 §4. Other types are kept as they came.</summary>
public enum ExtensionType : byte
{
    VendorId = 0,
    SdpIds = 1,
    KeyId = 3,
    CsbId = 4,
}

/// <summary>Which key of a broadcast is meant (RFC 4563 §4).</summary>
public readonly record struct KeyIdentifier(byte Type, Octets Value);

/// <summary>The general extension payload (RFC 3830 §6.15).</summary>
public sealed record GeneralExtension(ExtensionType Type, Octets Value) : MikeyPayload
{
    public override PayloadType Number => PayloadType.GeneralExtension;

    /// <summary>RFC 4567 §4.1.4: the key management protocols that the offer lists, in its order, so that none can be taken away unseen.</summary>
    public static GeneralExtension SdpIds(params IEnumerable<string> protocols) =>
        new(ExtensionType.SdpIds, Octets.CopyOf(Encoding.ASCII.GetBytes(string.Join(';', protocols))));

    /// <summary>RFC 4563 §4.</summary>
    public static GeneralExtension KeyIds(params IEnumerable<KeyIdentifier> ids)
    {
        var writer = new OctetWriter();
        foreach (var id in ids)
        {
            writer.Byte(id.Type);
            writer.Short(id.Value);
        }

        return new GeneralExtension(ExtensionType.KeyId, writer.ToOctets());
    }

    /// <summary>Null when this is another extension.</summary>
    public string? SdpIdList => Type == ExtensionType.SdpIds ? Encoding.Latin1.GetString(Value.Span) : null;

    /// <summary>False when this is another extension, or one whose parts do not fill it.</summary>
    public bool TryKeyIds(out ImmutableArray<KeyIdentifier> ids)
    {
        ids = [];
        var found = ImmutableArray.CreateBuilder<KeyIdentifier>();
        for (var reader = new OctetReader(Value.Span); reader.Left > 0;)
        {
            if (!reader.TryByte(out var type) || !reader.TryShort(out var value)) return false;
            found.Add(new KeyIdentifier(type, value));
        }

        ids = found.ToImmutable();
        return Type == ExtensionType.KeyId;
    }

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var type) || !reader.TrySized(out var value)) return MikeyError.Truncated;
        payload = new GeneralExtension((ExtensionType)type, value);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte((byte)Type);
        writer.Sized(Value);
    }
}
