using System.Text;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Tests.Mikey;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Phones that are offered a ticket by the focus and send under the group's key, in calls of ours and after INVITEs without an offer.</summary>
public sealed class TicketDialUplinkTests : IDisposable
{
    private const string Suite = "AES_CM_128_HMAC_SHA1_80";
    private const string Format = $"Pcma/8 level 1 {Suite} mki 4";
    private readonly CalledPhone _called = new(SrtpProfile.AesCm128HmacSha1Tag80, 0x1234);

    public void Dispose() => _called.Dispose();

    [Theory]
    [InlineData(TicketOffers.Beside)]
    [InlineData(TicketOffers.Only)]
    [Trait("RFC", "6043 §4.2.2.1")]
    public void Whom_the_conference_calls_is_offered_its_format_and_a_ticket_alone_where_media_is_forwarded(TicketOffers tickets)
    {
        var scene = _called.Calling(tickets, Format);
        var stream = scene.Offers[0].Media[0];
        Assert.Equal((1, true), (stream.KeyManagement.Length, stream.Crypto.IsEmpty));
        scene.Do(new ParticipantInput.ResponseArrived(_called.Answer(scene.Invite)!));
        var join = Assert.Single(scene.Effects.OfType<Join>());
        Assert.Equal((0x1234u, Format), (join.Ability.TicketSsrc, join.Media));
    }

    [Fact]
    [Trait("RFC", "6043 §5.2")]
    public void It_sends_under_the_groups_key_when_a_second_update_says_so_and_the_mixer_has_no_key_at_any_time()
    {
        var scene = _called.Calling(TicketOffers.Only, Format);
        scene.Do(new ParticipantInput.ResponseArrived(_called.Answer(scene.Invite)!));
        Accept(scene, LegKeying.Switched);
        Assert.Equal(1u << 30 | 1, _called.Sends!.Mki.Value);
        _called.Deliver(Assert.Single(scene.Effects.OfType<SendAck>()).Request);
        for (uint epoch = 1; epoch < 4; epoch++)
        {
            var before = _called.Sends.Mki.Value;
            Update(scene, epoch, switches: false);
            Assert.Equal(before, _called.Sends.Mki.Value);
            Update(scene, epoch, switches: true);
            Assert.Equal(epoch, _called.Sends.Mki.Value);
        }

        using var group = ParticipantScene.Group(3);
        Assert.True(_called.Sends.KeyAndSalt.FixedTimeEquals(group.For(_called.Sends.Profile)!.KeyAndSalt));
        Assert.NotEmpty(scene.All.OfType<SetForwarding>());
        Assert.Empty(scene.All.OfType<SetLegMedia>());
    }

    [Fact]
    [Trait("RFC", "6043 §4.2.2")]
    public void Whom_the_conference_called_is_given_a_new_bundle_when_the_node_that_called_is_lost()
    {
        var scene = _called.Calling(TicketOffers.Only, Format);
        scene.Do(new ParticipantInput.ResponseArrived(_called.Answer(scene.Invite)!));
        Accept(scene, LegKeying.Switched);
        _called.Deliver(Assert.Single(scene.Effects.OfType<SendAck>()).Request);
        Update(scene, 1, switches: false);
        Update(scene, 1, switches: true);
        scene.State.Destroy();
        var next = new ParticipantScene(now: _called.Kms.Now + TimeSpan.FromSeconds(9)).InCluster();
        next.Do(new ParticipantInput.Recovered([.. scene.All.OfType<Store>().Select(s => s.Fact)]));
        next.OfferKey(2, 0);
        var uplink = new GroupUplink(LegKeying.Switched, new Ssrc(0x1234), Format, new KeyEpoch(1));
        next.Do(new ParticipantInput.MoveRequested(DialScene.Room, DialScene.Mixer, new Incarnation(1), MayOffer: false) { Uplink = uplink });
        next.Do(new ParticipantInput.LegFound(DialScene.Mixer, null));
        var asked = next.Only<RequestTicket>();
        Assert.Equal((KmsScene.Bob.ToString(), KmsScene.Room.ToString(), Suite), (asked.Responder, asked.As, asked.Suite.Name));
        next.Do(new ParticipantInput.TicketGranted(_called.Grant(), ExchangeError.None, IsUnreachable: false));
        next.Open();
        foreach (var sends in new[] { 1u, 1u })
        {
            next.Do(new ParticipantInput.ResponseArrived(_called.Answer(KeyScene.Sent(next))!));
            foreach (var ack in next.Effects.OfType<SendAck>()) _called.Deliver(ack.Request);
            Assert.Equal(sends, (uint)_called.Sends!.Mki.Value);
        }

        Assert.Equal(LegKeyAnswer.Took, next.Only<ReportKey>().Answer);
        next.Do(new ParticipantInput.KeyOffered(DialScene.Room, ParticipantScene.Group(2), null) { Taken = new KeyEpoch(2), Switches = true });
        next.Do(new ParticipantInput.ResponseArrived(_called.Answer(KeyScene.Sent(next))!));
        Assert.Equal(2u, (uint)_called.Sends!.Mki.Value);
    }

    [Fact]
    public void Where_media_is_mixed_and_the_uplink_is_the_groups_one_update_brings_the_key_and_says_so()
    {
        var scene = _called.Calling(TicketOffers.Beside, "");
        scene.Do(new ParticipantInput.ResponseArrived(_called.Answer(scene.Invite)!));
        Assert.Equal(0x1234u, Assert.Single(scene.Effects.OfType<Join>()).Ability.TicketSsrc);
        Accept(scene, LegKeying.GroupBothWays);
        foreach (var media in scene.Effects.OfType<SetLegMedia>()) media.Media.Dispose();
        _called.Deliver(Assert.Single(scene.Effects.OfType<SendAck>()).Request);
        Update(scene, 1, switches: false);
        Assert.Equal(1u, _called.Sends!.Mki.Value);
    }

