using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A leg that is keyed by MIKEY-TICKET goes to another mixer: the CSB update stands in the offer that names the new ports.</summary>
public sealed class TicketMoveTests
{
    private static readonly MixerId Second = ParticipantScene.Mixer with { Incarnation = 2 };

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [Trait("RFC", "6043 §5.2")]
    public void The_offer_that_names_the_new_ports_is_a_CSB_update_and_the_phone_takes_both(bool withKey, bool takesUpdate)
    {
        using var call = new TicketCall(takesUpdate: takesUpdate);
        call.Join();
        foreach (var set in call.Focus.Effects.OfType<SetLegMedia>()) set.Media.Dispose();
        call.Focus.Do(new ParticipantInput.MoveRequested(ParticipantScene.Room, Second, new Incarnation(1), MayOffer: !withKey));
        if (withKey) call.Focus.OfferKey(2, 1);
        call.Focus.None<SendRequest>();
        call.Focus.Do(new ParticipantInput.LegOpened(Second, ParticipantScene.Ports.WithPort(41000), ParticipantScene.Ports.WithPort(41001)));
        foreach (var set in call.Focus.Effects.OfType<SetLegMedia>()) set.Media.Dispose();

        var request = Sent(call.Focus);
        Assert.Equal(takesUpdate ? "UPDATE" : "INVITE", request.Method.Name);
        using (var offer = TicketCall.Wire(request))
            Assert.Equal((41000, 1, 0), (offer.Media[0].Line.Port, offer.Media[0].KeyManagement.Length, offer.Media[0].Crypto.Length));
        var answer = call.Deliver(request);
        call.Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)answer!));
        Assert.Equal(Second, call.Focus.Only<ReportMoved>().Mixer);
        if (withKey) Assert.Equal((LegKeyAnswer.Took, new KeyEpoch(2)), (call.Focus.Only<ReportKey>().Answer, call.Focus.Only<ReportKey>().Epoch));
        Assert.Equal(withKey ? 3 : 2, call.Heard.Length);
        foreach (var set in call.Focus.Effects.OfType<SetLegMedia>()) set.Media.Dispose();
    }
}
