using System.Collections.Immutable;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>A conference whose phones share the group key; the journal stores at once unless told to wait. What was stored holds at the audit.</summary>
public abstract class ConferenceKeysScene : IDisposable
{
    private protected static readonly RekeyPolicy Rekey = RekeyPolicy.Default with { MinInterval = TimeSpan.FromSeconds(10) };
    private protected static readonly MixerId Mixer = new(ConferenceScene.Room, 0, 1);
    private protected static readonly ParticipantId Alice = new("a");
    private protected static readonly ParticipantId Bob = new("b");
    private protected readonly List<ConferenceEvent> _journal = [];
    private protected readonly List<ConferenceEffect> _did = [];
    private protected readonly List<KeyEpoch> _made = [];
    private protected ConferenceLife _life = ConferenceLife.New(ConferenceScene.Room);
    private protected DateTimeOffset _now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private protected uint _ssrc;
    private protected bool _storing = true;
    private protected GroupKeyPolicy _policy = new(true, Rekey);

    protected ConferenceKeysScene() => Give(new ConferenceInput.Recovered([], CallsLost: true));

    /// <summary>Whatever happened here, the audit finds nothing in what was stored of it.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Assert.Empty(AuditChecks.Run(ConferenceScene.Room.Value, _journal.Select((e, i) => KeyChangeProjection.Of(i + 1, e))));
    }

    private protected static LegAbility Able { get; } = new(true, true, "");

    private protected MixerState Told => _did.OfType<ConferenceEffect.Publish>().Last().State;

    private protected IEnumerable<LegStep> Steps => _journal.OfType<ConferenceEvent.LegsProgressed>().SelectMany(e => e.Steps);

    private protected LegKeyUse KeyOf(ParticipantId who) => Told.Legs.Single(l => l.Participant == who).Key;

    private protected void Enter(ParticipantId who)
    {
        Join(who);
        var told = _did.OfType<ConferenceEffect.Admit>().Last(a => a.Participant == who).Epoch;
        Give(new ConferenceInput.KeyReported(who, LegKeyAnswer.Ready, told ?? default, default));
        Pass(TimeSpan.FromMilliseconds(100));
    }

    private protected void Join(ParticipantId who, LegAbility? ability = null) =>
        Give(new ConferenceInput.Asked(ConferenceScene.Join(who) with { Ability = ability ?? Able }));

    private protected void Take(ParticipantId who, uint epoch) => Give(new ConferenceInput.KeyReported(who, LegKeyAnswer.Took, new KeyEpoch(epoch), default));

    private protected void TakeAll()
    {
        foreach (var leg in _life.Keys.Legs.Values.Where(l => l.Offered is not null).ToList()) Take(new ParticipantId(leg.Participant), leg.Offered!.Value.Number);
    }

    /// <summary>In steps, so that every deadline is met when it is due.</summary>
    private protected void Pass(TimeSpan time)
    {
        for (var end = _now + time; _now < end;)
        {
            _now += TimeSpan.FromMilliseconds(20);
            Give(new ConferenceInput.Fired(ConferenceTimer.Keys));
            Give(new ConferenceInput.Fired(ConferenceTimer.Collect));
        }
    }

    private protected void Store() => Give(new ConferenceInput.Stored());

    private protected void Give(ConferenceInput input)
    {
        var decision = new DecisionContext(_now, new ConferencePolicy(10) { Keys = _policy }, () => new Ssrc(++_ssrc))
        {
            NewGroupKey = epoch =>
            {
                _made.Add(epoch);
                return ImmutableArray<KeyCommitment>.Empty;
            },
        };
        if (input is ConferenceInput.Stored) _journal.AddRange(_did.OfType<ConferenceEffect.Store>().Last().Events);
        var step = ConferenceMachine.Next(_life, input, new ConferenceContext(decision, TimeSpan.FromHours(1)));
        _life = step.Life;
        _did.AddRange(step.Effects);
        if (_storing && step.Effects.OfType<ConferenceEffect.Store>().Any()) Store();
    }
}
