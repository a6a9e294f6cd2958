using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Tests.Mikey;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A leg that is keyed by MIKEY-TICKET, from the INVITE to the changes of the group key.</summary>
public sealed class TicketLegTests
{
    public static TheoryData<string, bool> Suites => new()
    {
        { "AES_CM_128_HMAC_SHA1_80", true }, { "AES_CM_128_HMAC_SHA1_32", false },
    };

    [Theory]
    [MemberData(nameof(Suites))]
    [Trait("RFC", "4567 §4.1.2")]
    [Trait("RFC", "4568 §7.5")]
    [Trait("RFC", "6043 §8")]
    public void The_answer_to_a_ticket_brings_the_groups_key_and_the_legs_own(string suite, bool forks)
    {
        using var call = new TicketCall(forks ? TicketFlags.Forking : TicketFlags.None, suite: SrtpProfile.Find(suite));
        call.Dial();
        using (var offer = TicketCall.Wire(call.Invite)) Assert.Equal((1, 0), (offer.Media[0].KeyManagement.Length, offer.Media[0].Crypto.Length));
        call.Focus.None<Join>();
        call.Resolve();
        Assert.True(call.Focus.Only<Join>().Ability is { TakesMki: true, IsProtected: true });
        call.Focus.Accept(ParticipantScene.Group(1));
        call.Focus.Open();
        using (var answer = TicketCall.Wire(call.Focus.Response)) Assert.Equal((1, 0), (answer.Media[0].KeyManagement.Length, answer.Media[0].Crypto.Length));
        var ack = call.Deliver(call.Focus.Response);
        call.Focus.Do(new ParticipantInput.AckArrived((SipRequest)ack!));
        using var media = call.Focus.Only<SetLegMedia>().Media;
        Assert.Equal([1u, 1u << 31 | 1], call.Heard.Select(k => (uint)k.Mki.Value));
        using var group = ParticipantScene.Group(1);
        Assert.True(call.Heard[0].KeyAndSalt.FixedTimeEquals(group.For(call.Heard[0].Profile)!.KeyAndSalt));
        Assert.True(media.Uplink[0].Mki.IsPresent);
        Assert.Equal(suite, media.Uplink[0].Profile.Name);
    }

    [Fact]
    [Trait("RFC", "6043 §5.2")]
    public void Each_new_key_goes_out_in_a_CSB_update_that_the_phone_confirms()
    {
        using var call = new TicketCall();
        call.Join();
        for (uint epoch = 2; epoch < 6; epoch++)
        {
            var key = call.Focus.OfferKey(epoch, epoch - 1);
            var request = Sent(call.Focus);
            using (var offer = TicketCall.Wire(request))
            {
                Assert.Empty(offer.Media[0].Crypto);
                Assert.True(MikeyReader.TryRead(offer.Media[0].KeyManagement[0].Message, out var message, out _));
                Assert.Null(message!.First<Ticket>());
                Assert.Equal(Octets.CopyOf([0, 0, 0, (byte)epoch]), ((CsIdMap.Generic)message.Header.Map).Sessions[1].Spi);
            }

            var response = (SipResponse)call.Deliver(request)!;
            Assert.Equal([epoch - 1, epoch, 1u << 31 | 1], call.Heard.Select(k => (uint)k.Mki.Value));
            Assert.True(call.Heard[1].KeyAndSalt.FixedTimeEquals(key.For(call.Heard[1].Profile)!.KeyAndSalt));
            call.Focus.Do(new ParticipantInput.ResponseArrived(response));
            Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
            call.Focus.None<SetLegMedia>();
        }
    }

    [Fact]
    public void A_key_that_met_glare_goes_out_under_a_timestamp_of_its_own()
    {
        using var call = new TicketCall();
        call.Join();
        call.Focus.OfferKey(2, 1);
        var first = Timestamp(Sent(call.Focus));
        call.Focus.Reply(Sent(call.Focus), 491);
        call.Focus.OfferKey(2, 1);
        Assert.True(Timestamp(Sent(call.Focus)) > first);
        var response = (SipResponse)call.Deliver(Sent(call.Focus))!;
        call.Focus.Do(new ParticipantInput.ResponseArrived(response));
        Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
    }

    [Fact]
    [Trait("RFC", "4567 §4.1.2")]
    public void An_answer_without_the_bundles_message_ends_the_call()
    {
        using var call = new TicketCall();
        call.Join();
        call.Focus.OfferKey(2, 1);
        call.Focus.Reply(Sent(call.Focus), 200, ParticipantScene.Offer(1, mki: "|1:4"));
        Assert.Equal(LeaveReason.DialogFailed, call.Focus.Only<Leave>().Reason);
        call.Focus.None<ReportKey>();
    }

