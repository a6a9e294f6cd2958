using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Resolution;

namespace ConfCluster.Actors.Nodes;

/// <summary>
/// From the list of seeds to addresses: a name stands for all its A or AAAA records, of the family of our own address. All nodes sort what they find the
/// same way, so that they agree on who may form a new cluster, however the list was written.
/// </summary>
public sealed class SeedSearch(Func<DnsQuestion, Task<DnsReply>> ask, Func<string, Task<IPAddress[]>> system)
{
    /// <summary>The DNS as SIP asks it, and where that knows nothing the system with its hosts file.</summary>
    public static SeedSearch Of(DnsSettings dns) => new(new DnsLookup(dns).AskAsync, AskSystemAsync);

    /// <summary>Empty: no name was found yet.</summary>
    public async Task<ImmutableArray<IPEndPoint>> FindAsync(ImmutableArray<SeedAddress> seeds, AddressFamily family)
    {
        var found = new HashSet<IPEndPoint>();
        foreach (var seed in seeds)
        {
            foreach (var address in await AddressesAsync(seed.Host, family)) found.Add(new IPEndPoint(address, seed.Port));
        }

        return [.. found.OrderBy(Order, StringComparer.Ordinal)];
    }

    private async Task<IEnumerable<IPAddress>> AddressesAsync(string host, AddressFamily family)
    {
        if (IPAddress.TryParse(host, out var literal)) return [literal];
        var type = family == AddressFamily.InterNetworkV6 ? DnsType.Aaaa : DnsType.A;
        var reply = await ask(new DnsQuestion(type, host));
        var known = reply.Answer.Records.OfType<DnsRecord.Address>().Select(r => r.Value).Where(a => a.AddressFamily == family).ToList();
        return known.Count > 0 ? known : (await system(host)).Where(a => a.AddressFamily == family);
    }

    private static async Task<IPAddress[]> AskSystemAsync(string host)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(host);
        }
        catch (SocketException)
        {
            return [];
        }
    }

    private static string Order(IPEndPoint endPoint) => $"{Convert.ToHexString(endPoint.Address.GetAddressBytes())}:{endPoint.Port:X4}";
}
