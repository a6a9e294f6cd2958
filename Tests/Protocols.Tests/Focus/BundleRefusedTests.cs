using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Tests.Mikey;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.BundleScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A new bundle in a dialog that comes to nothing: no ticket, another party, a phone that cannot or will not, somebody who hangs up meanwhile.</summary>
public sealed class BundleRefusedTests
{
    [Theory]
    [InlineData(false, false, "refused")]
    [InlineData(false, true, "asked again")]
    [InlineData(true, false, "over")]
    [InlineData(true, true, "asked again")]
    public void A_KMS_that_gives_no_ticket_ends_no_call_that_has_media(bool isGone, bool isUnreachable, string what)
    {
        using var call = Switched();
        Die(call);
        var key = call.Focus.OfferKey(2, 0);
        Find(call, isGone);
        call.Focus.Do(new ParticipantInput.TicketGranted(null, ExchangeError.NotAuthorised, isUnreachable));
        if (what == "refused")
        {
            Assert.Equal((LegKeyAnswer.Refused, new KeyEpoch(2)), (call.Focus.Only<ReportKey>().Answer, call.Focus.Only<ReportKey>().Epoch));
            Assert.Same(key, call.Focus.Only<Destroy>().Secrets);
            Assert.IsType<ParticipantState.Restored>(call.Focus.State);
        }
        else if (what == "over") Assert.Equal((LeaveReason.NodeLost, "BYE"), (call.Focus.Only<Leave>().Reason, Sent(call).Method.Name));
        else
        {
            call.Focus.Fire(ParticipantTimer.RepeatAsk);
            call.Focus.Only<RequestTicket>();
            Give(call, ticketFirst: false);
            Confirm(call);
            Assert.NotEmpty(call.Focus.Effects.OfType<SetForwarding>());
        }
    }

    [Fact]
    [Trait("RFC", "4567 §4.1.2")]
    public void A_phone_that_refuses_the_new_bundle_is_hung_up()
    {
        using var call = Switched();
        Die(call);
        call.Focus.OfferKey(2, 0);
        Find(call, isGone: false);
        Give(call, ticketFirst: true);
        call.Focus.Reply(Sent(call), 488);
        Assert.Equal((LeaveReason.MediaFailed, "BYE"), (call.Focus.Only<Leave>().Reason, Sent(call).Method.Name));
    }

    [Fact]
    [Trait("RFC", "6043 §12.3")]
    public void A_ticket_of_somebody_else_takes_no_bundles_place()
    {
        using var call = Switched();
        var old = call.Sends!;
        Die(call);
        call.Focus.OfferKey(2, 0);
        Find(call, isGone: false);
        Give(call, ticketFirst: true, KmsScene.Eve);
        var refusal = (SipResponse)call.Deliver(Sent(call))!;
        Assert.Equal((488, 0), (refusal.StatusCode, call.Resolved));
        Assert.Contains("WrongParty", refusal.Headers.First("Warning"), StringComparison.Ordinal);
        Assert.Same(old, call.Sends);
        Assert.Null(call.End);
    }

    [Fact]
    [Trait("RFC", "3261 §14.2")]
    public void While_the_phone_asks_the_KMS_other_offers_wait_and_either_side_may_end_the_call()
    {
        foreach (var byUs in new[] { true, false })
        {
            using var call = Switched();
            Die(call);
            call.Focus.OfferKey(2, 0);
            Find(call, isGone: false);
            Give(call, ticketFirst: true);
            call.HasKms = false;
            var offer = Sent(call);
            Assert.Null(call.Deliver(offer) as SipResponse is { IsFinal: true } ? "answered" : null);
            Assert.Empty(call.Phone.Hold(true));
            var second = offer with { Headers = offer.Headers.With("CSeq", $"{offer.Headers.CSeq.Number + 1} {offer.Method.Name}") };
            Assert.Equal(500, ((SipResponse)call.Deliver(second)!).StatusCode);
            var from = new SipFlow(SipTransport.Udp, ParticipantScene.Flow.Remote, ParticipantScene.Flow.Local);
            var ended = byUs ? call.Phone.HangUp() : call.Phone.Receive(Bye(offer), from);
            Assert.Contains(ended.OfType<PhoneEffect.Send>(), s => s.Message is SipResponse { StatusCode: 487 });

            // Too late.
            Assert.Empty(call.Phone.Resolved(null, "nobody is there"));
        }
    }

    [Fact]
    public void A_phone_without_a_KMS_refuses_and_stays()
    {
        using var call = Switched();
        Die(call);
        call.Focus.OfferKey(2, 0);
        Find(call, isGone: false);
        Give(call, ticketFirst: true);
        call.HasKms = false;
        call.Deliver(Sent(call));
        var sent = call.Take(call.Phone.Resolved(null, "nobody is there"));
        Assert.Equal(488, Assert.IsType<SipResponse>(sent).StatusCode);
        Assert.Equal(1u, (uint)call.Sends!.Mki.Value);
        Assert.IsType<CallState.Talking>(call.Phone.State);
    }
}
