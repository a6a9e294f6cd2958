using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Who is in a packet of the mixer, and how loud.</summary>
public class ContributorsTests
{
    private readonly MixerScene _scene = new();

    [Fact]
    [Trait("RFC", "3550 §7.1")]
    public void A_packet_names_who_is_in_it_and_never_its_receiver()
    {
        var phones = _scene.Conference(4);
        for (var i = 0; i < 20; i++)
        {
            phones[0].Say(Square(8000));
            phones[1].Say(Square(800));
            _scene.Tick();
        }

        Assert.Equal([phones[1].UplinkSsrc], Sources(phones[0]));
        Assert.Equal([phones[0].UplinkSsrc], Sources(phones[1]));
        Assert.Equal([phones[0].UplinkSsrc, phones[1].UplinkSsrc], Sources(phones[2]));
        Assert.Equal(0, phones[3].Heard[0].Header.CsrcCount);
        Assert.False(phones[2].Heard[^1].Header.HasExtension);
    }

    [Fact]
    [Trait("RFC", "6465 §3")]
    public void Whoever_agreed_on_it_is_told_the_level_of_each_in_their_order()
    {
        var phones = _scene.Conference(3);
        phones[2].Extensions = new ExtensionIds(0, false, 9);
        phones[2].Renegotiate();
        for (var i = 0; i < 20; i++)
        {
            phones[0].Say(Square(8000));
            phones[1].Say(Square(800));
            _scene.Tick();
        }

        var packet = phones[2].Packets[^1];
        Assert.True(RtpHeader.TryRead(packet, out var header, out _));
        Assert.True(MixedAudioLevels.TryRead(header, packet, 9, 0, out var first));
        Assert.True(MixedAudioLevels.TryRead(header, packet, 9, 1, out var second));
        Assert.InRange(first, 12, 13);
        Assert.InRange(second, 32, 33);
        Assert.Equal([phones[0].UplinkSsrc, phones[1].UplinkSsrc], Sources(phones[2]));
    }

    [Fact]
    public void The_audio_is_the_same_with_and_without_levels()
    {
        var phones = _scene.Conference(3);
        phones[2].Extensions = new ExtensionIds(0, false, 9);
        phones[2].Renegotiate();
        for (var i = 0; i < 20; i++)
        {
            phones[0].Say(Square(8000));
            _scene.Tick();
        }

        Assert.Equal(phones[1].Heard.Select(h => h.Codes), phones[2].Heard.Select(h => h.Codes));
    }

    private static Ssrc[] Sources(MixerPhone phone)
    {
        var packet = phone.Packets[^1];
        Assert.True(RtpHeader.TryRead(packet, out var header, out _));
        return [.. Enumerable.Range(0, header.CsrcCount).Select(i => header.Csrc(packet, i))];
    }

    private static byte[] Square(short amplitude) =>
        [.. Enumerable.Range(0, 160).Select(i => G711.Encode(AudioCodec.Pcmu, i % 2 == 0 ? amplitude : (short)-amplitude))];
}
