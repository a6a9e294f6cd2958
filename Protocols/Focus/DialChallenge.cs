using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Focus;

/// <summary>A challenge that a call answers, and how often its nonce was used.</summary>
public sealed record MetChallenge(DigestChallenge Challenge, uint Uses);

/// <summary>
/// Answers 401 and 407 to an INVITE of ours (RFC 3261 §22.2, §22.3) with the credentials of the realm. A realm that refuses what it was told
/// is not told again, but for a nonce that has grown old; without credentials the challenge is a refusal.
/// </summary>
internal static class DialChallenge
{
    private const int ClientNonceBytes = 8;

    /// <summary>Answers of one call: a proxy, the callee, an old nonce each, and no more.</summary>
    private const int MaxAnswers = 4;

    public static bool TryAnswer(OutgoingCall call, SipResponse response, ParticipantContext context, out OutgoingCall answered)
    {
        answered = call;
        if (call.Answers >= MaxAnswers) return false;
        var challenge = DigestChallenge.Of(response).FirstOrDefault(c => CredentialOf(c, context) is not null);
        if (challenge is null) return false;
        var known = call.Challenges.GetValueOrDefault(Place(challenge));
        if (known is not null && !challenge.IsStale) return false;

        answered = call with
        {
            Answers = call.Answers + 1,
            Challenges = call.Challenges.SetItem(Place(challenge), new MetChallenge(challenge, 0)),
        };
        return true;
    }

    /// <summary>The header fields of the next INVITE; each use of a nonce counts (RFC 7616 §3.4).</summary>
    public static (OutgoingCall Call, SipHeaders Headers) Credentials(OutgoingCall call, ParticipantContext context)
    {
        var headers = SipHeaders.Empty;
        var uri = context.Settings.Outbound.Route is [{ Uri: { IsLooseRouter: false } strict }, ..] ? strict : call.Target;
        var challenges = call.Challenges.ToBuilder();
        Span<byte> random = stackalloc byte[ClientNonceBytes];
        foreach (var (place, met) in call.Challenges)
        {
            context.Random(random);
            var value = DigestAnswer.Value(
                met.Challenge, CredentialOf(met.Challenge, context)!, SipMethod.Invite.Name, uri.ToString(), met.Uses + 1, Convert.ToHexStringLower(random));
            headers = headers.Append(met.Challenge.IsProxy ? HeaderNames.ProxyAuthorization : HeaderNames.Authorization, value);
            challenges[place] = met with { Uses = met.Uses + 1 };
        }

        return (call with { Challenges = challenges.ToImmutable() }, headers);
    }

    private static DigestCredential? CredentialOf(DigestChallenge challenge, ParticipantContext context) =>
        context.Settings.Outbound.Credentials.FirstOrDefault(c => c.Realm == challenge.Realm);

    private static string Place(DigestChallenge challenge) => $"{(challenge.IsProxy ? "proxy" : "callee")} {challenge.Realm}";
}
