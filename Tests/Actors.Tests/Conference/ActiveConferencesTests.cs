using ConfCluster.Actors.Conference;
using ConfCluster.Protocols.Conference;
using Xunit;

namespace ConfCluster.Actors.Tests.Conference;

public sealed class ActiveConferencesTests
{
    private static readonly ConferenceId Red = new("red");
    private static readonly ConferenceId Blue = new("blue");

    [Fact]
    public void A_place_is_held_before_anybody_is_in_and_counts_when_somebody_is()
    {
        var active = new ActiveConferences(2);
        Assert.Equal(Admission.Open, active.Admit(Red));
        Assert.Equal((1, 0, 0), (active.Count, active.Occupied, active.Participants));
        active.Enter(Red, 3, 1);
        active.Enter(Blue, 1, 1);
        Assert.Equal(Admission.Open, active.Admit(Red));
        Assert.Equal(Admission.NoNewConference, active.Admit(new ConferenceId("green")));
        Assert.Equal((2, 2, 4, 2), (active.Count, active.Occupied, active.Participants, active.WithoutMki));
        active.Enter(Red, 2, 0);
        active.Leave(Blue);
        active.Leave(Blue);
        Assert.Equal((1, 1, 2, 0), (active.Count, active.Occupied, active.Participants, active.WithoutMki));
        active.Close();
        Assert.Equal(Admission.ShuttingDown, active.Admit(Red));
    }
}
