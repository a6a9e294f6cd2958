using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>Who may be called, what is shown of it, and what becomes of it when the conference ends.</summary>
public sealed class CalloutsTests
{
    private readonly ConferenceScene _scene = new();
    private ConferenceLife _life = ConferenceLife.New(Room);

    [Fact]
    public void A_conference_that_is_off_calls_nobody()
    {
        Do(new ConferenceInput.Recovered([], CallsLost: true));
        Assert.Contains(new ConferenceEffect.Refuse(Bob, Rejection.ConferenceOver), Ask(Bob));
        Assert.Empty(_life.Callouts);
    }

    [Fact]
    public void Before_the_journal_has_spoken_nothing_is_said_since_whoever_asks_repeats_it()
    {
        Assert.Empty(Ask(Bob));
        Begin();
        Assert.Contains(new ConferenceEffect.Grant(Bob, _life.State.Mixer!.Value), Ask(Bob));
    }

    [Fact]
    public void Asking_again_is_harmless()
    {
        Begin();
        Ask(Bob);
        Assert.Contains(new ConferenceEffect.Grant(Bob, _life.State.Mixer!.Value), Ask(Bob));
        Assert.Equal([(Bob, CalloutState.Inviting)], _life.Callouts.Select(c => (c.Participant, c.State)));
    }

    [Fact]
    public void Who_is_being_called_takes_a_place()
    {
        Begin();
        Ask(Bob);
        Ask(Carol);
        Assert.Contains(new ConferenceEffect.Refuse(new ParticipantId("d"), Rejection.ConferenceFull), Ask(new ParticipantId("d")));
        Report(Bob, CalloutState.Failed);
        Assert.Contains(new ConferenceEffect.Grant(new ParticipantId("e"), _life.State.Mixer!.Value), Ask(new ParticipantId("e")));
    }

    [Fact]
    public void Whoever_is_being_called_is_hung_up_when_the_conference_ends()
    {
        Begin();
        Ask(Bob);
        Report(Bob, CalloutState.Ringing);
        Do(new ConferenceInput.Asked(new ConferenceCommand.Leave(Alice, LeaveReason.Bye)));
        var effects = Do(new ConferenceInput.Stored());
        Assert.Contains(new ConferenceEffect.HangUp(Bob, LeaveReason.ConferenceEnded), effects);
        Assert.Equal((CalloutState.Failed, 487), _life.Callouts.Select(c => (c.State, c.Status)).Single());
    }

    [Fact]
    public void Of_those_that_came_to_an_end_the_last_fifty_are_shown()
    {
        Begin();
        for (var i = 0; i < 200; i++) Report(new ParticipantId($"p{i}"), CalloutState.Failed);
        Assert.Equal(50, _life.Callouts.Count);
        Assert.Equal("p199", _life.Callouts[^1].Participant.Value);
    }

    private void Begin()
    {
        Do(new ConferenceInput.Recovered([], CallsLost: true));
        Do(new ConferenceInput.Asked(Join(Alice)));
        Do(new ConferenceInput.Stored());
    }

    private ImmutableArray<ConferenceEffect> Ask(ParticipantId participant) => Do(new ConferenceInput.CalloutAsked(participant, "sip:x@example.com"));

    private void Report(ParticipantId participant, CalloutState state) =>
        Do(new ConferenceInput.CalloutReported(participant, "sip:x@example.com", state, 486, "Busy Here"));

    private ImmutableArray<ConferenceEffect> Do(ConferenceInput input)
    {
        var step = ConferenceMachine.Next(_life, input, _scene.Context);
        _life = step.Life;
        return step.Effects;
    }
}