    [Fact]
    public void Hold_and_resume_of_a_phone_with_a_ticket_change_the_direction_and_no_key()
    {
        using var call = new TicketCall();
        call.Join();
        var reinvite = (SipRequest)call.Phone.Hold(true).OfType<PhoneEffect.Send>().Single().Message;
        call.Focus.Receive(reinvite);
        Assert.Equal(200, call.Focus.Response.StatusCode);
        using (var answer = TicketCall.Wire(call.Focus.Response)) Assert.Equal((1, 0), (answer.Media[0].KeyManagement.Length, answer.Media[0].Crypto.Length));
        var ack = (SipRequest)call.Deliver(call.Focus.Response)!;
        Assert.Equal("ACK", ack.Method.Name);
        Assert.Equal([1u, 1u << 31 | 1], call.Heard.Select(k => (uint)k.Mki.Value));
        call.Focus.Do(new ParticipantInput.AckArrived(ack));
        call.Focus.OfferKey(2, 1);
        call.Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)call.Deliver(Sent(call.Focus))!));
        Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
    }

    [Fact]
    public void A_ticket_of_somebody_else_or_for_another_room_is_refused_before_the_KMS_is_asked()
    {
        foreach (var call in new[] { new TicketCall(room: "other"), new TicketCall(from: "mallory") })
        {
            using (call)
            {
                call.Dial();
                Assert.Equal(488, call.Focus.Response.StatusCode);
                Assert.Contains("WrongParty", call.Focus.Response.Headers.First("Warning"), StringComparison.Ordinal);
                call.Focus.None<ResolveTicket>();
                call.Deliver(call.Focus.Response);
                Assert.Equal(CallEnd.Refused, call.End!.How);
            }
        }
    }

    [Fact]
    public void Without_a_KMS_new_calls_get_503_and_those_that_are_on_go_on()
    {
        using var running = new TicketCall();
        running.Join();
        using var call = new TicketCall();
        call.Dial();
        call.Focus.Do(new ParticipantInput.TicketResolved(null, Protocols.Mikey.Exchanges.ExchangeError.None, IsUnreachable: true));
        Assert.Equal(503, call.Focus.Response.StatusCode);
        Assert.Equal("10", call.Focus.Response.Headers.First("Retry-After"));
        call.Focus.None<Leave>();
        running.Focus.OfferKey(2, 1);
        running.Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)running.Deliver(Sent(running.Focus))!));
        Assert.Equal(LegKeyAnswer.Took, running.Focus.Only<ReportKey>().Answer);
    }

    [Fact]
    public void Who_may_not_resolve_the_ticket_gets_no_keys_of_it()
    {
        using var call = new TicketCall();
        call.Dial();
        var answer = call.Resolve(call.Focus.Only<ResolveTicket>().Transfer, KmsScene.Eve);
        Assert.Null(answer.Verified);
        call.Focus.Do(answer);
        Assert.Equal(488, call.Focus.Response.StatusCode);
        call.Focus.None<Join>();
    }

    [Fact]
    public void An_INVITE_that_is_played_again_is_refused_when_its_ticket_was_resolved()
    {
        using var call = new TicketCall();
        call.Join();
        var again = new ParticipantScene(now: call.Kms.Now);
        again.Receive(call.Invite);
        var resolved = call.Resolve(again.Only<ResolveTicket>().Transfer);
        Assert.Equal(Protocols.Mikey.Exchanges.ExchangeError.Replayed, resolved.Error);
        again.Do(resolved);
        Assert.Equal(488, again.Response.StatusCode);
    }

    [Fact]
    public void A_caller_that_hangs_up_while_its_ticket_is_resolved_leaves_nothing_behind()
    {
        using var call = new TicketCall();
        call.Dial();
        var resolved = call.Resolve(call.Focus.Only<ResolveTicket>().Transfer);
        call.Deliver(call.Invite.CreateResponse(100));
        call.Focus.Receive((SipRequest)call.Phone.HangUp().OfType<PhoneEffect.Send>().Single().Message);
        Assert.Equal([200, 487], call.Focus.Effects.OfType<Respond>().Select(r => r.Response.StatusCode));
        call.Focus.Do(resolved);
        call.Focus.None<Join>();
    }

    [Fact]
    public void No_key_of_a_leg_is_in_what_is_stored()
    {
        using var call = new TicketCall();
        call.Join();
        var fact = Assert.IsType<DialogFact.DialogConfirmed>(call.Focus.Only<Store>().Fact);
        Assert.DoesNotContain("key-mgmt", fact.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("crypto", fact.ToString(), StringComparison.Ordinal);
    }

    private static ulong Timestamp(SipRequest request)
    {
        using var offer = TicketCall.Wire(request);
        Assert.True(MikeyReader.TryRead(offer.Media[0].KeyManagement[0].Message, out var message, out _));
        return message!.First<Timestamp>()!.Time.Padded;
    }
}
