using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>What comes of the question who sent a request.</summary>
public abstract record CallerVerdict
{
    private CallerVerdict()
    {
    }

    public sealed record Known(CallerIdentity Caller) : CallerVerdict;

    /// <summary>401 with these fields (RFC 3261 §22.2).</summary>
    public sealed record Challenge(SipHeaders Fields) : CallerVerdict;

    /// <summary>Credentials that no second try with the same phone can mend.</summary>
    public sealed record Refused(int Status, string Reason) : CallerVerdict;
}

/// <param name="Peer">From the TLS handshake; null: no certificate that was verified.</param>
/// <param name="IsOurDialog">It belongs to a dialog that we began, whose phone has no account with us.</param>
public sealed record CallerQuestion(SipRequest Request, SipFlow Flow, TlsPeer? Peer, bool IsOurDialog);

/// <summary>
/// Who is calling: certificate before digest before assertion before nothing (RFC 3261 §22, RFC 7616 §3.4, RFC 3325 §5, RFC 5922 §7). The only
/// state is the table of nonce counts, which a request enters after its response was right. Left out: auth-int, "username*", userhash.
/// </summary>
public sealed class CallerCheck(AuthenticationPolicy policy, NonceMint nonces, SecretWriter random)
{
    private readonly NonceCounts _counts = new(policy.MaxNonces);

    /// <summary>Compared with where there is no such user, so that both take the same way.</summary>
    private readonly SecretBytes _nobody = SecretBytes.Create(64, random);

    public int NoncesInUse => _counts.Count;

    public CallerVerdict Judge(CallerQuestion question, UserTable users, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(question);
        ArgumentNullException.ThrowIfNull(users);
        var request = question.Request;
        // A trusted peer's certificate says who forwards; what it asserts says who calls.
        var isTrusted = policy.TrustedPeers.Any(p => p.Is(question.Flow.Remote.Address, question.Peer));
        if (question.Peer is { } peer && !isTrusted) return Known(Claims.OfCertificate(peer), IdentityProof.Certificate, request);
        // RFC 3261 §22.1: neither can be sent again with credentials.
        if (request.Method == SipMethod.Ack || request.Method == SipMethod.Cancel) return Nobody(request);
        if (policy.IsRequired && TryDigest(request, users, now, out var byDigest)) return byDigest!;
        if (isTrusted && Asserted(request) is { } asserted) return Known(asserted, IdentityProof.Asserted, request);
        if (!policy.IsRequired || question.IsOurDialog || IsFreeOptions(request)) return Nobody(request);
        return Challenge(request, now, isStale: false);
    }

    private bool IsFreeOptions(SipRequest request) =>
        request.Method == SipMethod.Options && request.Headers.To.Tag is null && !policy.ChallengesOptions;

    /// <summary>RFC 3325 §5: from a trusted peer only. In its dialogs such a peer need not repeat whom it let in.</summary>
    private static string? Asserted(SipRequest request) =>
        Claims.Asserted(request) ?? (request.Headers.To.Tag is null ? null : Claims.From(request));

    /// <summary>False: there are no credentials for our realm.</summary>
    private bool TryDigest(SipRequest request, UserTable users, DateTimeOffset now, out CallerVerdict? verdict)
    {
        CredentialFields? ours = null;
        verdict = null;
        foreach (var value in request.Headers.All(HeaderNames.Authorization))
        {
            if (!DigestText.TryReadCredentials(value, out var read, out var error)) return Refuse($"Authorization: {error}", out verdict);
            if (read is null || read.Realm != policy.Realm) continue;
            if (ours is not null) return Refuse("Authorization: realm given twice", out verdict);
            ours = read;
        }

        if (ours is null) return false;
        verdict = Fault(ours, request) is { } fault ? new CallerVerdict.Refused(400, fault) : Checked(ours, request, users, now);
        return true;
    }

    /// <summary>RFC 7616 §3.4: what is missing or improper is a 4xx. We always offer qop, so it must come back (RFC 3261 §22.4).</summary>
    private static string? Fault(CredentialFields credentials, SipRequest request)
    {
        if (credentials.Qop is null) return "Authorization: qop missing";
        if (!credentials.Qop.Equals("auth", StringComparison.OrdinalIgnoreCase)) return $"Authorization: qop {credentials.Qop} not offered";
        // RFC 3261 §22.4 item 7: proxies rewrite the URI. Whom it names must stay, or credentials for one conference would open another.
        return SipReader.TryReadUri(credentials.Uri, out var uri) && uri!.IsSip && uri.User == request.RequestUri.User
            ? null
            : "Authorization: uri is not the Request-URI";
    }

    private CallerVerdict Checked(CredentialFields credentials, SipRequest request, UserTable users, DateTimeOffset now)
    {
        var algorithm = DigestAlgorithm.Find(credentials.Algorithm);
        var state = nonces.Check(credentials.Nonce, policy.Realm, now, out var stamp);
        if (algorithm is null || !OfferedTo(request).Contains(algorithm) || state == NonceState.Foreign) return Challenge(request, now, isStale: false);

        var secret = users.Find(credentials.UserName, policy.Realm, algorithm);
        var isRight = DigestComputation.IsRight(algorithm, secret ?? _nobody, request.Method.Name, credentials);
        if (!isRight || secret is null) return Challenge(request, now, isStale: false);

        // RFC 7616 §3.3: stale tells the phone that its password is right and only the nonce is not.
        if (state == NonceState.Expired) return Challenge(request, now, isStale: true);
        var count = Convert.ToUInt32(credentials.NonceCount, 16);
        return _counts.Take(stamp, count, now, nonces.Lifetime) == NonceUse.New
            ? Known(credentials.UserName, IdentityProof.Digest, request)
            : Challenge(request, now, isStale: true);
    }

    /// <summary>RFC 8760 §2.4: a field per algorithm, the best one on top.</summary>
    private CallerVerdict.Challenge Challenge(SipRequest request, DateTimeOffset now, bool isStale)
    {
        var nonce = nonces.Make(policy.Realm, now, random);
        return new CallerVerdict.Challenge(SipHeaders.Empty.Append(
            HeaderNames.WwwAuthenticate,
            OfferedTo(request).Select(a => new ChallengeFields(policy.Realm, nonce, null, a.Name, ["auth"], isStale).ToString())));
    }

    private ImmutableArray<DigestAlgorithm> OfferedTo(SipRequest request) =>
        policy.AlgorithmsFor(request.Headers.First(HeaderNames.UserAgent));

    private static CallerVerdict.Known Nobody(SipRequest request) => Known(Claims.From(request), IdentityProof.None, request);

    private static CallerVerdict.Known Known(string name, IdentityProof proof, SipRequest request) =>
        new(new CallerIdentity(name, proof, Claims.IsPrivate(request)));

    private static bool Refuse(string reason, out CallerVerdict? verdict)
    {
        verdict = new CallerVerdict.Refused(400, reason);
        return true;
    }
}
