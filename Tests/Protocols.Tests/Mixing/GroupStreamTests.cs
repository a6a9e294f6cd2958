using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Legs under a group key: what is shared, what is not, and who can open what.</summary>
public sealed class GroupStreamTests
{
    private readonly GroupScene _scene = new();

    [Fact]
    public void A_stream_is_encoded_and_encrypted_once_whatever_the_number_of_listeners()
    {
        var few = Work(listeners: 3);
        var many = Work(listeners: 40);
        Assert.Equal((few.Encodes, few.Encrypts), (many.Encodes, many.Encrypts));
        Assert.Equal(50UL * 40, many.Sends);
        Assert.Equal(50UL, many.Encrypts);
    }

    [Fact]
    public void All_listeners_get_the_same_octets_and_can_open_them()
    {
        var phones = _scene.Group(3);
        _scene.Run(10);
        var packets = _scene.Mixer.Sent.Where(s => !s.Rtcp && !RtpHeader.LooksLikeRtcp(s.Packet)).GroupBy(s => s.Slot).ToList();
        Assert.Equal(3, packets.Count);
        Assert.All(packets, p => Assert.Equal(packets[0].Select(x => Convert.ToHexString(x.Packet)), p.Select(x => Convert.ToHexString(x.Packet))));
        Assert.All(phones, p => Assert.Equal((10, 0), (p.Heard.Count, p.Unreadable)));
    }

    [Fact]
    public void Legs_that_agreed_on_levels_share_a_stream_and_an_SSRC_that_no_leg_without_them_has()
    {
        var phones = _scene.Group(5);
        foreach (var phone in phones[3..])
        {
            phone.Extensions = new ExtensionIds(0, false, 7);
            phone.Renegotiate();
        }

        _scene.Run(20, phones[0]);
        var (plain, told) = (phones[1].Heard[^1].Header, phones[3].Heard[^1].Header);
        Assert.NotEqual(plain.Ssrc, told.Ssrc);
        Assert.Equal((false, true), (plain.HasExtension, told.HasExtension));
        Assert.Equal(told, phones[4].Heard[^1].Header);
        Assert.Equal(phones[0].UplinkSsrc, told.Csrc(phones[3].Packets[^1], 0));
        // Two streams, and the talker's own from when it is heard, two ticks after its first word.
        Assert.Equal(2UL * 2 + 18 * 3, _scene.Work().Encrypts);
        Assert.All(phones, p => Assert.Equal(0, p.Unreadable));
    }

    [Fact]
    public void Who_talks_hears_the_others_in_a_stream_of_its_own_and_comes_back_after_the_hold()
    {
        var phones = _scene.Group(3);
        _scene.Run(5, phones[0]);
        var shared = phones[1].Heard.Select(h => h.Header.Ssrc).Distinct().Single();
        _scene.Run(20, phones[0]);
        var own = phones[0].Heard[^1].Header.Ssrc;
        Assert.Equal(phones[0].Own, own);
        Assert.NotEqual(shared, own);
        Assert.All(phones[0].Heard.Where(h => h.Header.Ssrc == own).Skip(3), h => Assert.True(IsQuiet(h.Codes)));
        Assert.Contains(phones[1].Heard, h => !IsQuiet(h.Codes));
        _scene.Run(150);
        Assert.Equal(shared, phones[0].Heard[^1].Header.Ssrc);
        // One packet in each tick, whichever stream it was of.
        Assert.Equal(175, phones[0].Heard.Count);
        Assert.All(phones, p => Assert.Equal(0, p.Unreadable));
    }

    [Fact]
    public void A_new_epoch_reaches_leg_after_leg_and_costs_one_more_encryption_meanwhile()
    {
        var phones = _scene.Group(4);
        _scene.Run(10);
        var before = _scene.Work().Encrypts;
        var second = _scene.NewKey(2);
        foreach (var phone in phones) phone.Hold(second);
        phones[0].Epoch = phones[1].Epoch = 2;
        _scene.Wish();
        _scene.Run(10);
        Assert.Equal(before + 20, _scene.Work().Encrypts);
        phones[2].Epoch = phones[3].Epoch = 2;
        _scene.Wish(2);
        _scene.Run(10);
        Assert.Equal(before + 30, _scene.Work().Encrypts);
        Assert.All(phones, p => Assert.Equal((30, 0), (p.Heard.Count, p.Unreadable)));
        // The same stream goes on: nobody hears a step.
        Assert.All(phones, p => Assert.Single(p.Heard.Select(h => h.Header.Ssrc).Distinct()));
    }

