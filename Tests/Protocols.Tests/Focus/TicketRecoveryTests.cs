using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A leg with a ticket whose participant died with its node: its next life goes on with the bundle, so the phone follows the group's key.</summary>
public sealed class TicketRecoveryTests
{
    [Theory]
    [InlineData(true, TicketFlags.Forking)]
    [InlineData(false, TicketFlags.None)]
    [InlineData(true, TicketFlags.ResponderRand)]
    [Trait("RFC", "6043 §5.2")]
    public void The_next_life_tells_new_keys_in_CSB_updates_of_the_same_bundle(bool takesUpdate, TicketFlags more)
    {
        using var call = Joined(takesUpdate: takesUpdate, more: more);
        call.Focus.OfferKey(2, 1);
        var before = Message(Sent(call));
        Confirm(call);
        for (byte life = 1; life < 4; life++)
        {
            Revive(call, life);
            Assert.Equal(new ReportMoved(ParticipantScene.Room, ParticipantScene.Mixer), call.Focus.Only<ReportMoved>());
            call.Focus.None<SetLegMedia>();
            var key = call.Focus.OfferKey(2u + life, 1u + life);
            Assert.Equal(takesUpdate ? "UPDATE" : "INVITE", Sent(call).Method.Name);
            var update = Message(Sent(call));
            Assert.Equal((before.CsbId, (Ticket?)null), (update.CsbId, update.First<Ticket>()));
            Confirm(call);
            Assert.Equal([1u + life, 2u + life, 1u << 31 | 1], call.Heard.Select(k => (uint)k.Mki.Value));
            Assert.True(call.Heard[1].KeyAndSalt.FixedTimeEquals(key.For(call.Heard[1].Profile)!.KeyAndSalt));
            Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(30)]
    public void A_key_of_which_the_former_life_heard_no_answer_is_followed_by_a_newer_one(int clock)
    {
        using var call = Joined();
        call.Focus.OfferKey(2, 1);
        call.Focus.None<KeepLeg>();
        var lost = Message(Sent(call));
        call.Deliver(Sent(call));
        call.Kms.Now += TimeSpan.FromSeconds(clock);
        Revive(call);
        call.Focus.OfferKey(3, 1);
        var update = Message(Sent(call));
        Assert.True(TimeOf(update) > TimeOf(lost));
        Confirm(call);
        Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
        Assert.Equal([1u, 3u, 1u << 31 | 1], call.Heard.Select(k => (uint)k.Mki.Value));
    }

    [Fact]
    public void A_refused_key_is_no_reason_to_use_its_timestamp_again_in_the_next_life()
    {
        using var call = Joined();
        call.Focus.OfferKey(2, 1);
        var refused = Message(Sent(call));
        call.Focus.Reply(Sent(call), 488);
        call.Focus.Only<KeepLeg>();
        Revive(call);
        call.Focus.OfferKey(3, 1);
        Assert.True(TimeOf(Message(Sent(call))) > TimeOf(refused));
    }

    [Fact]
    [Trait("RFC", "3264 §8.4")]
    public void A_hold_of_the_phone_waits_for_the_leg_and_is_answered_in_its_bundle()
    {
        using var call = Joined();
        Die(call, out var record);
        call.Focus.Receive((SipRequest)call.Phone.Hold(true).OfType<PhoneEffect.Send>().Single().Message);
        Assert.Equal(ParticipantScene.Room, call.Focus.Only<AskPlace>().Conference);
        call.Focus.None<Respond>();
        call.Focus.Move(ParticipantScene.Mixer);
        call.Focus.Do(new ParticipantInput.LegFound(ParticipantScene.Mixer, record));
        Assert.Equal(200, call.Focus.Response.StatusCode);
        using (var answer = TicketCall.Wire(call.Focus.Response)) Assert.Equal((1, 0), (answer.Media[0].KeyManagement.Length, answer.Media[0].Crypto.Length));
        call.Focus.Do(new ParticipantInput.AckArrived((SipRequest)call.Deliver(call.Focus.Response)!));
        Assert.Null(call.End);
        call.Update(2);
        Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
    }

    [Fact]
    [Trait("RFC", "4028 §7.4")]
    public void A_refresh_by_re_INVITE_is_an_update_and_not_a_message_of_the_life_before()
    {
        var timer = SessionTimerPolicy.Passive with { Interval = TimeSpan.FromMinutes(30) };
        using var call = Joined(takesUpdate: false, timer: timer);
        call.Focus.OfferKey(2, 1);
        var before = TimeOf(Message(Sent(call)));
        Confirm(call);
        Revive(call);
        call.Focus.Fire(ParticipantTimer.Refresh);
        Assert.True(TimeOf(Message(Sent(call))) > before);
        using (var offer = TicketCall.Wire(Sent(call))) Assert.Equal((1, 0), (offer.Media[0].KeyManagement.Length, offer.Media[0].Crypto.Length));
        Confirm(call);
        Assert.Equal([1u, 2u, 1u << 31 | 1], call.Heard.Select(k => (uint)k.Mki.Value));

        // From then on what was said is said again.
        call.Focus.Fire(ParticipantTimer.Refresh);
        var second = Message(Sent(call));
        Confirm(call);
        call.Focus.Fire(ParticipantTimer.Refresh);
        Assert.Equal(TimeOf(second), TimeOf(Message(Sent(call))));
    }

    [Fact]
    public void An_offer_that_the_phone_repeats_gets_the_last_answer_with_no_key_in_it()
    {
        using var call = Joined();
        var headers = call.Invite.Headers;
        headers = headers.With("CSeq", "2 UPDATE").With("Via", "SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKagain").With("To", $"{headers.To.Uri};tag={ParticipantScene.Id.Value}");
        Revive(call);
        call.Focus.Receive(call.Invite with { Method = SipMethod.Update, Headers = headers });
        Assert.Equal(200, call.Focus.Response.StatusCode);
        using var answer = TicketCall.Wire(call.Focus.Response);
        Assert.Equal((1, 0), (answer.Media[0].KeyManagement.Length, answer.Media[0].Crypto.Length));
    }

    [Fact]
    [Trait("RFC", "6043 §6.1.1")]
    public void Who_sends_under_the_groups_key_is_told_to_send_under_the_next_one()
    {
        using var call = Joined(LegKeying.GroupBothWays);
        Revive(call);
        call.Focus.OfferKey(2, 1);
        Confirm(call);
        Assert.Equal(2u, call.Sends!.Mki.Value);
        Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
    }

    [Fact]
    public void What_is_left_shows_no_key_and_is_zeroed_by_who_has_it()
    {
        using var call = Joined();
        var record = call.Focus.Only<KeepLeg>().Record;
        var copy = record.Copy();
        Assert.DoesNotContain("crypto", System.Text.Encoding.UTF8.GetString(record.Sent.Body.Span), StringComparison.Ordinal);
        record.Dispose();
        Assert.Throws<ObjectDisposedException>(() => record.Mikey!.Keys.Encryption.Reveal().Length);
        Assert.All(record.Sent.Body.Span.ToArray(), b => Assert.Equal(0, b));
        Assert.NotEmpty(copy.Mikey!.Keys.Encryption.Reveal().ToArray());
        Assert.NotEqual(0, copy.Sent.Body.Span[0]);
        copy.Dispose();
    }

    private static TicketCall Joined(
        LegKeying keying = LegKeying.GroupByMki, bool takesUpdate = true, TicketFlags more = TicketFlags.Forking, SessionTimerPolicy? timer = null)
    {
        var call = new TicketCall(more, timer: timer, takesUpdate: takesUpdate);
        call.Focus.InCluster();
        call.Join(keying);
        return call;
    }

    private static void Die(TicketCall call, out LegRecord record, byte life = 1)
    {
        record = call.Focus.All.OfType<KeepLeg>().Last().Record;
        var before = call.Focus;
        call.Focus = before.NextLife(life);
        call.Focus.Context = call.Focus.Context with { Now = call.Kms.Now };
        before.State.Destroy();
    }

    private static void Revive(TicketCall call, byte life = 1)
    {
        Die(call, out var record, life);
        call.Focus.Move(ParticipantScene.Mixer);
        Assert.Equal(ParticipantScene.Mixer, call.Focus.Only<AskLeg>().Mixer);
        call.Focus.Do(new ParticipantInput.LegFound(ParticipantScene.Mixer, record));
        Assert.IsType<ParticipantState.Confirmed>(call.Focus.State);
    }

    private static void Confirm(TicketCall call)
    {
        call.Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)call.Deliver(Sent(call))!));
        foreach (var ack in call.Focus.Effects.OfType<SendAck>()) call.Deliver(ack.Request);
    }

    private static SipRequest Sent(TicketCall call) => KeyScene.Sent(call.Focus);

    private static ulong TimeOf(MikeyMessage message) => message.First<Timestamp>()!.Time.Padded;

    private static MikeyMessage Message(SipRequest request)
    {
        using var offer = TicketCall.Wire(request);
        Assert.True(MikeyReader.TryRead(offer.Media[0].KeyManagement[0].Message, out var message, out _));
        return message!;
    }
}
