using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class SpeechLevelTests
{
    [Fact]
    [Trait("RFC", "6464 §5")]
    public void Loudness_rises_at_once_and_falls_slowly()
    {
        var level = new SpeechLevel();
        level.Told(new AudioLevel(27, false));
        level.Tick();
        Assert.Equal(100, level.Loudness);
        for (var i = 0; i < 10; i++) level.Tick();
        Assert.Equal(90, level.Loudness);
        level.Told(new AudioLevel(127, false));
        level.Tick();
        Assert.Equal(89, level.Loudness);
    }

    [Fact]
    public void Of_the_packets_of_a_tick_the_loudest_counts()
    {
        var level = new SpeechLevel();
        level.Told(new AudioLevel(90, false));
        level.Told(new AudioLevel(40, true));
        level.Told(new AudioLevel(80, false));
        level.Tick();
        Assert.Equal((87f, true), (level.Loudness, level.HasVoice));
    }

    [Fact]
    [Trait("RFC", "6464 §4")]
    public void The_V_bit_counts_from_the_first_packet_that_has_it()
    {
        var level = new SpeechLevel();
        Say(ref level, 30, voice: false);
        Assert.True(level.HasVoice);
        Say(ref level, 30, voice: true);
        Assert.True(level.HasVoice);
        Say(ref level, 30, voice: false);
        level.Tick();
        Assert.False(level.HasVoice);
    }

    [Fact]
    [Trait("RFC", "6464 §6")]
    public void Whoever_claims_for_a_second_to_be_much_louder_than_it_is_is_believed_no_more()
    {
        var level = new SpeechLevel();
        for (var i = 0; i < 49; i++)
        {
            Say(ref level, 10);
            level.Audit(100);
        }

        Assert.True(level.IsTold);
        Say(ref level, 10);
        level.Audit(100);
        Assert.False(level.IsTold);
        level.Told(new AudioLevel(10, true));
        Assert.False(level.IsTold);
        level.Reset();
        level.Told(new AudioLevel(10, true));
        Assert.True(level.IsTold);
    }

    [Fact]
    public void Honest_levels_stay_believed()
    {
        var level = new SpeechLevel();
        for (var i = 0; i < 500; i++)
        {
            Say(ref level, i % 40 < 20 ? (byte)20 : (byte)90);
            level.Audit(i % 40 < 20 ? (byte)24 : (byte)95);
        }

        Assert.True(level.IsTold);
    }

    [Fact]
    public void A_packet_that_tells_nothing_ends_the_telling()
    {
        var level = new SpeechLevel();
        Say(ref level, 10);
        level.Told(null);
        Assert.False(level.IsTold);
    }

    private static void Say(ref SpeechLevel level, byte loud, bool voice = false)
    {
        level.Told(new AudioLevel(loud, voice));
        level.Tick();
    }
}
