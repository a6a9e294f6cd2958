using ConfCluster.Protocols.Mixing;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class LoudestSpeakersTests
{
    [Fact]
    public void The_loudest_are_chosen_and_free_places_are_taken_at_once()
    {
        var speakers = new LoudestSpeakers(2);
        Assert.Equal([1, 0], Tick(speakers, 50, 60));
        Assert.Equal([2], Tick(speakers, null, null, 10));
    }

    [Fact]
    public void Whoever_is_in_stays_until_somebody_is_clearly_louder()
    {
        var speakers = new LoudestSpeakers(1);
        for (var i = 0; i <= LoudestSpeakers.SettlingTicks; i++) Tick(speakers, 60, null);
        Assert.Equal([0], Tick(speakers, 60, 60 + LoudestSpeakers.Margin));
        Assert.Equal([1], Tick(speakers, 60, 60.5f + LoudestSpeakers.Margin));
    }

    [Fact]
    public void A_cough_does_not_make_the_mix_flutter()
    {
        var speakers = new LoudestSpeakers(1);
        for (var i = 0; i < 100; i++) Tick(speakers, 60, null);
        Assert.Equal([1], Tick(speakers, 60, 70));
        Assert.Equal([1], Tick(speakers, 60, 50));
        for (var i = 0; i < LoudestSpeakers.SettlingTicks; i++) Tick(speakers, 55, 50);
        Assert.Equal([0], Tick(speakers, 60, 50));
    }

    [Fact]
    public void A_slot_that_somebody_else_has_now_is_new_again()
    {
        var speakers = new LoudestSpeakers(1);
        for (var i = 0; i < 100; i++) Tick(speakers, 60, null);
        speakers.Forget(0);
        Assert.False(speakers.Contains(0));
        Assert.Equal([1], Tick(speakers, 60, 61));
    }

    [Fact]
    public void Never_more_than_there_are_places_never_somebody_silent_and_never_one_left_out_who_is_much_louder() =>
        Gen.Select(Gen.Int[1, 5], Gen.Int[0, 127].Array[1, 12].Array[1, 60]).Sample((places, ticks) =>
        {
            var speakers = new LoudestSpeakers(places);
            foreach (var tick in ticks)
            {
                // Below 20: nothing is heard of it.
                var chosen = Tick(speakers, [.. tick.Select(l => l < 20 ? (float?)null : l)]);
                var sounding = tick.Count(l => l >= 20);
                if (chosen.Length != Math.Min(places, sounding) || chosen.Distinct().Count() != chosen.Length) return false;
                if (chosen.Any(s => tick[s] < 20)) return false;
                var quietest = chosen.Length == 0 ? 127 : chosen.Min(s => tick[s]);
                if (Enumerable.Range(0, tick.Length).Any(s => !chosen.Contains(s) && tick[s] > quietest + LoudestSpeakers.SettlingMargin)) return false;
            }

            return true;
        });

    [Fact]
    public void A_steady_scene_has_a_steady_choice() => Gen.Int[20, 127].Array[1, 12].Sample(levels =>
    {
        var speakers = new LoudestSpeakers(3);
        var first = Tick(speakers, [.. levels.Select(l => (float?)l)]);
        for (var i = 0; i < 60; i++)
            if (!Tick(speakers, [.. levels.Select(l => (float?)(l + (i % 3)))]).Order().SequenceEqual(first.Order()))
                return false;
        return true;
    });

    private static int[] Tick(LoudestSpeakers speakers, params float?[] loudness)
    {
        speakers.Begin();
        for (var slot = 0; slot < loudness.Length; slot++)
            if (loudness[slot] is { } loud)
                speakers.Offer(slot, loud);
        speakers.End();
        return [.. Enumerable.Range(0, speakers.Count).Select(i => speakers[i])];
    }
}
