using System.Collections.Immutable;
using System.Globalization;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>A name and a password for a realm; "*" stands for any realm. It owns the password.</summary>
public sealed record DigestAccount(string Realm, string UserName, SecretBytes Password)
{
    public bool Serves(string realm) => Realm == "*" || string.Equals(Realm, realm, StringComparison.Ordinal);

    public override string ToString() => $"{UserName} in {Realm}";
}

/// <summary>A challenge that we can answer, and how often its nonce was used.</summary>
/// <param name="IsProxy">Proxy-Authenticate, answered with Proxy-Authorization (RFC 3261 §22.3).</param>
public sealed record DigestPass(ChallengeFields Challenge, bool IsProxy, uint Count)
{
    /// <summary>The header that answers, and the pass for the next request with the same nonce (RFC 7616 §3.4: nc counts up).</summary>
    public (DigestPass Next, SipHeader Header) Authorize(SipMethod method, string uri, DigestAccount account, SecretWriter random)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(random);
        var algorithm = DigestAlgorithm.Find(Challenge.Algorithm) ?? throw new InvalidOperationException("only what can be answered is a pass");
        var next = this with { Count = checked(Count + 1) };
        var hasQop = !Challenge.Qop.IsEmpty;
        var credentials = new CredentialFields(
            account.UserName, Challenge.Realm, Challenge.Nonce, uri, "", Challenge.Algorithm, hasQop ? ClientNonce(random) : null, Challenge.Opaque,
            hasQop ? "auth" : null, hasQop ? next.Count.ToString("x8", CultureInfo.InvariantCulture) : null);
        using var secret = DigestComputation.Secret(algorithm, account.UserName, Challenge.Realm, account.Password);
        credentials = credentials with { Response = DigestComputation.Response(algorithm, secret, method.Name, credentials) };
        return (next, new SipHeader(IsProxy ? HeaderNames.ProxyAuthorization : HeaderNames.Authorization, credentials.ToString()));
    }

    private static string ClientNonce(SecretWriter random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}

/// <summary>
/// The client side of RFC 3261 §22 and RFC 8760 §2.4: of the challenges of each realm the topmost that we can answer. A realm that was
/// answered is answered again only if the server says that the nonce was stale; anything else would be the same wrong password again.
/// </summary>
/// <param name="Passes">One per realm and kind of header, kept for the requests that follow.</param>
public sealed record DigestClient(ImmutableArray<DigestAccount> Accounts, ImmutableArray<DigestPass> Passes)
{
    /// <summary>Challenges that one request answers: a proxy, the server, an old nonce of each, and no more, or they could ask for ever.</summary>
    public const int MaxAnswers = 4;

    public static DigestClient Of(params ImmutableArray<DigestAccount> accounts) => new(accounts, []);

    /// <summary>From a 401 or 407. False: nothing in it can be answered, or it was answered before.</summary>
    public bool TryLearn(SipResponse response, out DigestClient next)
    {
        ArgumentNullException.ThrowIfNull(response);
        next = this;
        var passes = Passes;
        var learnt = false;
        foreach (var challenge in Best(response))
        {
            var known = passes.FirstOrDefault(p => IsSame(p, challenge));
            if (known is not null && known.Count > 0 && !challenge.Challenge.IsStale) return false;
            passes = known is null ? passes.Add(challenge) : passes.Replace(known, challenge);
            learnt = true;
        }

        next = this with { Passes = passes };
        return learnt;
    }

    /// <summary>With an answer to every challenge that is known, in place of the old ones.</summary>
    public (DigestClient Next, SipRequest Request) Authorize(SipRequest request, SecretWriter random)
    {
        ArgumentNullException.ThrowIfNull(request);
        var headers = request.Headers.Without(HeaderNames.Authorization).Without(HeaderNames.ProxyAuthorization);
        var passes = ImmutableArray.CreateBuilder<DigestPass>(Passes.Length);
        foreach (var pass in Passes)
        {
            var account = Accounts.First(a => a.Serves(pass.Challenge.Realm));
            var (next, header) = pass.Authorize(request.Method, request.RequestUri.ToString(), account, random);
            headers = headers.Append(header.Name, header.Value);
            passes.Add(next);
        }

        return (this with { Passes = passes.ToImmutable() }, request with { Headers = headers });
    }

    private IEnumerable<DigestPass> Best(SipResponse response)
    {
        var found = new List<DigestPass>();
        foreach (var isProxy in (ReadOnlySpan<bool>)[false, true])
        {
            foreach (var value in response.Headers.All(isProxy ? HeaderNames.ProxyAuthenticate : HeaderNames.WwwAuthenticate))
            {
                if (!DigestText.TryReadChallenges(value, out var challenges, out _)) continue;
                found.AddRange(challenges.Where(IsAnswerable).Select(c => new DigestPass(c, isProxy, 0)));
            }
        }

        // RFC 8760 §2.4: the topmost that is supported.
        return found.DistinctBy(p => (p.IsProxy, p.Challenge.Realm));
    }

    private bool IsAnswerable(ChallengeFields challenge) =>
        DigestAlgorithm.Find(challenge.Algorithm) is not null && Accounts.Any(a => a.Serves(challenge.Realm))
        && (challenge.Qop.IsEmpty || challenge.Qop.Contains("auth", StringComparer.OrdinalIgnoreCase));

    private static bool IsSame(DigestPass one, DigestPass other) => one.IsProxy == other.IsProxy && one.Challenge.Realm == other.Challenge.Realm;
}
