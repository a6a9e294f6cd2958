using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

public class ConferenceProperties
{
    private static readonly ParticipantId[] People = [.. Enumerable.Range(0, 5).Select(i => new ParticipantId($"p{i}"))];

    private static readonly Gen<ParticipantId> Anybody = Gen.Int[0, People.Length - 1].Select(i => People[i]);

    private static readonly Gen<ConferenceCommand> Commands = Gen.OneOf(
        Anybody.Select(p => (ConferenceCommand)ConferenceScene.Join(p)),
        Anybody.Select(p => (ConferenceCommand)ConferenceScene.Leave(p)),
        Gen.Bool.Select(lost => (ConferenceCommand)new ConferenceCommand.Take(lost)),
        Gen.Const((ConferenceCommand)new ConferenceCommand.PlaceMixer()),
        Gen.Const((ConferenceCommand)new ConferenceCommand.End(EndReason.Operator)));

    [Fact]
    public void Whatever_is_asked_in_whatever_order_the_facts_make_sense() => Commands.Array[0, 60].Sample(commands =>
    {
        // Few SSRCs to choose from, so that they clash.
        var draw = 0u;
        var scene = new ConferenceScene { NewSsrc = () => new Ssrc(1 + (draw++ * 7 % 97)), MaxParticipants = 4 };
        var state = ConferenceState.New(ConferenceScene.Room);
        var given = new HashSet<Ssrc>();
        var members = new HashSet<ParticipantId>();
        foreach (var command in commands)
        {
            if (ConferenceDecider.Decide(state, command, scene.Decision) is not Decision.Accepted accepted) continue;
            foreach (var happened in accepted.Events) Check(state, happened, given, members);
            var next = state.Apply(accepted.Events);
            Assert.True(next.Incarnation >= state.Incarnation && next.MixerIncarnation >= state.MixerIncarnation);
            Assert.Equal(members, next.Participants.Keys.ToHashSet());
            Assert.Equal(next.IsActive, members.Count > 0);
            Assert.Superset(state.Register.ToHashSet(), next.Register.ToHashSet());
            state = next;
        }
    });

    private static void Check(ConferenceState before, ConferenceEvent happened, HashSet<Ssrc> given, HashSet<ParticipantId> members)
    {
        switch (happened)
        {
            case ConferenceEvent.ParticipantJoined joined:
                Assert.True(given.Add(joined.Ssrc));
                Assert.True(members.Add(joined.Participant));
                Assert.InRange(members.Count, 1, 4);
                break;
            case ConferenceEvent.ParticipantLeft left: Assert.True(members.Remove(left.Participant)); break;
            case ConferenceEvent.Taken taken: Assert.True(taken.Incarnation > before.Incarnation); break;
            case ConferenceEvent.MixerPlaced placed: Assert.True(placed.MixerIncarnation > before.MixerIncarnation); break;
            case ConferenceEvent.Ended: Assert.Empty(members); break;
        }
    }

    [Theory]
    [InlineData(false, 0, 9)]
    [InlineData(true, 0, 9)]
    [InlineData(true, 2, 9)]
    [InlineData(true, 4, 9)]
    [InlineData(false, 0, 1)]
    [InlineData(true, 0, 2)]
    [InlineData(true, 4, 1)]
    public void Through_failing_journals_and_crashes_nobody_hears_of_what_is_not_stored_and_nobody_is_forgotten(bool shares, int ladder, int legs) =>
        Gen.Select(Gen.Int[0, shares ? 18 : 11], Gen.Int[0, People.Length - 1]).Array[0, 120].Sample(schedule => Run(shares, ladder, legs, schedule), iter: 1000);

    /// <summary>Nodes are emptied, one after the other and one in the other, their mixers die meanwhile, or begin anew, and so does the focus.</summary>
    [Theory]
    [InlineData(false, 0, 9)]
    [InlineData(true, 0, 9)]
    [InlineData(true, 4, 2)]
    [InlineData(true, 2, 1)]
    public void Through_drains_everybody_is_sent_media_by_somebody_and_the_one_that_leaves_ends(bool shares, int ladder, int legs) =>
        Gen.Select(Gen.Int[0, ConferenceWorld.Kinds - 1], Gen.Int[0, People.Length - 1]).Array[0, 120].Sample(
            schedule => Run(shares, ladder, legs, schedule), iter: 1000);

    /// <summary>With mixers that have no room for a leg, and rooms that come and go.</summary>
    [Theory]
    [InlineData(false, 0, 9)]
    [InlineData(false, 0, 1)]
    [InlineData(true, 0, 2)]
    [InlineData(true, 2, 9)]
    [InlineData(true, 4, 1)]
    public void Whoever_finds_its_mixer_full_is_elsewhere_or_told_that_there_is_no_room(bool shares, int ladder, int legs) =>
        Gen.Select(Gen.Int[0, ConferenceWorld.KindsWithRooms - 1], Gen.Int[0, People.Length - 1]).Array[0, 120].Sample(
            schedule => Run(shares, ladder, legs, schedule), iter: 1000);

    private static void Run(bool shares, int ladder, int legs, (int Kind, int Who)[] schedule)
    {
        var world = new ConferenceWorld(shares, ladder, legs);
        foreach (var (kind, who) in schedule) world.Do(kind, People[who]);
        world.Settle();
    }
}