    [Fact]
    public void Who_answers_with_an_SSRC_that_is_taken_is_hung_up_on()
    {
        var scene = _called.Calling(TicketOffers.Only, Format);
        scene.Do(new ParticipantInput.ResponseArrived(_called.Answer(scene.Invite)!));
        scene.Do(new ParticipantInput.JoinRefused(DialScene.Room, Rejection.SsrcTaken));
        Assert.Equal((488, "SSRC Taken"), (scene.Report.Status, scene.Report.Reason));
        Assert.Contains(scene.SentNow, s => s.StartsWith("BYE", StringComparison.Ordinal));
        Assert.Empty(scene.All.OfType<SetForwarding>());
    }

    [Theory]
    [InlineData(TicketOffers.Never, Format, "Ticket Needed")]
    [InlineData(TicketOffers.Beside, "Pcma/8 level 1 AES_256_CM_HMAC_SHA1_80 mki 4", "Other Media Format")]
    public void Where_media_is_forwarded_nobody_is_called_in_vain(TicketOffers tickets, string format, string reason)
    {
        var scene = new DialScene(tickets: tickets, now: _called.Kms.Now);
        scene.Dial("sip:bob@example.com");
        scene.Grant(format);
        if (tickets != TicketOffers.Never) scene.Do(new ParticipantInput.TicketGranted(_called.Grant(), ExchangeError.None, IsUnreachable: false));
        Assert.Equal((488, reason), (scene.Report.Status, scene.Report.Reason));
        Assert.Empty(scene.Sent);
    }

    [Theory]
    [InlineData(0x77u, "AES_CM_128_HMAC_SHA1_80", true)]
    [InlineData(0x1234u, "AES_CM_128_HMAC_SHA1_80", false)]
    [Trait("RFC", "6043 §6.1.1")]
    public void To_an_INVITE_without_an_offer_ours_names_the_SSRC_that_the_caller_must_send_under(uint answered, string suite, bool isKept)
    {
        var scene = new ParticipantScene(now: _called.Kms.Now, tickets: TicketOffers.Only);
        scene.Receive(ParticipantScene.Request("INVITE"));
        scene.Do(new ParticipantInput.TicketGranted(_called.GrantFor(KmsScene.Alice), ExchangeError.None, IsUnreachable: false));
        var join = scene.Only<Join>();
        Assert.True(join.Ability is { TakesMki: true, TakesSsrc: true, TicketSsrc: 0 });
        Assert.Equal($"Pcmu/0 level {MediaTerms.TryRead(join.Media)!.AudioLevel} {suite} mki 4", join.Media);
        scene.Do(new ParticipantInput.JoinAccepted(ParticipantScene.Room, ParticipantScene.Mixer, new Ssrc(7))
        {
            Key = ParticipantScene.Group(1),
            Keying = LegKeying.Switched,
            Uplink = new Ssrc(0x77),
            Media = "Pcma/8 level 0 " + suite + " mki 4",
        });
        scene.Open();
        using var offer = ParticipantScene.Description(scene.Response.Body);
        Assert.Equal("8 101", string.Join(" ", offer.Media[0].Line.Formats));
        Assert.Equal(ExchangeError.None, MikeyArrival.TryRead(offer, MediaCapabilities.Default.Suites, _called.Kms.Context, out var arrival));
        Assert.Equal(new SrtpPosition(0x77), arrival!.Transfer.Sessions[1].Position);
        var resolved = TicketCall.Resolve(arrival.Transfer, _called.Kms, new ReplayCache(9, TimeSpan.FromMinutes(1)), KmsScene.Alice);
        using var verified = resolved.Verified!;
        var text = ParticipantScene.Offer(suite: suite, mki: ForeignPhone.Named).Replace("RTP/SAVP 0", "RTP/SAVP 8", StringComparison.Ordinal);
        using var said = ParticipantScene.Description(new SipBody(Encoding.UTF8.GetBytes(text)));
        var (leg, wire) = arrival.Answer(verified, said, said.Media[0].Crypto[0].Keys[0].Mki, answered, _called.Kms.Context);
        using var bundle = leg.Bundle;
        scene.Ack(sdp: Encoding.UTF8.GetString(SdpWriter.ToBytes(wire)));
        scene.None<SetLegMedia>();
        if (isKept) Assert.True(scene.Only<SetForwarding>().Leg.IsConfirmed);
        else Assert.Equal(SipMethod.Bye, scene.Only<SendRequest>().Request.Method);
    }

    private static void Accept(DialScene scene, LegKeying keying) => scene.Do(new ParticipantInput.JoinAccepted(DialScene.Room, DialScene.Mixer, new Ssrc(7))
    {
        Keying = keying,
        Uplink = new Ssrc(0x1234),
    });

    private void Update(DialScene scene, uint epoch, bool switches)
    {
        scene.Do(new ParticipantInput.KeyOffered(DialScene.Room, ParticipantScene.Group(epoch), epoch == 1 ? null : new KeyEpoch(epoch - 1))
        {
            Taken = switches ? new KeyEpoch(epoch) : null,
            Switches = switches,
        });
        scene.Do(new ParticipantInput.ResponseArrived((SipResponse)_called.Deliver(Assert.Single(scene.Effects.OfType<SendRequest>()).Request)!));
        Assert.Equal(LegKeyAnswer.Took, Assert.Single(scene.Effects.OfType<ReportKey>()).Answer);
    }
}
