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

/// <summary>A user's exchanges with a KMS over HTTP or HTTPS: POST of application/mikey (RFC 3830 §10), one message each way.</summary>
public sealed class KmsHttp : IDisposable
{
    public const string MediaType = "application/mikey";
    private const int MaxAnswer = 65_535;
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);
    private readonly HttpClient _http;
    private readonly Uri _url;
    private readonly TimeProvider _clock;
    private HandshakeFailure? _refused;

    /// <param name="trust">For an https URL.</param>
    public KmsHttp(Uri url, KmsTrust trust, TimeSpan timeout, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(url);
        ArgumentNullException.ThrowIfNull(trust);
        (_url, _clock) = (url, clock);
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

    private ExchangeContext Context => new(_clock.GetUtcNow(), RandomNumberGenerator.Fill, Skew);

    public Task<KmsOutcome> RequestAsync(TicketPolicy wanted, KmsCredential credential, CancellationToken stop) =>
        RunAsync(KmsClient.Request(wanted, credential, Context), stop);

    public Task<KmsOutcome> ResolveAsync(Ticket ticket, KmsCredential credential, CancellationToken stop) =>
        RunAsync(KmsClient.Resolve(ticket, credential, Context), stop);

    public void Dispose() => _http.Dispose();

    private async Task<KmsOutcome> RunAsync(KmsClientStep step, CancellationToken stop)
    {
        _refused = null;
        var sent = ((KmsClientEffect.Send)step.Effects[0]).Message;
        using var waiting = (KmsClientState.Waiting)step.State;
        try
        {
            using var content = new ByteArrayContent(sent.Span.ToArray());
            content.Headers.ContentType = new MediaTypeHeaderValue(MediaType);
            using var answer = await _http.PostAsync(_url, content, stop).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode) return Failed($"{_url} answers {(int)answer.StatusCode}");
            var next = KmsClient.Next(step.State, Octets.CopyOf(await answer.Content.ReadAsByteArrayAsync(stop).ConfigureAwait(false)), Context);
            if (next.State is KmsClientState.Failed failed) return new KmsOutcome(null, failed.Error, failed.Said, null);
            return next.Effects[0] switch
            {
                KmsClientEffect.Received received => new KmsOutcome(received.Keys, ExchangeError.None, [], null),
                KmsClientEffect.Ignored ignored => new KmsOutcome(null, ignored.Error, [], null),
                _ => throw new System.Diagnostics.UnreachableException(),
            };
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return Failed(_refused is { } refused ? $"{_url}: the server's certificate is refused: {refused}" : $"{_url}: {e.Message}");
        }
    }

    private static KmsOutcome Failed(string why) => new(null, ExchangeError.None, [], why);
}
