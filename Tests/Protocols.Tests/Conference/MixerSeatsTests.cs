using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using CsCheck;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>A conference of several mixers: which leg is where, and that no two streams of it ever have one SSRC.</summary>
public sealed class MixerSeatsTests
{
    private static readonly ParticipantId[] People = [.. Enumerable.Range(0, 40).Select(i => new ParticipantId($"p{i}"))];

    [Theory]
    [InlineData(3, 0)]
    [InlineData(3, 0, 2)]
    [InlineData(3, 1, 3)]
    [InlineData(3, 2, 3, 3)]
    [InlineData(3, 1, 3, 2, 0)]
    [InlineData(1, 6, 2, 2, 2, 2, 2, 2, 1, 2)]
    public void A_leg_goes_to_the_first_mixer_with_room_then_to_another_one_then_to_that_with_the_fewest(int most, int expected, params int[] legs) =>
        Assert.Equal(expected, MixerSeats.Choose(legs, most));

    [Fact]
    public void Whoever_finds_all_mixers_full_is_let_in_together_with_another_mixer()
    {
        var scene = new ConferenceScene { MaxParticipants = 9, LegsPerMixer = 2 };
        var state = scene.After(Join(People[0]), Join(People[1]));
        var facts = scene.Accepted(state, Join(People[2]));
        Assert.Equal((1, 2L), Assert.IsType<ConferenceEvent.MixerPlaced>(facts[0]) is { } placed ? (placed.Number, placed.MixerIncarnation) : default);
        Assert.Equal(1, Assert.IsType<ConferenceEvent.ParticipantJoined>(facts[1]).Mixer);
        state = state.Apply(facts);
        Assert.Equal(new MixerId(Room, 1, 2), state.MixerOf(People[2]));
        Assert.Equal(new MixerId(Room, 0, 1), state.MixerOf(People[0]));
        // A place that became free is taken before a third one begins.
        state = state.Apply(scene.Accepted(state, Leave(People[0])));
        Assert.Equal(0, scene.Accepted(state, Join(People[3])).OfType<ConferenceEvent.ParticipantJoined>().Single().Mixer);
        // The next instance begins with one.
        state = state.Apply(scene.Accepted(state, new ConferenceCommand.End(EndReason.Operator)));
        state = state.Apply(scene.Accepted(state, Join(People[4])));
        Assert.Equal(new MixerId(Room, 0, 3), Assert.Single(state.Mixers.Keys.Select(n => state.MixerOf(n))));
    }

    [Fact]
    public void The_loss_of_one_mixer_changes_the_SSRCs_of_its_legs_and_of_no_others()
    {
        var scene = new ConferenceScene { MaxParticipants = 9, LegsPerMixer = 2 };
        var state = scene.After([.. People[..5].Select(Join)]);
        var lost = state.MixerOf(1)!.Value;
        var placed = Assert.IsType<ConferenceEvent.MixerPlaced>(Assert.Single(scene.Accepted(state, new ConferenceCommand.PlaceMixer(lost, MixerLoss.Silent))));
        Assert.Equal([People[2], People[3]], placed.Ssrcs.Select(s => s.Participant));
        var next = state.Apply(placed);
        Assert.Equal(new MixerId(Room, 1, 4), next.MixerOf(1));
        Assert.Equal((state.MixerOf(0), state.MixerOf(2)), (next.MixerOf(0), next.MixerOf(2)));
        Assert.Empty(scene.Accepted(next, new ConferenceCommand.PlaceMixer(lost, MixerLoss.Silent)));
    }

    [Fact]
    public void Who_was_called_stays_where_it_has_ports()
    {
        var scene = new ConferenceScene { MaxParticipants = 9, LegsPerMixer = 2 };
        var state = scene.After([.. People[..3].Select(Join)]);
        Assert.Equal(0, scene.Accepted(state, Join(People[3]) with { Seat = 0 }).OfType<ConferenceEvent.ParticipantJoined>().Single().Mixer);
    }

    /// <summary>
    /// K6: one group key protects the streams of all mixers, so whatever happens in whatever order, an SSRC is given to one stream of one mixer, once. Few SSRCs to
    /// draw from, so that they clash.
    /// </summary>
    [Fact]
    public void No_SSRC_is_ever_given_to_two_mixers_or_to_two_streams() =>
        Gen.Select(Gen.Int[0, 11], Gen.Int[0, People.Length - 1]).Array[0, 150].Sample(schedule =>
        {
            var draw = 1u;
            var scene = new ConferenceScene
            {
                MaxParticipants = 30,
                LegsPerMixer = 3,
                NewSsrc = () => new Ssrc(1 + (draw = draw * 48_271 % 65_537) % 4096),
                Keys = new GroupKeyPolicy(true, RekeyPolicy.Default),
            };
            var state = ConferenceState.New(Room);
            var owners = new Dictionary<Ssrc, (MixerId Mixer, string Stream)>();
            foreach (var (kind, who) in schedule)
            {
                var number = state.Mixers.IsEmpty ? 0 : who % state.Mixers.Count;
                ConferenceCommand command = kind switch
                {
                    <= 4 => Join(People[who]),
                    5 => Leave(People[who]),
                    6 => new ConferenceCommand.ReserveSsrcs(number),
                    7 => new ConferenceCommand.PlaceMixer(state.MixerOf(number), MixerLoss.Silent),
                    8 => new ConferenceCommand.AddMixer(who % 3 == 0 ? state.Mixers.Count : number),
                    10 or 11 => new ConferenceCommand.Reseat(People[who], state.MixerOf(People[who]) ?? new MixerId(Room, 0, 1)) { MayReplace = kind == 10 },
                    _ => who < 3 ? new ConferenceCommand.End(EndReason.Operator) : new ConferenceCommand.Take(false),
                };
                // Those with an even incarnation have just had no room.
                var full = state.Mixers.Keys.Select(n => state.MixerOf(n)!.Value).Where(m => m.Incarnation % 2 == 0);
                scene.HasRoomBeside = mixers => mixers < who;
                if (ConferenceDecider.Decide(state, command, scene.Decision with { Full = [.. full] }) is not Decision.Accepted accepted) continue;
                state = state.Apply(accepted.Events);
                Assert.Equal(Enumerable.Range(0, state.Mixers.Count), state.Mixers.Keys);
                Assert.InRange(state.Mixers.Count, state.IsActive ? 1 : 0, MixerSeats.MaxMixers);
                foreach (var mixer in state.Mixers.Keys)
                {
                    var told = state.DesiredMixer(mixer, 1, state.Members(), [], _ => LegKeyUse.Own);
                    foreach (var (ssrc, stream) in told.Legs.Select(l => (l.Ssrc, l.Participant.Value)).Concat(told.SharedSsrcs.Select(s => (s, "shared"))))
                        Assert.True(owners.TryAdd(ssrc, (told.Mixer, stream)) || owners[ssrc] == (told.Mixer, stream), $"{ssrc} of {owners[ssrc]} is given to {told.Mixer}, {stream}");
                }

                Assert.Equal(state.IsActive ? state.Participants.Count : 0, state.IsActive ? MixerSeats.Count(state).Sum() : 0);
            }
        });
}
