using System.Collections.Immutable;
using System.Net;
using System.Text;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
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
using static ConfCluster.Protocols.Focus.ParticipantEffect;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>The focus as MIKEY Initiator (RFC 6043 §4.2.2): in calls that it makes, and to INVITEs without an offer.</summary>
public sealed class TicketDialTests : IDisposable
{
    private static readonly SrtpProfile Suite = MikeyTickets.SuiteOf(MediaCapabilities.Default.Suites)!;
    private static readonly SipFlow Away = new(SipTransport.Udp, IPEndPoint.Parse("192.0.2.5:5060"), IPEndPoint.Parse("127.0.0.1:5060"));
    private readonly KmsScene _kms = new(MikeyKeys.SuiteFor(Suite));
    private readonly List<IDisposable> _kept = [];
    private ImmutableArray<MasterKey> _heard = [];
    private byte _draws;

    public void Dispose()
    {
        foreach (var kept in _kept) kept.Dispose();
    }

    [Theory]
    [InlineData(TicketOffers.Beside)]
    [InlineData(TicketOffers.Only)]
    [Trait("RFC", "6043 §4.2.2.1")]
    [Trait("RFC", "4568 §7.5")]
    public void A_phone_that_is_called_with_a_ticket_gets_the_groups_keys(TicketOffers tickets)
    {
        var scene = Calling(tickets);
        Assert.Equal((1, tickets == TicketOffers.Only), (scene.Offers[0].Media[0].KeyManagement.Length, scene.Offers[0].Media[0].Crypto.IsEmpty));
        using var phone = Phone(KmsScene.Bob);
        var answer = Answer(phone, scene.Invite, KmsScene.Bob)!;
        scene.Do(new ParticipantInput.ResponseArrived(answer));
        Assert.True(Assert.Single(scene.Effects.OfType<Join>()).Ability is { TakesMki: true, IsProtected: true });
        scene.Accept();
        using var media = Assert.Single(scene.Effects.OfType<SetLegMedia>()).Media;
        Assert.Equal((1ul << 30 | 1, 1ul << 31 | 1), (media.Uplink[0].Mki.Value, media.Downlink.Mki.Value));
        Assert.Equal([1ul << 31 | 1], _heard.Select(k => k.Mki.Value));
        Assert.True(_heard[0].KeyAndSalt.FixedTimeEquals(media.Downlink.KeyAndSalt));
        Deliver(phone, Assert.Single(scene.Effects.OfType<SendAck>()).Request);
        for (uint epoch = 1; epoch < 4; epoch++)
        {
            scene.Do(new ParticipantInput.KeyOffered(DialScene.Room, ParticipantScene.Group(epoch), epoch == 1 ? null : new KeyEpoch(epoch - 1)));
            var update = Assert.Single(scene.Effects.OfType<SendRequest>()).Request;
            Assert.Empty(scene.Offers[^1].Media[0].Crypto);
            scene.Do(new ParticipantInput.ResponseArrived((SipResponse)Deliver(phone, update)!));
            Assert.Equal((LegKeyAnswer.Took, epoch), (Assert.Single(scene.Effects.OfType<ReportKey>()).Answer, scene.Effects.OfType<ReportKey>().Single().Epoch.Number));
            Assert.Contains(_heard, k => k.Mki == GroupKey.MkiOf(new KeyEpoch(epoch)));
        }
    }

    [Fact]
    public void A_phone_that_knows_no_MIKEY_takes_the_keys_beside_it()
    {
        var scene = Calling(TicketOffers.Beside);
        scene.Respond(200, sdp: DialScene.Answer());
        Assert.False(Assert.Single(scene.Effects.OfType<Join>()).Ability.TakesMki);
        scene.Accept();
        using var media = Assert.Single(scene.Effects.OfType<SetLegMedia>()).Media;
        Assert.False(media.Downlink.Mki.IsPresent);
    }

