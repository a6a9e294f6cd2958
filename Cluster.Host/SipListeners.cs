using Akka.Actor;
using ConfCluster.Actors;
using ConfCluster.Actors.Sip;

namespace ConfCluster.Host;

/// <summary>What this node's SIP endpoint says of itself.</summary>
internal sealed class SipListeners(EntityRegions regions)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Null when it does not answer in time.</summary>
    public async Task<SipListening?> AskAsync(TimeSpan? patience = null)
    {
        // A node without sockets for SIP has no endpoint to ask.
        if (regions.SipEndpoint.IsNobody()) return null;
        try
        {
            return await regions.SipEndpoint.Ask<SipListening>(GetListening.Instance, patience ?? Patience);
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }
}
