using System.Collections.Immutable;
using System.Net;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Tests.Mikey;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Bob's phone, which the focus calls with a ticket, and the KMS of both.</summary>
internal sealed class CalledPhone : IDisposable
{
    private static readonly SipFlow Away = new(SipTransport.Udp, IPEndPoint.Parse("192.0.2.5:5060"), IPEndPoint.Parse("127.0.0.1:5060"));
    private readonly SrtpProfile _suite;
    private readonly PhoneCall _phone;
    private readonly List<IDisposable> _kept = [];
    private byte _draws;

    public CalledPhone(SrtpProfile suite, uint ssrc)
    {
        _suite = suite;
        Kms = new KmsScene(MikeyKeys.SuiteFor(suite));
        var settings = PhoneSettings.Default with
        {
            Identity = SipUri.Sip("bob", "example.com"),
            Suites = MediaCapabilities.Default.Suites,
            UseMki = true,
            ResolvesTickets = true,
            TicketUser = new PhoneTicketUser(KmsScene.Bob, () => Kms.Now),
        };
        var port = MediaAddress.From(IPAddress.Parse("192.0.2.5"), 4000);
        _phone = new PhoneCall(settings, Away, port, port, s => System.Security.Cryptography.SHA256.HashData([98, ++_draws]).AsSpan(0, s.Length).CopyTo(s))
        {
            Ssrc = ssrc,
        };
    }

    public KmsScene Kms { get; }

    /// <summary>What it was told to send under.</summary>
    public MasterKey? Sends { get; private set; }

    /// <summary>The INVITE is out.</summary>
    /// <param name="format">Of a conference whose media is forwarded unopened; empty: it is mixed.</param>
    public DialScene Calling(TicketOffers tickets, string format)
    {
        var scene = new DialScene(tickets: tickets, now: Kms.Now);
        scene.Dial("sip:bob@example.com");
        scene.Grant(format);
        scene.Do(new ParticipantInput.TicketGranted(Grant(), ExchangeError.None, IsUnreachable: false));
        scene.Open();
        scene.Locate("192.0.2.5:5060");
        return scene;
    }

    public GrantedKeys Grant() => GrantFor(KmsScene.Bob);

    public GrantedKeys GrantFor(Identity peer) => Kms.Granted(MikeyTickets.ForCall(_suite, KmsScene.Room, peer), KmsScene.Room);

    /// <summary>The answer to an INVITE with a ticket, which it has resolved.</summary>
    public SipResponse? Answer(SipRequest invite)
    {
        var effects = _phone.Receive(Bytes(invite), Away);
        if (effects.OfType<PhoneEffect.Resolve>().SingleOrDefault() is not { } resolve) return (SipResponse?)Sent(effects);
        var step = KmsClient.Resolve(resolve.Ticket, Kms.Of(KmsScene.Bob), Kms.Context);
        using var keys = KmsScene.Keys(KmsClient.Next(step.State, Kms.Answer(KmsScene.Sent(step)).Response!.Value, Kms.Context));
        return (SipResponse?)Sent(_phone.Resolved(keys, ""));
    }

    public SipMessage? Deliver(SipRequest request) => Sent(_phone.Receive(Bytes(request), Away));

    public void Dispose()
    {
        _phone.Dispose();
        foreach (var kept in _kept) kept.Dispose();
    }

    /// <summary>As the endpoint sends it: with its Via.</summary>
    private byte[] Bytes(SipRequest request)
    {
        var via = SipHeaders.Empty.Append("Via", $"SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{++_draws}");
        return SipWriter.ToBytes(request with { Headers = new SipHeaders([.. via.Fields, .. request.Headers.Fields]) });
    }

    private SipMessage? Sent(ImmutableArray<PhoneEffect> effects)
    {
        foreach (var used in effects.OfType<PhoneEffect.UseMedia>())
        {
            _kept.Add(used.Media);
            Sends = used.Media.Downlink;
        }

        if (effects.OfType<PhoneEffect.Send>().LastOrDefault() is not { Message: var message }) return null;
        Assert.True(SipReader.TryRead(SipWriter.ToBytes(message), out var copy, out _));
        return copy;
    }
}
