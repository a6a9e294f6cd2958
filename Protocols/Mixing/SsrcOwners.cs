using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>Who may send under an SSRC in a conference: no two the same.</summary>
public interface ISsrcOwners
{
    /// <summary>False: it is ours, or somebody else was first. Only authenticated packets may claim.</summary>
    bool TryClaim(Ssrc ssrc, object claimant);
}

/// <summary>
/// SSRCs of what the legs send (RFC 3550 §8.2). In a clash the first keeps it and the newcomer's packets are dropped, so that an SSRC, which everybody can
/// read, is no weapon; ours always win, which also breaks loops.
/// </summary>
internal sealed class SsrcOwners(Func<Ssrc, bool> isOurs) : ISsrcOwners
{
    private readonly Dictionary<Ssrc, object> _owners = [];

    public bool TryClaim(Ssrc ssrc, object claimant) =>
        !isOurs(ssrc) && (_owners.TryAdd(ssrc, claimant) || ReferenceEquals(_owners[ssrc], claimant));

    /// <summary>What was registered in signalling is its own, whoever has sent under it.</summary>
    public void Register(Ssrc ssrc, object owner) => _owners[ssrc] = owner;

    /// <summary>Null: nobody's, or ours.</summary>
    public object? OwnerOf(Ssrc ssrc) => _owners.GetValueOrDefault(ssrc);

    public void Free(object claimant)
    {
        foreach (var owned in _owners.Where(o => ReferenceEquals(o.Value, claimant)).ToList()) _owners.Remove(owned.Key);
    }
}
