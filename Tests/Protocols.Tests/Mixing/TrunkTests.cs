using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Mixers of one conference that send each other what their legs say.</summary>
public sealed class TrunkTests
{
    private const double Loud = 1000;
    private const double Quiet = 100;

    [Fact]
    public void Each_hears_exactly_all_others_wherever_they_are()
    {
        var scene = new TrunkScene(mixers: 3, phones: 2);
        var phones = scene.Phones.ToArray();
        scene.Run(100, phones);
        foreach (var listener in phones)
        {
            var heard = TrunkScene.Heard(listener, 50);
            foreach (var talker in phones)
            {
                var amplitude = TrunkScene.Amplitude(heard, scene.Frequency(talker));
                if (talker == listener) Assert.InRange(amplitude, 0, Quiet);
                else Assert.InRange(amplitude, Loud, 4000);
            }

            Assert.Equal(0, listener.Unreadable);
        }

        Assert.All(scene.Mixers, m => Assert.Equal((0UL, true), (m.Mixer.Trunk.Refused, m.Mixer.Trunk.Received > 180)));
    }

    /// <summary>RFC 3550 §7.1, RFC 6465 §3.</summary>
    [Fact]
    public void Packets_name_who_talks_at_another_mixer_and_how_loud()
    {
        var scene = new TrunkScene(mixers: 2, phones: 2);
        var (listener, talker) = (scene.Mixers[0].Phones[0], scene.Mixers[1].Phones[1]);
        listener.Extensions = new ExtensionIds(0, false, 5);
        listener.Renegotiate();
        scene.Run(20, talker);
        var (header, packet) = (listener.Heard[^1].Header, listener.Packets[^1]);
        Assert.Equal((1, talker.UplinkSsrc), (header.CsrcCount, header.Csrc(packet, 0)));
        Assert.True(MixedAudioLevels.TryRead(header, packet, 5, 0, out var level));
        Assert.InRange(level, 20, 28);
        // When nobody talks any more nobody is named, and after a while nothing is sent.
        scene.Run(100);
        Assert.Equal(0, listener.Heard[^1].Header.CsrcCount);
        var exchanged = scene.Exchanged.Count;
        scene.Run(100);
        Assert.Equal(exchanged, scene.Exchanged.Count);
    }

    /// <summary>Each mixer has its own table of sources, and what goes on has SSRCs of the register and of the trunk. In lists of contributors both have one name.</summary>
    [Fact]
    [Trait("RFC", "3550 §8.2")]
    public void Phones_that_send_under_one_SSRC_at_two_mixers_are_heard_both_and_collide_nowhere()
    {
        var scene = new TrunkScene(mixers: 3, phones: 1);
        var phones = scene.Phones.ToArray();
        phones[1].UplinkSsrc = phones[0].UplinkSsrc;
        scene.Run(100, phones[0], phones[1]);
        foreach (var (listener, talkers) in new[] { (phones[2], phones[..2]), (phones[0], phones[1..2]), (phones[1], phones[..1]) })
        {
            var heard = TrunkScene.Heard(listener, 50);
            foreach (var talker in talkers) Assert.InRange(TrunkScene.Amplitude(heard, scene.Frequency(talker)), Loud, 4000);
            if (listener != phones[2]) Assert.InRange(TrunkScene.Amplitude(heard, scene.Frequency(listener)), 0, Quiet);
            Assert.Equal(0, listener.Unreadable);
            Assert.Equal(listener.Heard.Count, listener.Heard.Select(h => (h.Header.Ssrc, h.Header.Sequence)).Distinct().Count());
        }

        Assert.All(scene.Mixers, m => Assert.Equal(0UL, m.Mixer.Trunk.Refused));
        var (header, packet) = (phones[2].Heard[^1].Header, phones[2].Packets[^1]);
        Assert.All(Enumerable.Range(0, header.CsrcCount), i => Assert.Equal(phones[0].UplinkSsrc, header.Csrc(packet, i)));
        Assert.InRange(header.CsrcCount, 1, 2);
    }

    [Fact]
    public void What_comes_from_a_mixer_is_never_sent_on()
    {
        var scene = new TrunkScene(mixers: 3, phones: 1);
        scene.Run(50, scene.Mixers[0].Phones[0]);
        Assert.All(scene.Exchanged, e => Assert.NotEqual(TrunkScene.AddressOf(0), e.To));
        Assert.Equal(2 * 50 - 2 * scene.Mixers[0].Mixer.Statistics(0).DelayMilliseconds / 20, (uint)scene.Exchanged.Count, 6u);
    }

