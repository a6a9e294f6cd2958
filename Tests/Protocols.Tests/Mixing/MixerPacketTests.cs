using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>What a packet of a leg may change, and what keys and offers leave alone.</summary>
public class MixerPacketTests
{
    private readonly MixerScene _scene = new();

    [Fact]
    public void A_forged_packet_changes_nothing_but_its_counter()
    {
        var phones = _scene.Conference(2);
        _scene.Talk(phones, 10);
        var before = phones[0].Statistics;
        var forged = phones[0].Packet(MixerNoise.Frame(phones[0], 10));
        phones[0].NextIndex--;
        forged[20] ^= 1;
        _scene.Mixer.Receive(phones[0].Slot, false, forged, phones[0].Address.WithPort(6666), _scene.Now);
        Assert.Equal(before with { AuthFailures = before.AuthFailures + 1 }, phones[0].Statistics);
    }

    [Fact]
    public void A_replayed_packet_is_counted_and_does_not_move_the_leg()
    {
        var phone = _scene.Conference(1)[0];
        var packet = phone.Packet(MixerNoise.Frame(phone, 0));
        _scene.Mixer.Receive(phone.Slot, false, packet.ToArray(), phone.Address, _scene.Now);
        _scene.Mixer.Receive(phone.Slot, false, packet, phone.Address.WithPort(6666), _scene.Now);
        Assert.Equal((1UL, phone.Address), (phone.Statistics.Replays, phone.Statistics.Remote));
    }

    [Fact]
    public void Media_follows_the_newest_authentic_packet_and_a_late_one_does_not_call_it_back()
    {
        var phone = _scene.Conference(1)[0];
        var (old, moved) = (phone.Address, phone.Address.WithPort(31000));
        var late = phone.Packet(MixerNoise.Frame(phone, 0));
        _scene.Mixer.Receive(phone.Slot, false, phone.Packet(MixerNoise.Frame(phone, 1)), moved, _scene.Now);
        _scene.Mixer.Receive(phone.Slot, false, late, old, _scene.Now);
        _scene.Tick();
        Assert.Equal(moved, _scene.Sent[^1].To);
        Assert.Equal(2UL, phone.Statistics.PacketsReceived);
    }

    [Fact]
    public void A_repeated_offer_does_not_move_a_latched_leg()
    {
        var phone = _scene.Conference(1)[0];
        var moved = phone.Address.WithPort(31000);
        _scene.Mixer.Receive(phone.Slot, false, phone.Packet(MixerNoise.Frame(phone, 0)), moved, _scene.Now);
        phone.Renegotiate();
        Assert.Equal(moved, phone.Statistics.Remote);
    }

    [Fact]
    [Trait("RFC", "3711 §3.3.1")]
    public void A_key_change_keeps_the_rollover_counter_of_both_directions()
    {
        var phones = _scene.Conference(2);
        phones[0].NextIndex = 65530;
        _scene.Talk(phones, 20);
        phones[0].Rekey();
        phones[0].Heard.Clear();
        for (var t = 20; t < 40; t++)
        {
            foreach (var phone in phones) phone.Say(MixerNoise.Frame(phone, t));
            _scene.Tick();
        }

        Assert.Equal((0, 0UL), (phones[0].Unreadable, phones[0].Statistics.AuthFailures));
        Assert.Equal(20, phones[0].Heard.Count);
        Assert.Equal(MixerNoise.SumOf([phones[0]], 39 - MixerNoise.Delay), phones[1].Heard[^1].Codes);
    }

    [Fact]
    public void An_older_generation_of_media_is_ignored()
    {
        var phone = _scene.Conference(1)[0];
        var old = phone.Media();
        phone.Renegotiate();
        Assert.False(_scene.Mixer.SetLeg(old));
        Assert.Throws<ObjectDisposedException>(() => old.Downlink.RevealKey().Length);
    }
}
