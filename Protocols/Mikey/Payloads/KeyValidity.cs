namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>When a key is to be used (RFC 3830 §6.14): part of key data and of DH.</summary>
public abstract record KeyValidity
{
    private KeyValidity()
    {
    }

    /// <summary>The four bits KV.</summary>
    public abstract byte Kind { get; }

    /// <summary>No limit said.</summary>
    public sealed record Always : KeyValidity
    {
        public override byte Kind => 0;
    }

    /// <summary>The key belongs to this SPI; for SRTP that is the MKI.</summary>
    public sealed record Named(Octets Spi) : KeyValidity
    {
        public override byte Kind => 1;
    }

    /// <summary>From this packet index to that one.</summary>
    public sealed record Between(Octets From, Octets To) : KeyValidity
    {
        public override byte Kind => 2;
    }

    internal static MikeyError Read(ref OctetReader reader, byte kind, out KeyValidity? validity)
    {
        validity = null;
        switch (kind)
        {
            case 0:
                validity = new Always();
                return MikeyError.None;
            case 1:
                if (!reader.TryShort(out var spi)) return MikeyError.Truncated;
                validity = new Named(spi);
                return MikeyError.None;
            case 2:
                if (!reader.TryShort(out var from) || !reader.TryShort(out var to)) return MikeyError.Truncated;
                validity = new Between(from, to);
                return MikeyError.None;
            default:
                return MikeyError.BadKey;
        }
    }

    internal int Length => this switch
    {
        Named named => 1 + named.Spi.Length,
        Between between => 2 + between.From.Length + between.To.Length,
        _ => 0,
    };

    internal void Write(OctetWriter writer)
    {
        switch (this)
        {
            case Named named:
                writer.Short(named.Spi);
                break;
            case Between between:
                writer.Short(between.From);
                writer.Short(between.To);
                break;
        }
    }
}