    [Fact]
    public void One_mixer_says_who_has_the_word_and_the_others_nobody()
    {
        var scene = new TrunkScene(mixers: 2, phones: 2);
        var first = scene.Mixers[0].Phones[0];
        var second = scene.Mixers[1].Phones[1];
        scene.Run(60, first);
        Assert.Equal((first.Id, null), (scene.Mixers[0].Mixer.Speaker, scene.Mixers[1].Mixer.Speaker));
        scene.Run(200);
        scene.Run(60, second);
        Assert.Equal((null, second.Id), (scene.Mixers[0].Mixer.Speaker, scene.Mixers[1].Mixer.Speaker));
    }

    [Fact]
    public void New_keys_between_mixers_leave_no_gap_and_old_ones_open_nothing_after_two_seconds()
    {
        var scene = new TrunkScene(mixers: 2, phones: 1);
        var (listener, talker) = (scene.Mixers[0].Phones[0], scene.Mixers[1].Phones[0]);
        scene.Run(100, talker);
        var old = scene.Exchanged[^1].Packet;
        scene.Join(2);
        listener.Heard.Clear();
        scene.Run(100, talker);
        var heard = TrunkScene.Heard(listener, 100);
        for (var i = 0; i < 100; i++)
            Assert.InRange(TrunkScene.Amplitude(heard.AsSpan(i * AudioFrame.Samples, AudioFrame.Samples), scene.Frequency(talker)), 2000, 3500);
        Assert.Equal(0UL, scene.Mixers[0].Mixer.Trunk.Refused);
        Assert.Equal((2L, 2L), (scene.Mixers[0].Mixer.Trunk.Generation, scene.Mixers[1].Mixer.Trunk.Generation));
        Assert.NotEqual(RtpSsrc(old), RtpSsrc(scene.Exchanged[^1].Packet));
        scene.Run(50, talker);
        scene.Mixers[0].Mixer.Receive(ConferenceMixer.TrunkSlot, false, old.ToArray(), default, scene.Mixers[0].Now);
        Assert.Equal(1UL, scene.Mixers[0].Mixer.Trunk.Refused);
    }

    [Fact]
    public void Whoever_joins_late_hears_the_others_and_is_heard()
    {
        var scene = new TrunkScene(mixers: 2, phones: 1);
        var talker = scene.Mixers[0].Phones[0];
        for (var i = 0; i < 70; i++)
        {
            scene.Run(1000, talker);
            foreach (var phone in scene.Phones) phone.Heard.Clear();
            foreach (var mixer in scene.Mixers) mixer.Sent.Clear();
        }

        scene.Add(phones: 1);
        scene.Join(2);
        var late = scene.Mixers[2].Phones[0];
        scene.Run(60, talker, late);
        Assert.InRange(TrunkScene.Amplitude(TrunkScene.Heard(late, 20), scene.Frequency(talker)), Loud, 4000);
        Assert.InRange(TrunkScene.Amplitude(TrunkScene.Heard(talker, 20), scene.Frequency(late)), Loud, 4000);
    }

    /// <summary>Legs of a mixer that is emptied go to one that has just begun, and are not to miss the others for the time that those need for new keys.</summary>
    [Fact]
    public void Who_is_new_hears_the_others_at_once_and_nobody_misses_anything()
    {
        var scene = new TrunkScene(mixers: 3, phones: 1);
        var phones = scene.Phones.ToArray();
        scene.Run(100, phones);
        scene.Add(phones: 1);
        foreach (var phone in phones) phone.Heard.Clear();
        scene.Join(2);
        var late = scene.Mixers[3].Phones[0];
        scene.Run(3, phones);
        // Another change while the others have not gone to the keys of the one before.
        scene.Join(3);
        scene.Run(3, phones);
        late.Heard.Clear();
        scene.Run(100, phones);
        foreach (var listener in scene.Phones)
        {
            var heard = TrunkScene.Heard(listener, 100);
            foreach (var talker in phones.Where(p => p != listener))
                for (var i = 0; i < 100; i += 5)
                    Assert.InRange(TrunkScene.Amplitude(heard.AsSpan(i * AudioFrame.Samples, 5 * AudioFrame.Samples), scene.Frequency(talker)), 2000, 4000);
            Assert.Equal(0, listener.Unreadable);
        }

        Assert.All(scene.Mixers, m => Assert.Equal((0UL, 3L), (m.Mixer.Trunk.Refused, m.Mixer.Trunk.Generation)));
        Assert.Equal(scene.Exchanged.Count, scene.Exchanged.Select(e => (e.To, RtpSsrc(e.Packet), e.Packet[2], e.Packet[3])).Distinct().Count());
    }