    [Fact]
    [Trait("RFC", "4568 §7.5")]
    public void Where_only_tickets_count_an_answer_with_other_keys_ends_the_call()
    {
        var scene = Calling(TicketOffers.Only);
        scene.Respond(200, sdp: DialScene.Answer());
        Assert.Equal(488, scene.Report.Status);
        Assert.Empty(scene.All.OfType<Join>());
        Assert.Contains(scene.SentNow, s => s.StartsWith("BYE", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("RFC", "4568 §7.5")]
    public void An_answer_with_both_is_none()
    {
        var scene = Calling(TicketOffers.Beside);
        using var phone = Phone(KmsScene.Bob);
        var answer = Answer(phone, scene.Invite, KmsScene.Bob)!;
        var text = Encoding.UTF8.GetString(answer.Body.Span) + $"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{ParticipantScene.Key(1)}\r\n";
        scene.Respond(200, sdp: text);
        Assert.Equal(488, scene.Report.Status);
    }

    [Theory]
    [InlineData(true, 503)]
    [InlineData(false, 488)]
    public void Without_a_ticket_only_those_are_called_that_may_do_without(bool isUnreachable, int status)
    {
        var scene = new DialScene(tickets: TicketOffers.Only, now: _kms.Now);
        scene.Dial("sip:bob@example.com");
        scene.Grant();
        scene.Do(new ParticipantInput.TicketGranted(null, ExchangeError.NotAuthorised, isUnreachable));
        Assert.Equal(status, scene.Report.Status);
        Assert.Empty(scene.Sent);

        scene = new DialScene(tickets: TicketOffers.Beside, now: _kms.Now);
        scene.Dial("sip:bob@example.com");
        scene.Grant();
        scene.Do(new ParticipantInput.TicketGranted(null, ExchangeError.NotAuthorised, isUnreachable));
        scene.Open();
        scene.Locate("192.0.2.5:5060");
        Assert.Empty(scene.Offers[0].Media[0].KeyManagement);
        Assert.NotEmpty(scene.Offers[0].Media[0].Crypto);
    }

    [Fact]
    public void A_redirect_gets_a_ticket_of_its_own()
    {
        var scene = Calling(TicketOffers.Only);
        scene.Respond(302, contact: "Contact: <sip:carol@example.com>\r\n");
        Assert.Equal("sip:carol@example.com", Assert.Single(scene.Effects.OfType<RequestTicket>()).Responder);
        Assert.Contains(scene.Effects.OfType<Destroy>(), d => d.Secrets is GrantedKeys);
    }

    [Fact]
    public void A_ticket_for_somebody_else_is_refused_by_the_phone_and_none_of_its_keys_stay()
    {
        var scene = Calling(TicketOffers.Only);
        using var phone = Phone(KmsScene.Eve);
        var refused = Answer(phone, scene.Invite, KmsScene.Eve)!;
        Assert.Equal(488, refused.StatusCode);
        Assert.Contains("WrongParty", refused.Headers.First("Warning"), StringComparison.Ordinal);
        var secrets = scene.State.Secrets.ToHashSet();
        scene.Do(new ParticipantInput.ResponseArrived(refused));
        Assert.Equal(488, scene.Report.Status);
        Assert.Superset(secrets, scene.Effects.OfType<Destroy>().Select(d => d.Secrets).ToHashSet());
    }

    [Fact]
    public void A_phone_that_is_called_without_a_ticket_or_whose_KMS_says_no_refuses()
    {
        using var phone = Phone(KmsScene.Bob);
        var plain = DialScene.Calling(uri: "sip:bob@example.com").Invite;
        Assert.Equal(488, Answer(phone, plain, KmsScene.Bob)!.StatusCode);

        var scene = Calling(TicketOffers.Only);
        using var other = Phone(KmsScene.Bob);
        var effects = other.Receive(Bytes(scene.Invite), Away);
        Assert.Single(effects.OfType<PhoneEffect.Resolve>());
        var refused = Sent(other.Resolved(null, "the KMS cannot be reached"))!;
        Assert.Equal(488, ((SipResponse)refused).StatusCode);
    }

    [Fact]
    [Trait("RFC", "3261 §13.2.1")]
    public void To_an_INVITE_without_an_offer_ours_has_a_ticket_for_the_caller()
    {
        var scene = new ParticipantScene(now: _kms.Now, tickets: TicketOffers.Only);
        scene.Receive(ParticipantScene.Request("INVITE"));
        Assert.Equal((KmsScene.Alice.ToString(), Suite), (scene.Only<RequestTicket>().Responder, scene.Only<RequestTicket>().Suite));
        scene.None<Join>();
        scene.Do(new ParticipantInput.TicketGranted(_kms.Granted(MikeyTickets.ForCall(Suite, KmsScene.Room, KmsScene.Alice), KmsScene.Room), ExchangeError.None, false));
        Assert.True(scene.Only<Join>().Ability is { TakesMki: true, IsProtected: true });
        scene.Accept(ParticipantScene.Group(1));
        scene.Open();
        using var offer = ParticipantScene.Description(scene.Response.Body);
        Assert.Equal(ExchangeError.None, MikeyArrival.TryRead(offer, MediaCapabilities.Default.Suites, _kms.Context, out var arrival));
        var resolved = TicketCall.Resolve(arrival!.Transfer, _kms, new ReplayCache(9, TimeSpan.FromMinutes(1)), KmsScene.Alice);
        using var verified = resolved.Verified!;
        using var said = ParticipantScene.Description(new SipBody(Encoding.UTF8.GetBytes(ParticipantScene.Offer(suite: Suite.Name, mki: ForeignPhone.Named))));
        var (leg, wire) = arrival.Answer(verified, said, said.Media[0].Crypto[0].Keys[0].Mki, 0x1234, _kms.Context);
        _kept.Add(leg.Bundle);
        scene.Ack(sdp: Encoding.UTF8.GetString(SdpWriter.ToBytes(wire)));
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal((1073741825ul, 1ul << 31 | 1), (media.Uplink[0].Mki.Value, media.Downlink.Mki.Value));
        scene.OfferKey(1, null);
        Assert.Equal(SipMethod.Invite, scene.Only<SendRequest>().Request.Method);
    }

    [Fact]
    [Trait("RFC", "6043 §5.2")]
    public void The_next_life_of_a_call_without_an_offer_goes_on_as_the_Initiator_of_its_bundle()
    {
        var scene = new ParticipantScene(now: _kms.Now, tickets: TicketOffers.Only).InCluster();
        scene.Receive(ParticipantScene.Request("INVITE", extra: ParticipantScene.TakesUpdate));
        scene.Do(new ParticipantInput.TicketGranted(_kms.Granted(MikeyTickets.ForCall(Suite, KmsScene.Room, KmsScene.Alice), KmsScene.Room), ExchangeError.None, false));
        scene.Accept(ParticipantScene.Group(1));
        scene.Open();
        using var offer = ParticipantScene.Description(scene.Response.Body);
        Assert.Equal(ExchangeError.None, MikeyArrival.TryRead(offer, MediaCapabilities.Default.Suites, _kms.Context, out var arrival));
        using var verified = TicketCall.Resolve(arrival!.Transfer, _kms, new ReplayCache(9, TimeSpan.FromMinutes(1)), KmsScene.Alice).Verified!;
        using var said = ParticipantScene.Description(new SipBody(Encoding.UTF8.GetBytes(ParticipantScene.Offer(suite: Suite.Name, mki: ForeignPhone.Named))));
        var (leg, wire) = arrival.Answer(verified, said, said.Media[0].Crypto[0].Keys[0].Mki, 0x1234, _kms.Context);
        _kept.Add(leg.Bundle);
        scene.Ack(sdp: Encoding.UTF8.GetString(SdpWriter.ToBytes(wire)));
        KeyedLeg peer = leg;
        for (byte life = 1; life < 3; life++)
        {
            var record = scene.All.OfType<KeepLeg>().Last().Record;
            Assert.Equal(BundleRole.Initiator, record.Mikey!.Role);
            scene = scene.NextLife(life);
            scene.Move(ParticipantScene.Mixer);
            scene.Do(new ParticipantInput.LegFound(ParticipantScene.Mixer, record));
            scene.OfferKey(life + 1u, 1);
            var request = scene.Only<SendRequest>().Request;
            using var update = ParticipantScene.Description(request.Body);
            Assert.Equal(ExchangeError.None, peer.Read(update, [], _kms.Context, out peer, out var readable));
            Assert.Contains(readable!.Media[0].Crypto[0].Keys, k => k.Mki == GroupKey.MkiOf(new KeyEpoch(life + 1u)));
            readable.Dispose();
            (peer, var answer) = peer.Write(said, said.Media[0].Crypto[0].Keys[0].Mki, _kms.Context);
            scene.Reply(request, 200, Encoding.UTF8.GetString(SdpWriter.ToBytes(answer)));
            Assert.Equal(LegKeyAnswer.Took, scene.Only<ReportKey>().Answer);
        }
    }

    [Fact]
    public void An_INVITE_without_an_offer_gets_503_when_the_KMS_is_gone()
    {
        var scene = new ParticipantScene(now: _kms.Now, tickets: TicketOffers.Only);
        scene.Receive(ParticipantScene.Request("INVITE"));
        scene.Do(new ParticipantInput.TicketGranted(null, ExchangeError.None, IsUnreachable: true));
        Assert.Equal(503, scene.Response.StatusCode);
        scene.None<Join>();
    }

    private DialScene Calling(TicketOffers tickets)
    {
        var scene = new DialScene(tickets: tickets, now: _kms.Now);
        scene.Dial("sip:bob@example.com");
        scene.Grant();
        var asked = Assert.Single(scene.Effects.OfType<RequestTicket>());
        Assert.Equal((KmsScene.Bob.ToString(), Suite), (asked.Responder, asked.Suite));
        var granted = _kms.Granted(MikeyTickets.ForCall(Suite, KmsScene.Room, KmsScene.Bob), KmsScene.Room);
        scene.Do(new ParticipantInput.TicketGranted(granted, ExchangeError.None, IsUnreachable: false));
        scene.Open();
        scene.Locate("192.0.2.5:5060");
        return scene;
    }

    private PhoneCall Phone(Identity self)
    {
        var settings = PhoneSettings.Default with
        {
            Identity = SipUri.Sip("bob", "example.com"),
            Suites = MediaCapabilities.Default.Suites,
            UseMki = true,
            TicketUser = new PhoneTicketUser(self, () => _kms.Now),
        };
        var port = MediaAddress.From(IPAddress.Parse("192.0.2.5"), 4000);
        return new PhoneCall(settings, Away, port, port, s => System.Security.Cryptography.SHA256.HashData([99, ++_draws]).AsSpan(0, s.Length).CopyTo(s));
    }

    private SipResponse? Answer(PhoneCall phone, SipRequest invite, Identity by)
    {
        var effects = phone.Receive(Bytes(invite), Away);
        if (effects.OfType<PhoneEffect.Resolve>().SingleOrDefault() is not { } resolve) return (SipResponse?)Sent(effects);
        var step = KmsClient.Resolve(resolve.Ticket, _kms.Of(by), _kms.Context);
        using var keys = KmsScene.Keys(KmsClient.Next(step.State, _kms.Answer(KmsScene.Sent(step)).Response!.Value, _kms.Context));
        return (SipResponse?)Sent(phone.Resolved(keys, ""));
    }

    private SipMessage? Deliver(PhoneCall phone, SipRequest request) => Sent(phone.Receive(Bytes(request), Away));

    /// <summary>As the endpoint sends it: with its Via, and the body that was offered (the state zeroes its own).</summary>
    private byte[] Bytes(SipRequest request)
    {
        var via = SipHeaders.Empty.Append("Via", $"SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{++_draws}");
        return SipWriter.ToBytes(request with { Headers = new SipHeaders([.. via.Fields, .. request.Headers.Fields]) });
    }

    private SipMessage? Sent(ImmutableArray<PhoneEffect> effects)
    {
        if (effects.OfType<PhoneEffect.UseMedia>().LastOrDefault() is { } used)
        {
            _kept.Add(used.Media);
            _heard = used.Media.Uplink;
        }

        if (effects.OfType<PhoneEffect.Send>().LastOrDefault() is not { Message: var message }) return null;
        Assert.True(SipReader.TryRead(SipWriter.ToBytes(message), out var copy, out _));
        return copy;
    }
}
