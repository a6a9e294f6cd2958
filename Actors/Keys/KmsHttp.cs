using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using ConfCluster.Actors.Sip.Tls;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Actors.Keys;

/// <summary>What a KMS was asked came to: keys that the receiver owns, or an error of the exchange, or no answer at all.</summary>
public sealed class KmsOutcome(GrantedKeys? keys, ExchangeError error, IReadOnlyList<ErrorNumber> said, string? unreachable)
{
    public GrantedKeys? Keys => keys;

    public ExchangeError Error => error;

    /// <summary>Null: it answered.</summary>
    public string? Unreachable => unreachable;

    /// <summary>For people.</summary>
    public string Problem => unreachable ?? $"{error}{(said.Count == 0 ? "" : $" ({string.Join(", ", said)})")}";
}

/// <summary>
/// A user's exchanges with a KMS over HTTP or HTTPS: POST of application/mikey (RFC 3830 §10), one message each way. A KMS may be several nodes that share their
/// keys: the one that answered last is asked first, and the next one when it cannot be reached.
/// </summary>
public sealed class KmsHttp : IDisposable
{
    public const string MediaType = "application/mikey";
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);
    private readonly ImmutableArray<KmsWay> _ways;
    private readonly TimeProvider _clock;
    private int _first;

    /// <param name="urls">One at least.</param>
    /// <param name="trust">For an https URL.</param>
    /// <param name="timeout">Of each node that is asked.</param>
    public KmsHttp(ImmutableArray<Uri> urls, KmsTrust trust, TimeSpan timeout, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(trust);
        ArgumentOutOfRangeException.ThrowIfZero(urls.Length);
        (_ways, _clock) = ([.. urls.Select(u => new KmsWay(u, trust, timeout))], clock);
    }

    private ExchangeContext Context => new(_clock.GetUtcNow(), RandomNumberGenerator.Fill, Skew);

    public Task<KmsOutcome> RequestAsync(TicketPolicy wanted, KmsCredential credential, CancellationToken stop) =>
        RunAsync(KmsClient.Request(wanted, credential, Context), stop);

    public Task<KmsOutcome> ResolveAsync(Ticket ticket, KmsCredential credential, CancellationToken stop) =>
        RunAsync(KmsClient.Resolve(ticket, credential, Context), stop);

    public void Dispose()
    {
        foreach (var way in _ways) way.Dispose();
    }

    private async Task<KmsOutcome> RunAsync(KmsClientStep step, CancellationToken stop)
    {
        var sent = ((KmsClientEffect.Send)step.Effects[0]).Message;
        using var waiting = (KmsClientState.Waiting)step.State;
        var (first, problems) = (Volatile.Read(ref _first), new List<string>());
        for (var i = 0; i < _ways.Length; i++)
        {
            var number = (first + i) % _ways.Length;
            var (answer, problem) = await _ways[number].PostAsync(sent, stop).ConfigureAwait(false);
            if (answer is { } octets)
            {
                Volatile.Write(ref _first, number);
                return Read(waiting, octets);
            }

            problems.Add(problem);
        }

        return new KmsOutcome(null, ExchangeError.None, [], string.Join("; ", problems));
    }

    private KmsOutcome Read(KmsClientState.Waiting waiting, Octets answer)
    {
        var next = KmsClient.Next(waiting, answer, Context);
        if (next.State is KmsClientState.Failed failed) return new KmsOutcome(null, failed.Error, failed.Said, null);
        return next.Effects[0] switch
        {
            KmsClientEffect.Received received => new KmsOutcome(received.Keys, ExchangeError.None, [], null),
            KmsClientEffect.Ignored ignored => new KmsOutcome(null, ignored.Error, [], null),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }
}

/// <summary>One node of a KMS.</summary>
internal sealed class KmsWay : IDisposable
{
    private const int MaxAnswer = 65_535;
    private readonly HttpClient _http;
    private readonly Uri _url;
    private HandshakeFailure? _refused;

    public KmsWay(Uri url, KmsTrust trust, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(url);
        _url = url;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            SslOptions = trust.OptionsFor(url.IdnHost, failure => _refused = failure),
        };
        _http = new HttpClient(handler)
        {
            Timeout = timeout,
            MaxResponseContentBufferSize = MaxAnswer,
        };
    }

    /// <summary>Null and why: there is no answer.</summary>
    public async Task<(Octets? Answer, string Problem)> PostAsync(Octets message, CancellationToken stop)
    {
        _refused = null;
        try
        {
            using var content = new ByteArrayContent(message.Span.ToArray());
            content.Headers.ContentType = new MediaTypeHeaderValue(KmsHttp.MediaType);
            using var answer = await _http.PostAsync(_url, content, stop).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode) return (null, $"{_url} answers {(int)answer.StatusCode}");
            return (Octets.CopyOf(await answer.Content.ReadAsByteArrayAsync(stop).ConfigureAwait(false)), "");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return (null, _refused is { } refused ? $"{_url}: the server's certificate is refused: {refused}" : $"{_url}: {e.Message}");
        }
    }

    public void Dispose() => _http.Dispose();
}
