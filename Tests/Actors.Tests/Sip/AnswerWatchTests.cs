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
    public void Until_its_participant_says_something_an_INVITE_is_handed_on_again_with_its_keys()
    {
        var endpoint = Start();
        var phone = Udp(endpoint);
        phone.Send(phone.Request("INVITE").Replace("Content-Length: 0\r\n\r\n", "Content-Length: 4\r\n\r\nkeys", StringComparison.Ordinal));
        var first = Participants.ExpectMsg<SipRequestArrived>();
        var body = first.Request.Body.Span.ToArray();
        Assert.NotEmpty(body);
        // It has had its keys, and died.
        first.Request.Body.Clear();
        for (var i = 0; i < 2; i++)
        {
            Advance(endpoint, TimeSpan.FromSeconds(2));
            var again = Participants.ExpectMsg<SipRequestArrived>();
            Assert.Equal((first.Participant, first.Key, first.Flow), (again.Participant, again.Key, again.Flow));
            Assert.Equal(body, again.Request.Body.Span.ToArray());
            again.Request.Body.Clear();
        }

        Answer(first, 200, "OK");
        Assert.Equal(200, phone.Answer().StatusCode);
        Advance(endpoint, TimeSpan.FromSeconds(2));
        Participants.ExpectNoMsg(TimeSpan.FromSeconds(1.5));
    }

    /// <summary>The participant had refused and was gone when the INVITE came again, and so it began anew.</summary>
    [Fact]
    public void Whoever_accepts_what_was_refused_before_is_told()
    {
        var endpoint = Start();
        var phone = Udp(endpoint);
        phone.Send(phone.Request("INVITE"));
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Answer(arrived, 486, "Busy Here");
        Answer(arrived, 200, "OK");
        var failed = Participants.ExpectMsg<SipTransactionFailed>();
        Assert.Equal((arrived.Participant, arrived.Key, TransactionFailure.Timeout), (failed.Participant, failed.Key, failed.Reason));
        Assert.Equal(486, phone.Answer().StatusCode);
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
