using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Tests.Codecs;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>What is heard.</summary>
public class ConferenceMixerTests
{
    private readonly MixerScene _scene = new();

    [Fact]
    public void Each_hears_the_exact_sum_of_the_others_and_not_itself()
    {
        var phones = _scene.Conference(4);
        _scene.Talk(phones, 50);
        foreach (var phone in phones)
        {
            Assert.Equal(50, phone.Heard.Count);
            for (var t = MixerNoise.Delay; t < 50; t++) Assert.Equal(MixerNoise.SumOf(phones.Where(p => p != phone), t - MixerNoise.Delay), phone.Heard[t].Codes);
        }
    }

    [Fact]
    public void Codecs_and_packet_times_may_differ_between_the_legs()
    {
        var (talker, alaw, slow) = (_scene.Phone(), _scene.Phone(AudioCodec.Pcma), _scene.Phone(packetTime: 60));
        _scene.Admit(talker, alaw, slow);
        _scene.Talk([talker], 60);
        var samples = Enumerable.Range(0, 58).SelectMany(t => MixerNoise.Frame(talker, t)).Select(c => G711.Decode(AudioCodec.Pcmu, c)).ToArray();
        Assert.Equal(samples.Select(s => G711.Encode(AudioCodec.Pcma, s)), alaw.Heard.Skip(MixerNoise.Delay).SelectMany(p => p.Codes));
        Assert.Equal(20, slow.Heard.Count);
        Assert.All(slow.Heard, p => Assert.Equal(480, p.Codes.Length));
        Assert.Equal(samples.Select(s => G711.Encode(AudioCodec.Pcmu, s)), slow.Heard.SelectMany(p => p.Codes).Skip(MixerNoise.Delay * 160));
    }

    [Fact]
    [Trait("RFC", "3550 §5.1")]
    public void Packets_count_up_by_one_and_160_under_the_registered_SSRC()
    {
        var phone = _scene.Conference(1)[0];
        for (var i = 0; i < 30; i++) _scene.Tick();
        var first = phone.Heard[0].Header;
        Assert.True(first.Marker);
        Assert.True(first.Sequence < 0x8000);
        for (var i = 0; i < 30; i++)
        {
            var header = phone.Heard[i].Header;
            Assert.Equal(phone.Ssrc, header.Ssrc);
            Assert.Equal((ushort)(first.Sequence + i), header.Sequence);
            Assert.Equal(first.Timestamp + (uint)(160 * i), header.Timestamp);
            Assert.Equal(i == 0, header.Marker);
        }
    }

    [Fact]
    public void Who_is_not_admitted_neither_hears_nor_is_heard()
    {
        var (inside, outside) = (_scene.Phone(), _scene.Phone());
        _scene.Admit(inside);
        _scene.Talk([outside], 20);
        Assert.Empty(outside.Heard);
        Assert.All(inside.Heard, p => Assert.All(p.Codes, c => Assert.Equal(0xFF, c)));
        Assert.Equal(20UL, _scene.Mixer.Unexpected);
    }

    [Fact]
    public void An_older_state_changes_nothing()
    {
        var phones = _scene.Conference(2);
        var state = _scene.Mixer.State!;
        _scene.Admit(phones[0]);
        Assert.False(_scene.Mixer.SetState(state));
        _scene.Tick();
        Assert.Empty(phones[1].Heard);
    }

    [Fact]
    [Trait("RFC", "3264 §8.4")]
    public void A_held_leg_is_not_sent_to_but_time_goes_on_and_the_marker_tells_the_return()
    {
        var phone = _scene.Conference(2)[0];
        for (var i = 0; i < 10; i++) _scene.Tick();
        phone.Direction = MediaDirection.Inactive;
        phone.Renegotiate();
        for (var i = 0; i < 500; i++) _scene.Tick();
        Assert.Equal(10, phone.Heard.Count);
        Assert.NotEmpty(phone.Rtcp);
        phone.Direction = MediaDirection.SendReceive;
        phone.Renegotiate();
        _scene.Tick();
        var (before, after) = (phone.Heard[9].Header, phone.Heard[10].Header);
        Assert.True(after.Marker);
        Assert.Equal((ushort)(before.Sequence + 1), after.Sequence);
        Assert.Equal(before.Timestamp + 501 * 160, after.Timestamp);
    }

    [Fact]
    public void A_leg_that_may_not_be_heard_is_not_mixed()
    {
        var phones = _scene.Conference(2);
        phones[0].Direction = MediaDirection.SendOnly;
        phones[0].Renegotiate();
        _scene.Talk(phones, 20);
        Assert.All(phones[1].Heard, p => Assert.All(p.Codes, c => Assert.Equal(0xFF, c)));
        Assert.Equal(MixerNoise.SumOf([phones[1]], 10 - MixerNoise.Delay), phones[0].Heard[10].Codes);
    }

    [Fact]
    public void A_lost_packet_of_a_tone_is_concealed_as_if_it_had_come()
    {
        var phones = _scene.Conference(2);
        var tone = Signals.Tone(200, 8000, 160 * 20, 8000);
        for (var t = 0; t < 20; t++)
        {
            if (t == 10) phones[0].NextIndex++;
            else phones[0].Say([.. tone.AsSpan(160 * t, 160).ToArray().Select(s => G711.Encode(AudioCodec.Pcmu, s))]);
            _scene.Tick();
        }

        var heard = phones[1].Heard[10 + MixerNoise.Delay].Codes.Select(c => G711.Decode(AudioCodec.Pcmu, c)).ToArray();
        Assert.True(Signals.Snr(tone.AsSpan(1600, 160), heard) > 15);
        Assert.Equal((1UL, 1UL), (phones[0].Statistics.PacketsLost, phones[0].Statistics.Concealed));
    }

    [Fact]
    [Trait("RFC", "4733 §2.5.1")]
    public void Digits_are_not_mixed_and_no_loss()
    {
        var phones = _scene.Conference(2);
        _scene.Talk(phones, 10);
        for (var i = 0; i < 10; i++)
        {
            _scene.Mixer.Receive(phones[0].Slot, false, phones[0].Packet([5, 10, 0, 160], payloadType: 101), phones[0].Address, _scene.Now);
            _scene.Tick();
        }

        Assert.All(phones[1].Heard[^1].Codes, c => Assert.Equal(0xFF, c));
        Assert.Equal((0UL, 0UL, 0UL), (phones[0].Statistics.Malformed, phones[0].Statistics.Concealed, phones[0].Statistics.PacketsLost));
    }
}
