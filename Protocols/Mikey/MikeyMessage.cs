using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey;

/// <summary>
/// A whole message. Reserved bits are kept, so writing what was read gives the same octets; the MACs need no more than that.
/// </summary>
public sealed record MikeyMessage(MikeyHeader Header, ListOf<MikeyPayload> Payloads)
{
    public MikeyMessage(MikeyHeader header, params ReadOnlySpan<MikeyPayload> payloads)
        : this(header, new ListOf<MikeyPayload>([.. payloads]))
    {
    }

    public uint CsbId => Header.CsbId;

    /// <summary>The payload that ends the message and holds its MAC or signature.</summary>
    public MikeyPayload? Last => Payloads.Count == 0 ? null : Payloads[^1];

    public T? First<T>()
        where T : MikeyPayload
    {
        foreach (var payload in Payloads)
            if (payload is T found)
                return found;
        return null;
    }

    public IEnumerable<T> All<T>()
        where T : MikeyPayload => Payloads.OfType<T>();

    public Identity? IdentityOf(IdentityRole role)
    {
        foreach (var payload in Payloads)
            if (payload is RoleIdentity found && found.Role == role)
                return found.Identity;
        return null;
    }

    public Octets? RandOf(RandRole role)
    {
        foreach (var payload in Payloads)
            if (payload is RoleRand found && found.Role == role)
                return found.Value;
        return null;
    }

    public MikeyMessage WithLast(MikeyPayload last) => this with { Payloads = new([.. Payloads.Items[..^1], last]) };
}
