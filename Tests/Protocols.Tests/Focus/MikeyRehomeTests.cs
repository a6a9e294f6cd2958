using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>The node with the sockets of a dialog is gone, and the leg is keyed by MIKEY or its call began without an offer; then the focus's node is gone, too.</summary>
public sealed class MikeyRehomeTests
{
    [Theory]
    [Trait("RFC", "6043 §5.2")]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public void A_phone_with_a_ticket_is_told_another_address_and_follows_the_key(bool takesUpdate, bool isOnItsWay)
    {
        using var call = new TicketCall(takesUpdate: takesUpdate);
        call.Focus.InCluster();
        call.Join();
        Follows(call.Focus, m => call.Deliver(m), isOnItsWay);
        Assert.Contains(call.Heard, k => k.Mki == GroupKey.MkiOf(new KeyEpoch(2)));
        Assert.Null(call.End);
        call.Focus = Revived(call.Focus);
        call.Focus.OfferKey(3, 2);
        Assert.Equal("n2", call.Focus.Only<SendRequest>().Flow.Node);
        Exchange(call.Focus, m => call.Deliver(m));
        Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
    }

    [Theory]
    [Trait("RFC", "3830 §4.5")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_phone_under_a_pre_shared_key_is_told_another_address_and_follows_the_key(bool isOnItsWay)
    {
        using var phone = new PreSharedPhone();
        phone.Focus.InCluster();
        phone.Join();
        Follows(phone.Focus, m => phone.Deliver(m), isOnItsWay);
        Assert.Contains(phone.Heard, k => k.Mki == GroupKey.MkiOf(new KeyEpoch(2)));
        Assert.Null(phone.End);
        phone.Focus = Revived(phone.Focus);
        phone.Focus.OfferKey(3, 2);
        Assert.Equal("n2", phone.Focus.Only<SendRequest>().Flow.Node);
        Exchange(phone.Focus, m => phone.Deliver(m));
        Assert.Equal(LegKeyAnswer.Took, phone.Focus.Only<ReportKey>().Answer);
    }

    [Theory]
    [Trait("RFC", "3261 §13.2.1")]
    [InlineData("", "INVITE")]
    [InlineData(ParticipantScene.TakesUpdate, "UPDATE")]
    public void A_caller_without_an_offer_is_told_another_address_and_its_next_offer_is_answered_by_the_next_life(string allow, string method)
    {
        var scene = new ParticipantScene().InCluster();
        scene.Receive(ParticipantScene.Request("INVITE", extra: allow));
        scene.Accept(keying: LegKeying.Own);
        scene.Open();
        scene.Ack(sdp: ParticipantScene.Offer());
        scene.Do(new ParticipantInput.SipNodeGone("n2"));
        var request = scene.Only<SendRequest>();
        Assert.Equal((method, "n2"), (request.Request.Method.Name, request.Flow.Node));
        if (method == "INVITE")
        {
            // All codecs, but the one suite and key that are in use.
            using var offer = ParticipantScene.Description(request.Request.Body);
            Assert.Single(Assert.Single(offer.Media[0].Crypto).Keys);
        }

        scene.Reply(request.Request, 200, method == "INVITE" ? ParticipantScene.Offer() : "");
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
        scene = Revived(scene);
        scene.Receive(ParticipantScene.Later("INVITE", 2, ParticipantScene.Offer(2, direction: "sendonly")));
        Assert.Equal(200, scene.Response.StatusCode);
        scene.Ack(2);
        Assert.IsType<ParticipantState.Confirmed>(scene.State);

        // What we send under is what it has had from the first.
        using var answer = ParticipantScene.Description(scene.All.OfType<Respond>().Last().Response.Body);
        using var kept = scene.All.OfType<KeepLeg>().Last().Record;
        Assert.True(answer.Media[0].Crypto[0].Keys[0].KeyAndSalt.FixedTimeEquals(kept.Media.Downlink.KeyAndSalt));
    }

    /// <summary>Epoch 2 reaches the phone before its node goes, and the answer is lost with it; or afterwards.</summary>
    private static void Follows(ParticipantScene focus, Func<SipMessage, SipMessage?> deliver, bool isOnItsWay)
    {
        if (isOnItsWay)
        {
            focus.OfferKey(2, 1);
            Assert.Equal(200, ((SipResponse)deliver(KeyScene.Sent(focus))!).StatusCode);
        }

        focus.Do(new ParticipantInput.SipNodeGone("n2"));
        Assert.Equal("n2", focus.Only<SendRequest>().Flow.Node);
        var request = KeyScene.Sent(focus);
        if (!request.Body.IsEmpty)
        {
            using var said = TicketCall.Wire(request);
            Assert.Equal((1, 0), (said.Media[0].KeyManagement.Length, said.Media[0].Crypto.Length));
        }

        Exchange(focus, deliver);
        if (!isOnItsWay)
        {
            focus.OfferKey(2, 1);
            Exchange(focus, deliver);
        }

        Assert.Equal((LegKeyAnswer.Took, new KeyEpoch(2)), (focus.Only<ReportKey>().Answer, focus.Only<ReportKey>().Epoch));
    }

    /// <summary>The ACK that a lost 2xx has not had, the request, its answer, and the ACK of that.</summary>
    private static void Exchange(ParticipantScene focus, Func<SipMessage, SipMessage?> deliver)
    {
        var request = KeyScene.Sent(focus);
        foreach (var ack in focus.Effects.OfType<SendAck>().ToList()) deliver(ack.Request);
        var response = (SipResponse)deliver(request)!;
        Assert.Equal(200, response.StatusCode);
        focus.Do(new ParticipantInput.ResponseArrived(response));
        foreach (var ack in focus.Effects.OfType<SendAck>().ToList()) deliver(ack.Request);
    }

    private static ParticipantScene Revived(ParticipantScene before)
    {
        var record = before.All.OfType<KeepLeg>().Last().Record;
        var next = before.NextLife();
        before.State.Destroy();
        next.Move(ParticipantScene.Mixer);
        next.Do(new ParticipantInput.LegFound(ParticipantScene.Mixer, record));
        Assert.IsType<ParticipantState.Confirmed>(next.State);
        return next;
    }
}
