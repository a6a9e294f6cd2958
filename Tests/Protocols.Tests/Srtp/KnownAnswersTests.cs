using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Srtp.Transforms;
using Xunit;

namespace ConfCluster.Protocols.Tests.Srtp;

public class KnownAnswersTests
{
    [Fact]
    [Trait("RFC", "3711 §4.3.1")]
    public void All_come_out_right() => Assert.Empty(KnownAnswers.Run());

    [Fact]
    public void Every_suite_has_one() =>
        Assert.Empty(SrtpProfile.All.Select(p => p.Name).Except(KnownAnswers.All.Select(a => a.Name)));

    [Fact]
    public void A_wrong_answer_is_named_and_no_other()
    {
        for (var i = 0; i < KnownAnswers.All.Length; i++)
        {
            var answer = KnownAnswers.All[i];
            var wrong = answer with { Expected = "00" + answer.Expected[2..] };
            Assert.Equal(answer.Name, Assert.Single(KnownAnswers.Run(KnownAnswers.All.SetItem(i, wrong))));
        }
    }
}
