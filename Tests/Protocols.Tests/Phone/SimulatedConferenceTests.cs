using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Phone;

/// <summary>A whole conference on virtual time: real phones, the real focus and mixer, no socket and no clock.</summary>
public sealed class SimulatedConferenceTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly double[] Tones = [440, 770, 1200, 1700];
    private readonly List<IDisposable> _parties = [];

    public void Dispose()
    {
        foreach (var party in _parties) party.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Everybody_hears_all_the_others_and_nobody_itself(int seed)
    {
        var (network, focus, phones) = Conference(seed, NetworkConditions.Clean, 4);
        foreach (var phone in phones) phone.Dial(Room(focus));
        network.RunFor(3 * Second);
        Listen(network, phones);

        for (var i = 0; i < phones.Length; i++)
        {
            for (var tone = 0; tone < Tones.Length; tone++)
            {
                var share = phones[i].ShareOf(Tones[tone]);
                Assert.True(tone == i ? share < 0.01 : share is > 0.25 and < 0.42, $"phone {i}, {Tones[tone]} Hz: {share}");
            }

            var seen = phones[i].Audio.Statistics();
            Assert.Equal((0ul, 0ul, 0ul, 0ul), (seen.PacketsLost, seen.AuthFailures, seen.Replays, seen.Malformed));
        }
    }

    [Fact]
    public void Whoever_leaves_is_heard_no_more_and_the_last_one_ends_the_conference()
    {
        var (network, focus, phones) = Conference(3, NetworkConditions.Clean, 3);
        foreach (var phone in phones) phone.Dial(Room(focus));
        network.RunFor(3 * Second);
        phones[0].HangUp();
        network.RunFor(Second);
        Listen(network, phones[1..]);

        Assert.True(phones[1].ShareOf(Tones[0]) < 0.01);
        Assert.True(phones[1].ShareOf(Tones[2]) > 0.95);
        foreach (var phone in phones[1..]) phone.HangUp();
        network.RunFor(40 * Second);
        Assert.IsType<ConferenceEvent.Ended>(focus.Facts[^1]);
        Assert.Equal((0, 0, 0), (focus.Participants, focus.Transactions, focus.Mixer.LegCount));
    }

    [Fact]
    public void The_end_of_the_conference_sends_everybody_BYE()
    {
        var (network, focus, phones) = Conference(4, NetworkConditions.Clean, 3);
        foreach (var phone in phones) phone.Dial(Room(focus));
        network.RunFor(2 * Second);
        focus.EndConference();
        network.RunFor(40 * Second);

        Assert.All(phones, p => Assert.Equal(CallEnd.Peer, p.End!.How));
        Assert.Equal((0, 0), (focus.Participants, focus.Transactions));
        Assert.False(focus.Conference.IsActive);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    public void A_bad_network_costs_sound_but_no_call_and_leaves_nobody_behind(int seed)
    {
        var bad = new NetworkConditions(0.15, 0.05, TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(25));
        var (network, focus, phones) = Conference(seed, bad, 3);
        foreach (var phone in phones) phone.Dial(Room(focus));
        network.RunFor(20 * Second);

        Assert.Equal(3, focus.Conference.Participants.Count);
        Assert.All(phones, p => Assert.Equal(0ul, p.Audio.Statistics().AuthFailures));
        Listen(network, phones);
        Assert.All(Enumerable.Range(0, 3), i => Assert.True(phones[i].ShareOf(Tones[i]) < 0.02));
        foreach (var phone in phones) phone.HangUp();
        network.RunFor(120 * Second);
        Assert.Equal((0, 0, 0), (focus.Participants, focus.Transactions, focus.Conference.Participants.Count));
    }

    private (SimulatedNetwork, SimulatedFocus, SimulatedPhone[]) Conference(int seed, NetworkConditions conditions, int count)
    {
        var network = new SimulatedNetwork(seed, conditions);
        var focus = new SimulatedFocus(network, "192.0.2.1", seed);
        var phones = Enumerable.Range(0, count)
            .Select(i => new SimulatedPhone(network, $"192.0.2.{10 + i}", focus.Sip, Tones[i], 100 * seed + i)).ToArray();
        _parties.Add(focus);
        _parties.AddRange(phones);
        return (network, focus, phones);
    }

    private static SipUri Room(SimulatedFocus focus) => SipUri.Sip("room", focus.Sip.Address.ToString(), focus.Sip.Port);

    private static void Listen(SimulatedNetwork network, SimulatedPhone[] phones)
    {
        foreach (var phone in phones) phone.Heard.Clear();
        network.RunFor(2 * Second);
    }
}
