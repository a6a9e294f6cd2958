using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Phones that send under the group's key: everybody has it, so address and SSRC say who is who.</summary>
public sealed class GroupUplinkTests
{
    private static readonly byte[] Voice = [.. Enumerable.Range(0, 160).Select(i => G711.Encode(AudioCodec.Pcmu, (short)(8000 * Math.Sin(i * 0.3))))];
    private static readonly MediaAddress Elsewhere = new(0, 0x7F000001, 9999, false);
    private readonly GroupScene _scene = new();
    private readonly MixerPhone[] _phones;

    public GroupUplinkTests()
    {
        _phones = _scene.Group(3);
        foreach (var phone in _phones)
        {
            phone.Rekey(new Mki(1u << 30 | 1, 4));
            phone.Registered = phone.UplinkSsrc;
        }

        _scene.Wish();
    }

    [Fact]
    public void It_is_heard_under_each_key_that_lives_and_under_its_own()
    {
        Send(_phones[0], 1);
        Send(_phones[0], 1);
        _scene.NewKey(2);
        _scene.Wish();
        Send(_phones[0], 2);
        _phones[0].Say(Voice);
        Assert.Equal((4ul, 0ul), (_phones[0].Statistics.PacketsReceived, _phones[0].Statistics.UnknownMki));
    }

    [Fact]
    public void A_key_that_is_destroyed_opens_nothing_any_more()
    {
        Send(_phones[0], 1);
        _scene.NewKey(2);
        foreach (var phone in _phones) phone.Epoch = 2;
        _scene.Wish(2);
        Send(_phones[0], 1);
        Send(_phones[0], 2);
        Assert.Equal((2ul, 1ul), (_phones[0].Statistics.PacketsReceived, _phones[0].Statistics.UnknownMki));
    }

    /// <summary>Another member could have made each of these.</summary>
    [Fact]
    public void What_comes_from_elsewhere_or_under_another_SSRC_is_not_even_opened()
    {
        Send(_phones[0], 1);
        var (before, packet) = (_phones[0].Statistics, Packet(_phones[0], 1));
        Receive(_phones[0], packet, Elsewhere);
        Receive(_phones[1], packet, _phones[1].Address);
        Receive(_phones[0], Packet(_phones[1], 1), _phones[0].Address);
        var after = _phones[0].Statistics;
        Assert.Equal((before.PacketsReceived, before.Remote, 1ul, 1ul), (after.PacketsReceived, after.Remote, after.Misplaced, after.Clashes));
        Assert.Equal((0ul, 1ul), (_phones[1].Statistics.PacketsReceived, _phones[1].Statistics.Clashes));
        Receive(_phones[0], packet, _phones[0].Address);
        Assert.Equal(2ul, _phones[0].Statistics.PacketsReceived);
    }

    [Fact]
    [Trait("RFC", "3711 §3.3.2")]
    public void A_packet_comes_once_under_whatever_key()
    {
        var packet = Packet(_phones[0], 1);
        Receive(_phones[0], packet, _phones[0].Address);
        Receive(_phones[0], packet, _phones[0].Address);
        _phones[0].NextIndex--;
        _phones[0].Say(Voice);
        Assert.Equal((1ul, 2ul), (_phones[0].Statistics.PacketsReceived, _phones[0].Statistics.Replays));
    }

    [Fact]
    public void Who_left_is_heard_under_no_key()
    {
        _phones[2].IsIn = false;
        _scene.Wish();
        var unexpected = _scene.Mixer.Mixer.Unexpected;
        Receive(_phones[2], Packet(_phones[2], 1), _phones[2].Address);
        Assert.Equal(1ul, _scene.Mixer.Mixer.Unexpected - unexpected);
        Receive(_phones[0], Packet(_phones[2], 1), _phones[0].Address);
        Assert.Equal(0ul, _phones[0].Statistics.PacketsReceived);
    }

    /// <summary>What was registered counts, whoever sent under it before.</summary>
    [Fact]
    public void Nobody_takes_an_SSRC_away_that_was_registered()
    {
        var other = _scene.Mixer.Phone();
        (other.IsIn, other.Mode, other.UplinkSsrc) = (true, LegKeyMode.Own, _phones[0].UplinkSsrc);
        _scene.Wish();
        other.Say(Voice);
        Send(_phones[0], 1);
        Assert.Equal((0ul, 1ul), (other.Statistics.PacketsReceived, other.Statistics.Clashes));
        Assert.Equal(1ul, _phones[0].Statistics.PacketsReceived);
    }

    private void Send(MixerPhone phone, uint epoch) => Receive(phone, Packet(phone, epoch), phone.Address);

    private void Receive(MixerPhone phone, byte[] packet, MediaAddress from) => _scene.Mixer.Mixer.Receive(phone.Slot, false, [.. packet], from, _scene.Mixer.Now);

    private byte[] Packet(MixerPhone phone, uint epoch)
    {
        using var ring = new KeyRing(SrtpProfile.AesCm128HmacSha1Tag80);
        ring.Install(_scene.Key(epoch).For(ring.Profile)!.Copy());
        ring.Activate(GroupKey.MkiOf(new KeyEpoch(epoch)));
        return phone.Packet(Voice, new SrtpSender(ring));
    }
}