    [Fact]
    public void A_leg_without_MKI_gets_the_same_ciphertext_without_it()
    {
        var phones = _scene.Group(2);
        phones[1].Epoch = 1;
        phones[1].Mode = LegKeyMode.Plain;
        phones[1].HoldPlain(_scene.Key(1));
        _scene.Wish();
        _scene.Run(10);
        Assert.All(phones, p => Assert.Equal((10, 0), (p.Heard.Count, p.Unreadable)));
        var (with, without) = (_scene.Mixer.Sent.Last(s => s.Slot == phones[0].Slot).Packet, _scene.Mixer.Sent.Last(s => s.Slot == phones[1].Slot).Packet);
        Assert.Equal(with.Length - 4, without.Length);
        Assert.Equal(with[..^14].Concat(with[^10..]), without);
        Assert.Equal(10UL, _scene.Work().Encrypts);
    }

    [Fact]
    public void A_leg_whose_key_is_not_here_hears_nothing_and_one_that_is_silenced_neither()
    {
        var phones = _scene.Group(3);
        phones[0].Epoch = 9;
        phones[1].Mode = LegKeyMode.None;
        _scene.Wish();
        _scene.Run(10);
        Assert.Equal([0, 0, 10], phones.Select(p => p.Heard.Count));
    }

    [Fact]
    public void Keys_of_epochs_that_no_state_names_are_gone()
    {
        var phones = _scene.Group(2);
        _scene.NewKey(2);
        foreach (var phone in phones) phone.Epoch = 2;
        _scene.Wish(2);
        foreach (var phone in phones) phone.Epoch = 1;
        _scene.Wish(2);
        _scene.Run(5);
        Assert.All(phones, p => Assert.Empty(p.Heard));
    }

    [Fact]
    public void As_before_leaves_a_leg_under_the_key_it_has()
    {
        var phones = _scene.Group(2);
        phones[0].Mode = LegKeyMode.AsBefore;
        _scene.Wish([]);
        _scene.Run(5);
        Assert.Equal((5, 0), (phones[0].Heard.Count, phones[0].Unreadable));
    }

    [Fact]
    public void Who_comes_when_the_index_cannot_be_guessed_has_its_own_stream_until_the_shared_one_has_a_new_SSRC()
    {
        var phones = _scene.Group(3, present: 2);
        _scene.Run(33_000);
        var old = phones[0].Heard[^1].Header.Ssrc;
        phones[2].IsIn = true;
        _scene.Wish();
        _scene.Run(5);
        Assert.Equal(phones[2].Own, phones[2].Heard[0].Header.Ssrc);
        var renewed = phones[2].Heard[^1].Header.Ssrc;
        Assert.NotEqual(old, renewed);
        Assert.All(phones, p => Assert.Equal(renewed, p.Heard[^1].Header.Ssrc));
        Assert.All(phones, p => Assert.Equal(0, p.Unreadable));
        Assert.Equal(33_005, phones[0].Heard.Count);
        // Who heard the old one is told that it has ended (RFC 3550 §6.6).
        Assert.Contains(phones[0].Rtcp, r => r[9] == 203 || r.AsSpan().IndexOf((byte)203) >= 0);
    }

    [Fact]
    [Trait("RFC", "3711 §3.4")]
    public void Reports_of_a_stream_are_read_under_the_next_epoch_as_well()
    {
        var phones = _scene.Group(2);
        _scene.Run(1500);
        var before = phones[0].Rtcp.Count;
        Assert.True(before >= 3, $"{before} reports");
        var next = _scene.NewKey(2);
        foreach (var phone in phones)
        {
            phone.Hold(next);
            phone.Epoch = 2;
        }

        _scene.Wish();
        _scene.Run(1500);
        Assert.True(phones[0].Rtcp.Count > before, "no report is read under the new key");
        Assert.All(phones, p => Assert.Equal(0, p.Unreadable));
    }

    [Fact]
    public void Without_SSRCs_left_everybody_has_a_stream_of_his_own()
    {
        _scene.Ssrcs = [];
        var phones = _scene.Group(2);
        _scene.Run(5);
        Assert.All(phones, p => Assert.Equal(p.Own, Assert.Single(p.Heard.Select(h => h.Header.Ssrc).Distinct())));
    }

    [Fact]
    public void An_SSRC_that_somebody_has_is_nobody_elses()
    {
        var phones = _scene.Group(3);
        _scene.Run(3, phones[0]);
        phones[1].UplinkSsrc = phones[0].UplinkSsrc;
        _scene.Run(3, phones[1]);
        Assert.Equal(3UL, phones[1].Statistics.Clashes);
        Assert.Equal(0UL, phones[1].Statistics.PacketsReceived);
        phones[2].UplinkSsrc = phones[0].Heard[0].Header.Ssrc;
        _scene.Run(2, phones[2]);
        Assert.Equal(2UL, phones[2].Statistics.Clashes);
        Assert.Equal(0UL, phones[0].Statistics.Clashes);
    }

    private static bool IsQuiet(byte[] codes) => codes.All(c => Math.Abs((int)G711.Decode(AudioCodec.Pcmu, c)) < 100);

    private static StreamWork Work(int listeners)
    {
        var scene = new GroupScene();
        scene.Group(listeners);
        scene.Run(50);
        return scene.Work();
    }
}
