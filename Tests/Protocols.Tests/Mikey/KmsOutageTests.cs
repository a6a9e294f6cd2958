using ConfCluster.Protocols.Mikey.Exchanges;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>When a KMS that is away is asked again.</summary>
public class KmsOutageTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly KmsOutage _outage = new(10 * Second);

    [Fact]
    public void A_KMS_that_answers_is_asked_by_everybody_at_once()
    {
        Assert.True(_outage.MayAsk(Second) && _outage.MayAsk(Second));
        _outage.Answered(isUnreachable: false, Second);
        Assert.True(_outage.MayAsk(Second) && !_outage.IsAway);
    }

    [Fact]
    public void After_a_failure_nobody_waits_for_it_until_one_has_tried_again()
    {
        _outage.Answered(isUnreachable: true, Second);
        Assert.True(_outage.IsAway);
        Assert.False(_outage.MayAsk(Second));
        Assert.False(_outage.MayAsk(10.9 * Second));
        Assert.True(_outage.MayAsk(11 * Second));
        Assert.False(_outage.MayAsk(12 * Second));
        _outage.Answered(isUnreachable: true, 13 * Second);
        Assert.False(_outage.MayAsk(22 * Second));
        Assert.True(_outage.MayAsk(23 * Second));
        _outage.Answered(isUnreachable: false, 24 * Second);
        Assert.True(_outage.MayAsk(24 * Second) && _outage.MayAsk(24 * Second));
    }

    [Fact]
    public void A_question_that_got_through_for_somebody_else_ends_it()
    {
        _outage.Answered(isUnreachable: true, Second);
        _outage.Answered(isUnreachable: false, 2 * Second);
        Assert.True(_outage.MayAsk(2 * Second));
    }
}
