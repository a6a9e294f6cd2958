using System.Security.Cryptography;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>The endpoint's clock, users and key for <see cref="CallerCheck"/>. Not a thread of its own: the endpoint calls it.</summary>
internal sealed class SipCallers
{
    private readonly LocalTag _tags;
    private readonly TimeProvider _clock;
    private readonly Action<string> _warn;
    private readonly NonceMint _nonces;
    private readonly CallerCheck _check;
    private readonly UserFile _users;

    public SipCallers(AuthSettings settings, LocalTag tags, TimeProvider clock, Action<string> warn)
    {
        (_tags, _clock, _warn) = (tags, clock, warn);
        using var key = tags.Derive("digest nonces");
        _nonces = new NonceMint(key, settings.Policy.NonceLifetime);
        _check = new CallerCheck(settings.Policy, _nonces, RandomNumberGenerator.Fill);
        _users = new UserFile(settings.UserFile, settings.Users);
        Refresh();
    }

    /// <summary>Reads the user file again when it has changed.</summary>
    public void Refresh()
    {
        if (_users.Refresh() is { } problem) _warn(problem);
    }

    /// <summary>Null with the answer: not let in. Nothing is kept of such a request.</summary>
    public CallerIdentity? Identify(SipRequest request, SipFlow flow, TlsPeer? peer, out TransactionEffect.Send? answer)
    {
        // Whoever was added or removed is that from now on, not from the next look at the file.
        if (request.Headers.Has(HeaderNames.Authorization)) Refresh();
        var isOurs = request.Headers.To.Tag is not null && _tags.IsOurCallId(request.Headers.CallId);
        var verdict = _check.Judge(new CallerQuestion(request, flow, peer, isOurs), _users.Users, _clock.GetUtcNow());
        answer = verdict switch
        {
            CallerVerdict.Challenge challenge => TransactionLayer.Stateless(request, flow, 401, "Unauthorized", challenge.Fields),
            CallerVerdict.Refused refused => TransactionLayer.Stateless(request, flow, refused.Status, refused.Reason, SipHeaders.Empty),
            _ => null,
        };
        return (verdict as CallerVerdict.Known)?.Caller;
    }

    public void Close()
    {
        _nonces.Destroy();
        _users.Close();
    }
}
