using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>A phone goes on under another SSRC or another key, and nobody who listens to it notices.</summary>
public class SourceChangeTests
{
    /// <summary>Frames between saying and hearing with a jitter buffer of three packets.</summary>
    private const int Delay = 2;

    private readonly MixerScene _scene = new();

    [Fact]
    [Trait("RFC", "3550 §8")]
    public void Between_an_SSRC_and_the_next_not_a_frame_is_missing()
    {
        var phones = _scene.Conference(2);
        Talk(phones[0], 0, 30);
        phones[0].UplinkSsrc = new Ssrc(0xCAFE);
        phones[0].NextIndex = 5000;
        Talk(phones[0], 30, 60);
        AssertHeard(phones[1], 0, 60);
        Assert.Equal((0ul, 0ul), (phones[0].Statistics.PacketsLost, phones[0].Statistics.Concealed));
        Assert.Equal(new Ssrc(0xCAFE), phones[0].Statistics.RemoteSsrc);
    }

    [Fact]
    [Trait("RFC", "3550 §6.6")]
    public void What_was_said_before_a_goodbye_is_heard()
    {
        var phones = _scene.Conference(2);
        Talk(phones[0], 0, 30);
        var compound = new byte[64];
        var length = ReceiverReport.Write(compound, phones[0].UplinkSsrc, null);
        length += SourceDescription.Write(compound.AsSpan(length), phones[0].UplinkSsrc, "alice"u8);
        length += Goodbye.Write(compound.AsSpan(length), phones[0].UplinkSsrc);
        _scene.Mixer.Receive(phones[0].Slot, true, phones[0].ProtectRtcp(compound[..length]), phones[0].Address, _scene.Now);
        phones[0].UplinkSsrc = new Ssrc(0xCAFE);
        Talk(phones[0], 30, 60);
        AssertHeard(phones[1], 0, 60);
        for (var i = 0; i < 5; i++) _scene.Tick();
        Assert.Equal(0ul, phones[1].Statistics.Concealed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("RFC", "3550 §8")]
    public void Packets_of_the_old_SSRC_that_are_overtaken_by_the_new_one_have_their_place(int overtaken)
    {
        var phones = _scene.Conference(2);
        Talk(phones[0], 0, 30 - overtaken);
        var late = Enumerable.Range(30 - overtaken, overtaken).Select(t => phones[0].Packet(Frame(t))).ToArray();
        for (var i = 0; i < overtaken; i++) _scene.Tick();
        phones[0].UplinkSsrc = new Ssrc(0xCAFE);
        phones[0].Say(Frame(30));
        foreach (var packet in late) _scene.Mixer.Receive(phones[0].Slot, false, packet, phones[0].Address, _scene.Now);
        _scene.Tick();
        Talk(phones[0], 31, 60);
        AssertHeard(phones[1], 0, 60);
        Assert.Equal((0ul, new Ssrc(0xCAFE)), (phones[0].Statistics.PacketsLost, phones[0].Statistics.RemoteSsrc));
    }

    [Fact]
    public void A_source_that_comes_back_is_followed_again()
    {
        var phones = _scene.Conference(2);
        Talk(phones[0], 0, 30);
        var (first, other) = (phones[0].UplinkSsrc, new Ssrc(0xCAFE));
        for (var t = 30; t < 90; t += 20)
        {
            phones[0].UplinkSsrc = phones[0].UplinkSsrc == first ? other : first;
            Talk(phones[0], t, t + 20);
        }

        AssertHeard(phones[1], 0, 90);
        Assert.Equal(0ul, phones[0].Statistics.LateOrDuplicate);
    }

    [Fact]
    [Trait("RFC", "3264 §8.3.1")]
    public void Packets_under_the_key_before_are_opened_for_a_while_and_then_no_more()
    {
        var phones = _scene.Conference(2);
        Talk(phones[0], 0, 30);
        var late = Enumerable.Range(30, 2).Select(t => phones[0].Packet(Frame(t))).ToArray();
        var never = phones[0].Packet(Frame(32));
        phones[0].Rekey();
        foreach (var packet in late)
        {
            _scene.Mixer.Receive(phones[0].Slot, false, packet, phones[0].Address, _scene.Now);
            _scene.Tick();
        }

        AssertHeard(phones[1], 0, 32);
        Talk(phones[0], 33, 132);
        Assert.Equal((0ul, 1ul), (phones[0].Statistics.AuthFailures, phones[0].Statistics.PacketsLost));
        _scene.Mixer.Receive(phones[0].Slot, false, never, phones[0].Address, _scene.Now);
        Assert.Equal(1ul, phones[0].Statistics.AuthFailures);
    }

    [Fact]
    [Trait("RFC", "3711 §3.3.2")]
    public void What_the_key_before_opened_cannot_be_played_again_under_either()
    {
        var phones = _scene.Conference(2);
        var once = phones[0].Packet(Frame(0));
        for (var i = 0; i < 3; i++)
        {
            _scene.Mixer.Receive(phones[0].Slot, false, once.ToArray(), phones[0].Address, _scene.Now);
            phones[0].Rekey();
        }

        Assert.Equal((1ul, 2ul), (phones[0].Statistics.PacketsReceived, phones[0].Statistics.Replays));
    }

    [Fact]
    [Trait("RFC", "4568 §7.1.4")]
    public void A_phone_that_moves_and_takes_another_key_loses_nothing_that_was_on_its_way()
    {
        var phones = _scene.Conference(2);
        Talk(phones[0], 0, 30);
        var late = Enumerable.Range(30, 2).Select(t => phones[0].Packet(Frame(t))).ToArray();
        var old = phones[0].Address;
        phones[0].Address = old.WithPort(33000);
        phones[0].Rekey(new Mki(7, 4));
        foreach (var packet in late)
        {
            _scene.Mixer.Receive(phones[0].Slot, false, packet, old, _scene.Now);
            _scene.Tick();
        }

        Talk(phones[0], 32, 60);
        AssertHeard(phones[1], 0, 60);
        Assert.Equal((0ul, 0ul, 0ul), (phones[0].Statistics.AuthFailures, phones[0].Statistics.UnknownMki, phones[0].Statistics.Malformed));
    }

    [Fact]
    public void However_often_a_phone_changes_its_key_no_more_than_a_few_are_kept()
    {
        var phone = _scene.Conference(1)[0];
        var first = phone.Packet(Frame(0));
        for (var i = 0; i < 10; i++) phone.Rekey();
        _scene.Mixer.Receive(phone.Slot, false, first, phone.Address, _scene.Now);
        Assert.Equal(1ul, phone.Statistics.AuthFailures);
    }

    [Fact]
    [Trait("RFC", "3264 §6.1")]
    public void Before_a_phone_has_our_key_it_is_heard_and_told_nothing()
    {
        var (talker, listener) = (_scene.Phone(), _scene.Phone());
        _scene.Admit(talker, listener);
        _scene.Mixer.SetLeg(talker.Media() with { IsConfirmed = false });
        Talk(talker, 0, 500);
        AssertHeard(listener, 0, 500);
        Assert.DoesNotContain(_scene.Sent, s => s.Slot == talker.Slot);
        talker.Renegotiate();
        _scene.Tick();
        Assert.Contains(_scene.Sent, s => s.Slot == talker.Slot && !s.Rtcp);
    }

    private void Talk(MixerPhone phone, int from, int to)
    {
        for (var t = from; t < to; t++)
        {
            phone.Say(Frame(t));
            _scene.Tick();
        }
    }

    private static void AssertHeard(MixerPhone listener, int from, int to)
    {
        for (var t = from + Delay; t < to; t++) Assert.Equal(Frame(t - Delay), listener.Heard[t].Codes);
    }

    /// <summary>G.711 of one talker comes out of the mix as it went in.</summary>
    private static byte[] Frame(int tick) =>
        [.. Enumerable.Range(0, 160).Select(i => G711.Encode(AudioCodec.Pcmu, (short)((i * 7 + tick * 31) * 2654435761L >> 16)))];
}
