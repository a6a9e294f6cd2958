using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Phone;

/// <summary>A phone's answers to challenges (RFC 3261 §22.2, §22.3), and the credentials that its later requests bring unasked.</summary>
internal sealed class PhoneCredentials(PhoneSettings settings, SecretWriter random)
{
    private DigestClient _client = DigestClient.Of(settings.Account is { } account ? [account] : []);
    private SipHeaders _ofInvite = SipHeaders.Empty;

    /// <summary>True: the request is worth sending again.</summary>
    public bool Learns(SipResponse response) => response.StatusCode is 401 or 407 && _client.TryLearn(response, out _client);

    public SipRequest On(SipRequest request)
    {
        (_client, var authorized) = _client.Authorize(request, random);
        if (request.Method == SipMethod.Invite)
            _ofInvite = new SipHeaders([.. authorized.Headers.Fields.Where(f => f.Name is HeaderNames.Authorization or HeaderNames.ProxyAuthorization)]);
        return authorized;
    }

    /// <summary>RFC 3261 §13.2.2.4: the ACK has the credentials of its INVITE.</summary>
    public SipRequest OnAck(SipRequest ack) => ack with { Headers = new SipHeaders(ack.Headers.Fields.AddRange(_ofInvite.Fields)) };
}
