using ConfCluster.Actors.Participant;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

public sealed class AnswerWatchTests : SipEndpointScene
{
    [Fact]
    [Trait("RFC", "3261 §21.5.4")]
    public void An_INVITE_that_nobody_answers_gets_503_and_whoever_comes_late_is_told()
    {
        var endpoint = Start(Settings with { FocusTimeout = TimeSpan.FromSeconds(3) });
        var phone = Udp(endpoint);
        phone.Send(phone.Request("INVITE"));
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Advance(endpoint, TimeSpan.FromSeconds(4));
        var answer = phone.Answer();
        Assert.Equal((503, "5"), (answer.StatusCode, answer.Headers.First("Retry-After")));
        var failed = Participants.ExpectMsg<SipTransactionFailed>();
        Assert.Equal((arrived.Participant, arrived.Key, TransactionFailure.Timeout), (failed.Participant, failed.Key, failed.Reason));
    }

    [Fact]
    public void One_that_was_answered_with_whatever_is_left_in_peace()
    {
        var endpoint = Start(Settings with { FocusTimeout = TimeSpan.FromSeconds(3) });
        var phone = Udp(endpoint);
        phone.Send(phone.Request("INVITE"));
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Answer(arrived, 180, "Ringing");
        Assert.Equal(180, phone.Answer().StatusCode);
        Advance(endpoint, TimeSpan.FromSeconds(4));
        Participants.ExpectNoMsg(TimeSpan.FromSeconds(1.5));
    }
}
