using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class DominantSpeakerTests
{
    private static readonly ParticipantId[] People = [new("alice"), new("bob"), new("carol")];
    private readonly DominantSpeaker _machine = new();

    [Fact]
    public void Whoever_speaks_for_a_while_gets_the_word()
    {
        Assert.Equal(0, Changes(DominantSpeaker.ChallengeTicks - 1, 60));
        Assert.Equal(1, Changes(1, 60));
        Assert.Equal(People[0], _machine.Speaker);
        Assert.Equal(0, Changes(500, 60));
    }

    [Fact]
    public void A_short_sound_gets_nothing_and_a_pause_takes_nothing()
    {
        Changes(100, 60);
        Changes(DominantSpeaker.ChallengeTicks - 1, 60, 90);
        Changes(1, 60);
        Changes(DominantSpeaker.ChallengeTicks - 1, 60, 90);
        Assert.Equal(0, Changes(DominantSpeaker.QuietTicks));
        Assert.Equal(People[0], _machine.Speaker);
        Assert.Equal(1, Changes(1));
        Assert.Null(_machine.Speaker);
    }

    [Fact]
    public void Somebody_hardly_louder_interrupts_nobody()
    {
        Changes(100, 60);
        Assert.Equal(0, Changes(200, 60, 60 + DominantSpeaker.Margin));
        Assert.Equal(1, Changes(200, 60, 61 + DominantSpeaker.Margin));
        Assert.Equal(People[1], _machine.Speaker);
    }

    [Fact]
    public void Whoever_pauses_loses_the_word_to_anybody_who_speaks()
    {
        Changes(100, 60);
        Assert.Equal(1, Changes(DominantSpeaker.ChallengeTicks, null, 20));
        Assert.Equal(People[1], _machine.Speaker);
    }

    [Fact]
    public void Whoever_left_loses_the_word()
    {
        Changes(100, 60);
        _machine.Gone(People[0]);
        Assert.Equal(1, Changes(1));
        Assert.Null(_machine.Speaker);
    }

    [Fact]
    public void Whatever_happens_changes_are_seldom_and_tell_of_another() =>
        Gen.Int[-40, 90].Array[3].Array[1, 400].Sample(ticks =>
        {
            var machine = new DominantSpeaker();
            var (since, before) = (DominantSpeaker.RestTicks, machine.Speaker);
            foreach (var tick in ticks)
            {
                for (var i = 0; i < tick.Length; i++)
                    if (tick[i] >= 0)
                        machine.Offer(People[i], tick[i]);
                since++;
                if (machine.Next())
                {
                    if (since < DominantSpeaker.RestTicks || machine.Speaker == before) return false;
                    (since, before) = (0, machine.Speaker);
                }
                else if (machine.Speaker != before)
                {
                    return false;
                }
            }

            return true;
        });

    private int Changes(int ticks, params float?[] loudness)
    {
        var changes = 0;
        for (var t = 0; t < ticks; t++)
        {
            for (var i = 0; i < loudness.Length; i++)
                if (loudness[i] is { } loud)
                    _machine.Offer(People[i], loud);
            if (_machine.Next()) changes++;
        }

        return changes;
    }
}
