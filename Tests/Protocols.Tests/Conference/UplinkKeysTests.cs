using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using CsCheck;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>Two participants at two mixers would send under one key.</summary>
[Trait("RFC", "4568 §6.1")]
public sealed class UplinkKeysTests
{
    private static readonly MixerId First = new(Room, 0, 1);
    private static readonly MixerId Second = new(Room, 1, 2);
    private readonly ConferenceScene _scene = new() { MaxParticipants = 9, LegsPerMixer = 2, Keys = new GroupKeyPolicy(true, RekeyPolicy.Default) };
    private readonly List<ConferenceEvent> _journal = [];
    private ConferenceLife _life = ConferenceLife.New(Room);

    [Fact]
    public void Who_has_a_key_of_somebody_at_another_mixer_is_out_at_once_and_hung_up_on()
    {
        Joined(Alice, Bob, Carol);
        Assert.Equal((First, Second), (_life.State.MixerOf(Alice), _life.State.MixerOf(Carol)));
        Assert.DoesNotContain(Says(First, (Alice, [1]), (Bob, [2, 3])), e => e is ConferenceEffect.HangUp);
        var told = Says(Second, (Carol, [4, 3]));
        Assert.Contains(new ConferenceEffect.HangUp(Carol, LeaveReason.DialogFailed), told);
        Assert.DoesNotContain(Carol, told.OfType<ConferenceEffect.Publish>().Last(p => p.State.Mixer == Second).State.Legs.Select(l => l.Participant));
        Written();
        Assert.Equal(LeaveReason.DialogFailed, Assert.Single(_journal.OfType<ConferenceEvent.ParticipantLeft>()).Reason);
        Assert.Contains(told, e => e is ConferenceEffect.Say);
        Assert.All(told.OfType<ConferenceEffect.Say>(), s => Assert.DoesNotContain("key mark", s.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void A_later_offer_with_such_a_key_ends_the_call_of_who_made_it()
    {
        Joined(Alice, Bob, Carol);
        Says(Second, (Carol, [4]));
        Says(First, (Alice, [1]), (Bob, [2]));
        Assert.DoesNotContain(Says(Second, (Carol, [4, 5])), e => e is ConferenceEffect.HangUp);
        Assert.Contains(new ConferenceEffect.HangUp(Bob, LeaveReason.DialogFailed), Says(First, (Bob, [2, 5])));
        Assert.DoesNotContain(Says(Second, (Carol, [4, 5])), e => e is ConferenceEffect.HangUp);
    }

    [Fact]
    public void Whose_key_it_was_is_forgotten_when_it_leaves_and_a_mixer_that_has_not_the_leg_says_nothing_of_it()
    {
        Joined(Alice, Bob, Carol);
        Says(First, (Alice, [1]));
        Assert.DoesNotContain(Says(First, (Carol, [1])), e => e is ConferenceEffect.HangUp);
        Do(new ConferenceInput.Asked(Leave(Alice)));
        Assert.DoesNotContain(Says(Second, (Carol, [1])), e => e is ConferenceEffect.HangUp);
        Assert.Contains(new ConferenceEffect.HangUp(Bob, LeaveReason.DialogFailed), Says(First, (Bob, [1])));
    }

    [Fact]
    public void Who_comes_back_under_its_name_has_not_the_key_of_before()
    {
        Joined(Alice, Bob, Carol);
        Says(First, (Alice, [1]));
        Do(new ConferenceInput.Asked(Leave(Alice)));
        Do(new ConferenceInput.Asked(Join(Alice)));
        Written();
        Assert.DoesNotContain(Says(Second, (Carol, [1])), e => e is ConferenceEffect.HangUp);
    }

    [Fact]
    public void A_leg_that_moves_keeps_its_key()
    {
        Joined(Alice, Bob, Carol);
        Says(Second, (Carol, [1]));
        Do(new ConferenceInput.RoomAsked(Carol, Second));
        Written();
        Assert.DoesNotContain(Says(_life.State.MixerOf(Carol)!.Value, (Carol, [1])), e => e is ConferenceEffect.HangUp);
    }

    [Fact]
    public void A_life_that_was_told_nothing_yet_finds_it_when_all_is_told_again()
    {
        Joined(Alice, Bob, Carol);
        _life = ConferenceLife.New(Room);
        Do(new ConferenceInput.Recovered([.. _journal], CallsLost: false));
        Written();
        Says(First, (Alice, [1]), (Bob, [2]));
        Assert.Contains(new ConferenceEffect.HangUp(Carol, LeaveReason.DialogFailed), Says(Second, (Carol, [2])));
    }

    /// <summary>Whatever comes in whatever order: of those who are left no two at different mixers have said the same key.</summary>
    [Fact]
    public void Nobody_who_stays_has_a_key_of_somebody_else_who_stays() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 8], Gen.Int[1, 12]).Array[0, 60].Sample(iter: 1000, assert: story =>
        {
            var world = new UplinkKeysTests();
            var said = new Dictionary<ParticipantId, HashSet<ulong>>();
            world.Joined();
            foreach (var (move, n, key) in story)
            {
                var who = new ParticipantId($"p{n}");
                if (move == 0) world.Do(new ConferenceInput.Asked(Join(who)));
                if (move == 1) world.Do(new ConferenceInput.Asked(Leave(who)));
                world.Written();
                if (move == 1 || !world._life.State.Participants.ContainsKey(who)) said.Remove(who);
                if (move < 2 || world._life.State.MixerOf(who) is not { } mixer) continue;
                var keys = said.GetValueOrDefault(who, []);
                var isTaken = said.Any(s => s.Key != who && s.Value.Overlaps(keys.Append((ulong)key)));
                var isOut = world.Says(mixer, (who, [.. keys, (ulong)key])).Contains(new ConferenceEffect.HangUp(who, LeaveReason.DialogFailed));
                Assert.Equal(isTaken, isOut);
                world.Written();
                if (isOut) said.Remove(who);
                else said[who] = [.. keys, (ulong)key];
            }
        });

    private static KeyMark Mark(ulong key) => new(key, 0, 0, key << 32);

    private ImmutableArray<ConferenceEffect> Says(MixerId mixer, params (ParticipantId Who, ulong[] Keys)[] legs) => Do(
        new ConferenceInput.MixerReported(mixer, _life.State.Incarnation, _life.WantedVersion)
        {
            Shared = new SharedReport(16, 0),
            Keys = [.. legs.Select(l => new LegMarks(l.Who, [.. l.Keys.Select(Mark)]))],
        });

    private void Joined(params ParticipantId[] people)
    {
        Do(new ConferenceInput.Recovered([], CallsLost: false));
        foreach (var one in people) Do(new ConferenceInput.Asked(Join(one)));
        Written();
    }

    private void Written()
    {
        while (_life.Pending is not null) Do(new ConferenceInput.Stored());
    }

    private ImmutableArray<ConferenceEffect> Do(ConferenceInput input)
    {
        var step = ConferenceMachine.Next(_life, input, _scene.Context);
        _life = step.Life;
        _journal.AddRange(step.Effects.OfType<ConferenceEffect.Store>().SelectMany(s => s.Events));
        return step.Effects;
    }
}
