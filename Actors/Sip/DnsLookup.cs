using System.Collections.Immutable;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Sip.Resolution;
using DnsClient;
using DnsClient.Protocol;
using DnsQuestion = ConfCluster.Protocols.Sip.Resolution.DnsQuestion;

namespace ConfCluster.Actors.Sip;

/// <summary>An answer and how long it may be kept; not to be kept when nobody answered.</summary>
public sealed record DnsReply(DnsAnswer Answer, TimeSpan TimeToLive);

/// <summary>Asks the DNS: never throws, and an answer that does not come is an empty one that is not kept.</summary>
public sealed class DnsLookup
{
    private readonly LookupClient _client;

    public DnsLookup(DnsSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var options = settings.Servers.IsEmpty ? new LookupClientOptions() : new LookupClientOptions([.. settings.Servers]);
        (options.UseCache, options.ThrowDnsErrors, options.Timeout, options.Retries) = (false, false, settings.Timeout, 1);
        _client = new LookupClient(options);
    }

    public async Task<DnsReply> AskAsync(DnsQuestion question)
    {
        try
        {
            var response = await _client.QueryAsync(question.Name, TypeOf(question.Type));
            var answers = response.Answers.ToList();
            var life = answers.Count == 0 ? TimeSpan.FromSeconds(1) : TimeSpan.FromSeconds(answers.Min(a => a.TimeToLive));
            var failed = response.HasError && response.Header.ResponseCode != DnsHeaderResponseCode.NotExistentDomain;
            return new DnsReply(new DnsAnswer(question, Records(answers)), failed ? TimeSpan.Zero : life);
        }
        catch (Exception e) when (e is DnsResponseException or ArgumentException or InvalidOperationException or OperationCanceledException)
        {
            // No server answered, or the name is none that DNS could hold.
            return new DnsReply(new DnsAnswer(question, []), TimeSpan.Zero);
        }
    }

    private static ImmutableArray<DnsRecord> Records(IEnumerable<DnsResourceRecord> answers) =>
        [.. answers.Select(Record).OfType<DnsRecord>()];

    private static DnsRecord? Record(DnsResourceRecord record) => record switch
    {
        NAPtrRecord r => new DnsRecord.Naptr(r.Order, r.Preference, r.Flags, r.Services, r.Replacement.Value),
        SrvRecord r => new DnsRecord.Srv(r.Priority, r.Weight, r.Port, r.Target.Value),
        AddressRecord r => new DnsRecord.Address(r.Address),
        _ => null,
    };

    private static QueryType TypeOf(DnsType type) => type switch
    {
        DnsType.Naptr => QueryType.NAPTR,
        DnsType.Srv => QueryType.SRV,
        DnsType.A => QueryType.A,
        _ => QueryType.AAAA,
    };
}