    [Fact]
    public void Who_is_not_joined_any_more_hears_nothing_and_is_not_heard()
    {
        var scene = new TrunkScene(mixers: 3, phones: 1);
        var phones = scene.Phones.ToArray();
        scene.Run(50, phones);
        scene.Join(2, 0, 1);
        scene.Run(100, phones);
        var heard = TrunkScene.Heard(phones[0], 20);
        Assert.InRange(TrunkScene.Amplitude(heard, scene.Frequency(phones[1])), Loud, 4000);
        Assert.InRange(TrunkScene.Amplitude(heard, scene.Frequency(phones[2])), 0, Quiet);
        Assert.InRange(TrunkScene.Amplitude(TrunkScene.Heard(phones[2], 20), scene.Frequency(phones[0])), 0, Quiet);
        Assert.True(scene.Mixers[0].Mixer.Trunk.Refused > 0);
    }

    [Fact]
    public void Of_forged_and_repeated_packets_nothing_is_left_but_a_number()
    {
        var scene = new TrunkScene(mixers: 2, phones: 1);
        scene.Run(30, scene.Mixers[1].Phones[0]);
        var mixer = scene.Mixers[0].Mixer;
        var (before, packet) = (mixer.Trunk, scene.Exchanged[^2].Packet);
        Give(packet);
        Give([.. packet[..^1], (byte)(packet[^1] ^ 1)]);
        Give([.. packet[..40], (byte)(packet[40] ^ 1), .. packet[41..]]);
        Give(packet[..20]);
        Give([]);
        Give([0x80, 96, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5]);
        Assert.Equal(before with { Refused = 6, DelayMilliseconds = mixer.Trunk.DelayMilliseconds }, mixer.Trunk);

        void Give(byte[] bytes) => mixer.Receive(ConferenceMixer.TrunkSlot, false, bytes.ToArray(), default, scene.Mixers[0].Now);
    }

    /// <summary>A focus that has just come back does not know where they are.</summary>
    [Fact]
    public void An_address_that_is_not_told_again_stays()
    {
        var scene = new TrunkScene(mixers: 2, phones: 1);
        var talker = scene.Mixers[1].Phones[0];
        scene.Run(30, talker);
        using var keys = TrunkKeys.Generate(1 << 20, [TrunkScene.Id(0), TrunkScene.Id(1)], scene.Fill);
        for (var number = 0; number < 2; number++)
        {
            scene.Mixers[number].Mixer.SetTrunkKeys(keys.Copy());
            scene.Mixers[number].Mixer.SetState(new MixerState(
                TrunkScene.Id(number), new Incarnation(2), 1, [.. scene.Mixers[number].Phones.Select(p => new MixerLeg(p.Id, p.Ssrc))])
            {
                Trunk = new TrunkPlan(1 << 20, [new TrunkPeer(TrunkScene.Id(1 - number), null)]),
            });
        }

        scene.Run(50, talker);
        Assert.InRange(TrunkScene.Amplitude(TrunkScene.Heard(scene.Mixers[0].Phones[0], 20), scene.Frequency(talker)), Loud, 4000);
    }

    [Fact]
    public void Sound_is_delayed_by_no_more_than_two_frames_between_mixers()
    {
        var scene = new TrunkScene(mixers: 2, phones: 2);
        var talker = scene.Mixers[0].Phones[0];
        var (near, far) = (scene.Mixers[0].Phones[1], scene.Mixers[1].Phones[0]);
        scene.Run(60, talker);
        Assert.InRange(FirstSound(far) - FirstSound(near), 1, 2);

        static int FirstSound(MixerPhone phone) => phone.Heard.FindIndex(h => h.Codes.Any(c => Math.Abs((int)G711.Decode(phone.Codec, c)) > 200));
    }

    private static uint RtpSsrc(byte[] packet) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(8));
}
