using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>One conference by <see cref="ConferenceMachine"/>, on a clock that a test sets.</summary>
public abstract class ConferenceMachineScene
{
    private protected static readonly MixerId Mixer = new(Room, 0, 1);
    private protected readonly ConferenceScene _scene = new();
    private protected ConferenceLife _life = ConferenceLife.New(Room);

    private protected static ConferenceInput.Asked Ask(ConferenceCommand command) => new(command);

    private protected ConferenceInput.MixerReported Report(long applied) => Report(Mixer, _life.State.Incarnation, applied);

    private protected static ConferenceInput.MixerReported Report(MixerId mixer, Incarnation incarnation, long applied) =>
        new(mixer, incarnation, applied);

    private protected ImmutableArray<ConferenceEffect> Effects(ConferenceInput input)
    {
        var step = ConferenceMachine.Next(_life, input, _scene.Context);
        _life = step.Life;
        return step.Effects;
    }

    private protected void Recover() => Effects(new ConferenceInput.Recovered([], CallsLost: true));

    private protected void Joined(params ParticipantId[] participants)
    {
        Recover();
        foreach (var participant in participants)
        {
            Effects(Ask(Join(participant)));
            Effects(new ConferenceInput.Stored());
        }
    }

    private protected ImmutableArray<ConferenceEvent> Before(params ConferenceCommand[] commands)
    {
        var state = ConferenceState.New(Room);
        var events = ImmutableArray.CreateBuilder<ConferenceEvent>();
        foreach (var command in commands)
        {
            var accepted = _scene.Accepted(state, command);
            events.AddRange(accepted);
            state = state.Apply(accepted);
        }

        return events.DrainToImmutable();
    }
}
