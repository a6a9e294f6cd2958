using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>A mixer takes over from another one: it goes on receiving where that one was, and takes nothing twice.</summary>
public class HandOverTests
{
    private static readonly byte[] Codes = new byte[160];
    private readonly MixerScene _scene = new();

    [Fact]
    public void A_leg_tells_how_far_its_sources_have_come_when_that_is_news()
    {
        var phone = _scene.Conference(1)[0];
        Assert.Empty(Take(phone));
        phone.Say(Codes);
        var first = phone.NextIndex - 1;
        Assert.Equal<UplinkIndex>([new UplinkIndex(phone.UplinkSsrc, first)], Take(phone));
        for (var i = 1; i < 128; i++) phone.Say(Codes);
        Assert.Empty(Take(phone));
        phone.Say(Codes);
        Assert.Equal<UplinkIndex>([new UplinkIndex(phone.UplinkSsrc, first + 128)], Take(phone));
        Assert.Empty(Take(phone));
        Assert.Single(_scene.Mixer.TakeUplinks(phone.Id, all: true));
        phone.UplinkSsrc = new Ssrc(0xC001);
        phone.Say(Codes);
        Assert.Equal(2, Take(phone).Length);
        Assert.Empty(_scene.Mixer.TakeUplinks(new ParticipantId("nobody"), all: true));
    }

    [Fact]
    public void A_rollover_is_news_at_once()
    {
        var phone = Rolled(0xFFFF);
        Take(phone);
        phone.Say(Codes);
        Assert.Empty(Take(phone));
        phone.Say(Codes);
        Assert.Equal(1UL << 16, Assert.Single(Take(phone)).Highest);
    }

    [Theory]
    [InlineData(true, 0xFFFFUL)]
    [InlineData(false, 0xFFFFUL)]
    [InlineData(true, 0x1_0000UL)]
    [InlineData(false, 0x2_1234UL)]
    public void The_next_mixer_opens_what_follows_and_refuses_what_the_one_before_has_taken(bool isStateFirst, ulong last)
    {
        var phone = Rolled(last);
        var replayed = phone.Packet(Codes);
        _scene.Mixer.Receive(phone.Slot, false, (byte[])replayed.Clone(), phone.Address, _scene.Now);
        var told = _scene.Mixer.TakeUplinks(phone.Id, all: true);
        Assert.Equal(last, Assert.Single(told).Highest);

        using var next = new ConferenceMixer(MixerScene.Settings, _scene.Fill, MixerScene.Origin);
        var state = new MixerState(
            new MixerId(new ConferenceId("100"), 0, 2), new Incarnation(1), 7, [new MixerLeg(phone.Id, phone.Ssrc)])
        {
            Resumes = [new LegUplinks(phone.Id, told)],
        };
        if (isStateFirst) next.SetState(state);
        var slot = next.OpenLeg(phone.Id);
        next.SetLeg(phone.Media());
        if (!isStateFirst) next.SetState(state);

        next.Receive(slot, false, (byte[])replayed.Clone(), phone.Address, _scene.Now);
        Assert.Equal((0UL, 1UL), (next.Statistics(slot).PacketsReceived, next.Statistics(slot).Replays));
        next.Receive(slot, false, phone.Packet(Codes), phone.Address, _scene.Now);
        next.SetState(state with { Version = 8 });
        next.Receive(slot, false, replayed, phone.Address, _scene.Now);
        next.Receive(slot, false, phone.Packet(Codes), phone.Address, _scene.Now);
        Assert.Equal((2UL, 2UL, 0UL), (next.Statistics(slot).PacketsReceived, next.Statistics(slot).Replays, next.Statistics(slot).AuthFailures));
        Assert.Equal(last + 2, Assert.Single(next.TakeUplinks(phone.Id, all: true)).Highest);
    }

    [Fact]
    public void Without_being_told_a_new_mixer_opens_nothing_of_a_source_that_has_rolled_over()
    {
        var phone = Rolled(0x1_0005);
        using var next = new ConferenceMixer(MixerScene.Settings, _scene.Fill, MixerScene.Origin);
        var slot = next.OpenLeg(phone.Id);
        next.SetLeg(phone.Media());
        next.SetState(new MixerState(new MixerId(new ConferenceId("100"), 0, 2), new Incarnation(1), 7, [new MixerLeg(phone.Id, phone.Ssrc)]));
        next.Receive(slot, false, phone.Packet(Codes), phone.Address, _scene.Now);
        Assert.Equal((0UL, 1UL), (next.Statistics(slot).PacketsReceived, next.Statistics(slot).AuthFailures));
    }

    private ImmutableArray<UplinkIndex> Take(MixerPhone phone) => _scene.Mixer.TakeUplinks(phone.Id, all: false);

    /// <summary>A phone in the conference whose next packet has this index; every receiver on the way could follow.</summary>
    private MixerPhone Rolled(ulong next)
    {
        var phone = _scene.Conference(1)[0];
        for (phone.NextIndex = 0x4000; phone.NextIndex + 0x4000 < next; phone.NextIndex += 0x3FFF) phone.Say(Codes);
        phone.NextIndex = next - 1;
        phone.Say(Codes);
        return phone;
    }
}
