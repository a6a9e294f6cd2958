using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Session refreshes of legs with tickets: no key changes, and none is told again under a new message.</summary>
[Trait("RFC", "4028 §7.4")]
public sealed class TicketRefreshTests
{
    private static readonly SessionTimerPolicy Ours = new(TimeSpan.FromSeconds(1800), TimeSpan.FromSeconds(90));

    [Fact]
    [Trait("RFC", "3264 §8")]
    public void A_re_INVITE_with_the_same_offer_gets_the_same_answer_and_touches_no_key()
    {
        using var phone = new ForeignPhone();
        var offer = phone.WithTicket();
        phone.Focus.Receive(ParticipantScene.Request("INVITE", sdp: offer, extra: ParticipantScene.TakesUpdate));
        phone.Resolve();
        phone.Focus.Accept(ParticipantScene.Group(1));
        phone.Focus.Open();
        var answer = phone.Focus.Response.Body.Span.ToArray();
        phone.Focus.Ack();
        phone.Focus.Receive(ParticipantScene.Later("INVITE", 2, offer));
        phone.Focus.None<ResolveTicket>();
        phone.Focus.None<SetLegMedia>();
        Assert.Equal(answer, phone.Focus.Response.Body.Span.ToArray());
        phone.Focus.Ack(2);
        phone.Focus.None<SetLegMedia>();
        phone.Focus.Receive(ParticipantScene.Later("UPDATE", 3, offer));
        phone.Focus.None<SetLegMedia>();
        Assert.Equal(answer, phone.Focus.Response.Body.Span.ToArray());
        phone.Focus.Receive(ParticipantScene.Later("UPDATE", 4));
        phone.Focus.None<SetLegMedia>();
        Assert.True(phone.Focus.Response.Body.IsEmpty);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Our_own_refresh_changes_nothing_before_and_after_a_new_group_key(bool takesUpdate)
    {
        using var call = new TicketCall(timer: Ours, takesUpdate: takesUpdate);
        call.Join();
        for (uint epoch = 2; epoch < 5; epoch++)
        {
            var heard = call.Heard.Select(k => k.Mki).ToList();
            call.Focus.Fire(ParticipantTimer.Refresh);
            var request = Sent(call.Focus);
            Assert.Equal((takesUpdate ? "UPDATE" : "INVITE", takesUpdate), (request.Method.Name, request.Body.IsEmpty));
            call.Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)call.Deliver(request)!));
            Assert.IsType<ParticipantState.Confirmed>(call.Focus.State);
            if (call.Focus.Effects.OfType<SetLegMedia>().SingleOrDefault() is { } told)
            {
                using (told.Media) Assert.Equal(1u << 31 | 1, told.Media.Downlink.Mki.Value);
            }

            Assert.Equal(heard, call.Heard.Select(k => k.Mki));
            if (call.Focus.Effects.OfType<SendAck>().SingleOrDefault() is { } ack) call.Deliver(ack.Request);
            call.Focus.OfferKey(epoch, epoch - 1);
            call.Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)call.Deliver(Sent(call.Focus))!));
            Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
            if (call.Focus.Effects.OfType<SendAck>().SingleOrDefault() is { } taken) call.Deliver(taken.Request);
        }
    }

    [Fact]
    public void A_phones_hold_by_UPDATE_keeps_all_keys()
    {
        using var call = new TicketCall();
        call.Join();
        var hold = (SipRequest)call.Phone.Hold(true).OfType<PhoneEffect.Send>().Single().Message;
        var headers = hold.Headers.Fields.Select(f => f.Name == "CSeq" ? f with { Value = f.Value.Replace("INVITE", "UPDATE", StringComparison.Ordinal) } : f);
        call.Focus.Receive(hold with { Method = SipMethod.Update, Headers = new SipHeaders([.. headers]) });
        Assert.Equal(200, call.Focus.Response.StatusCode);
        using var media = call.Focus.Only<SetLegMedia>().Media;
        Assert.Equal((1ul << 30 | 1, 1ul << 31 | 1), (media.Uplink[0].Mki.Value, media.Downlink.Mki.Value));
        Assert.False(media.Direction.Send);
        call.Focus.OfferKey(2, 1);
        Assert.Equal("UPDATE", Sent(call.Focus).Method.Name);
    }
}
