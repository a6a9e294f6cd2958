using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Tests.Keys.Rekeying;

namespace ConfCluster.Protocols.Tests.Audit;

/// <summary>What a conference would store of what happens in a <see cref="RekeyWorld"/>.</summary>
internal sealed class RekeyJournal
{
    private static readonly TimeSpan CollectedFor = TimeSpan.FromMilliseconds(100);
    private readonly RekeyWorld _world;
    private readonly bool _losesSteps;
    private readonly List<ConferenceEvent> _events = [];
    private readonly List<LegStep> _steps = [];
    private readonly Dictionary<string, ParticipantId> _in = [];
    private readonly Dictionary<string, (KeyEpoch Epoch, KeyEpoch? To)> _offered = [];
    private readonly HashSet<ParticipantId> _answered = [];
    private readonly HashSet<uint> _stored = [];
    private long _lives = 1;
    private uint _joins;

    public RekeyJournal(RekeyWorld world, RekeyPolicy policy, bool losesSteps)
    {
        (_world, _losesSteps) = (world, losesSteps);
        _events.Add(new ConferenceEvent.Created(new ConferenceId(LogScript.Room)) { At = Now });
        _events.Add(new ConferenceEvent.KeyPolicySet(policy) { At = Now });
        world.Heard = Hear;
        world.Lost = Lose;
    }

    public ImmutableArray<ConferenceEvent> Events
    {
        get
        {
            Flush();
            return [.. _events];
        }
    }

    private DateTimeOffset Now => LogScript.Noon + _world.Now;

    private void Hear(RekeyInput input, IReadOnlyList<RekeyEffect> effects)
    {
        if (_steps.Count > 0 && Now - _steps[0].At > CollectedFor) Flush();
        switch (input)
        {
            case RekeyInput.Joined i:
                _in[i.Participant] = new ParticipantId($"{i.Participant}#{++_joins}");
                Store(new ConferenceEvent.ParticipantJoined(_in[i.Participant], i.Participant, null, new Ssrc(_joins)) { At = Now, Keying = i.Keying, TakesLadder = i.TakesLadder });
                break;
            case RekeyInput.Left i:
                Store(new ConferenceEvent.ParticipantLeft(_in[i.Participant], i.Evicted ? LeaveReason.Evicted : LeaveReason.Bye) { At = Now });
                _in.Remove(i.Participant);
                _offered.Remove(i.Participant);
                break;
            case RekeyInput.Stored i: _stored.Add(i.Epoch.Number); break;
            case RekeyInput.Confirmed i when _offered.TryGetValue(i.Participant, out var told): Step(i.Participant, LegStepKind.Confirmed, told.Epoch, told.To); break;
            case RekeyInput.Took i: Step(i.Participant, LegStepKind.Confirmed, i.Epoch, _offered[i.Participant].To); break;
            case RekeyInput.Refused i: Step(i.Participant, LegStepKind.Refused, i.Epoch); break;
        }

        foreach (var effect in effects) Hear(effect);
    }

    private void Hear(RekeyEffect effect)
    {
        switch (effect)
        {
            case RekeyEffect.Begin e:
                Store(new ConferenceEvent.KeyEpochBegan(e.Epoch, e.Reason, [Commitment(e.Epoch)]) { At = Now });
                if (e.LadderTo is { } top) Store(new ConferenceEvent.KeyLadderMade([.. Above(e.Epoch, top).Select(r => new KeyRung(r, [Commitment(r)]))]) { At = Now });
                break;
            case RekeyEffect.DropRungs e: Store(new ConferenceEvent.KeyEpochPassed(e.From, EpochPassage.Destroyed) { At = Now, To = e.To }); break;
            case RekeyEffect.Revoked e: Store(new ConferenceEvent.KeyEpochPassed(e.Epoch, EpochPassage.Revoked) { At = Now }); break;
            case RekeyEffect.Answer e:
                _answered.Add(_in[e.Participant]);
                if (e.Epoch is { } told) Send(e.Participant, told, e.To);
                break;
            case RekeyEffect.Offer e: Send(e.Participant, e.Epoch, e.To); break;
            case RekeyEffect.Use { Epoch: { } epoch } e: Step(e.Participant, LegStepKind.Moved, epoch); break;
            case RekeyEffect.Use e: Step(e.Participant, LegStepKind.OwnKey, default); break;
            case RekeyEffect.Silence e: Step(e.Participant, LegStepKind.Silenced, default); break;
            case RekeyEffect.Drop e: Step(e.Participant, LegStepKind.Dropped, default); break;
            case RekeyEffect.Settled e: Store(new ConferenceEvent.KeyEpochPassed(e.Epoch, EpochPassage.Settled) { At = Now }); break;
            case RekeyEffect.Retire e: Store(new ConferenceEvent.KeyEpochPassed(e.Epoch, EpochPassage.Retired) { At = Now }); break;
            case RekeyEffect.Destroy e: Store(new ConferenceEvent.KeyEpochPassed(e.Epoch, EpochPassage.Destroyed) { At = Now }); break;
        }
    }

    private void Send(string name, KeyEpoch epoch, KeyEpoch? to)
    {
        _offered[name] = (epoch, to);
        Step(name, LegStepKind.Sent, epoch, to);
    }

    private static KeyCommitment Commitment(KeyEpoch epoch) => new("A", $"{epoch.Number:x64}");

    private static IEnumerable<KeyEpoch> Above(KeyEpoch epoch, KeyEpoch top)
    {
        while ((epoch = epoch.Next) <= top) yield return epoch;
    }

    /// <summary>What was not written is lost: an epoch and the join that it belongs to, and, if the story wants it so, the last steps.</summary>
    private void Lose()
    {
        if (_losesSteps) _steps.Clear();
        Flush();
        _events.RemoveAll(e => e is ConferenceEvent.KeyEpochBegan b && !_stored.Contains(b.Epoch.Number));
        _events.RemoveAll(e => e is ConferenceEvent.KeyLadderMade l && !_stored.Contains(l.Rungs[0].Epoch.Number - 1));
        foreach (var (name, id) in _in.Where(p => !_answered.Contains(p.Value)).ToList())
        {
            _events.RemoveAll(e => e is ConferenceEvent.ParticipantJoined j && j.Participant == id);
            _in.Remove(name);
        }

        _events.Add(new ConferenceEvent.Taken(new Incarnation(++_lives)) { At = Now });
    }

    private void Step(string name, LegStepKind kind, KeyEpoch epoch, KeyEpoch? to = null) => _steps.Add(new LegStep(_in[name], kind, epoch, Now) { To = to });

    /// <summary>Steps before it are stored before it, as a conference does, unless the story wants to lose them.</summary>
    private void Store(ConferenceEvent happened)
    {
        if (!_losesSteps) Flush();
        _events.Add(happened);
    }

    private void Flush()
    {
        if (_steps.Count == 0) return;
        _events.Add(new ConferenceEvent.LegsProgressed([.. _steps]) { At = Now });
        _steps.Clear();
    }
}
