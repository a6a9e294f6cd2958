using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using Xunit;

namespace ConfCluster.Architecture.Tests;

public class Rejections
{
    public static TheoryData<Rejection> All => [.. Enum.GetValues<Rejection>()];

    [Theory]
    [MemberData(nameof(All))]
    public void Every_rejection_has_a_status_of_its_class(Rejection rejection)
    {
        var (status, reason, retryAfter) = RejectionStatus.Of(rejection);
        Assert.InRange(status, 400, 699);
        Assert.NotEmpty(reason);

        // RFC 3261 §21.5.4: who says 503 may say when to come back, and we always do.
        Assert.Equal(status == 503, retryAfter > 0);
    }
}
