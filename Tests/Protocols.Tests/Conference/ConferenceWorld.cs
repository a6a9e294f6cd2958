using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>
/// A conference with a journal that fails and a process that dies when told, and what must hold at every moment of it.
/// </summary>
/// <param name="shares">Phones share the group key, but for p3 (no MKI) and p4 (whose signalling is open).</param>
/// <param name="ladder">So many keys are told in advance, but to p1 (whose signalling is datagrams); 2: and phones are told to forget.</param>
/// <param name="legs">That a mixer should have.</param>
internal sealed class ConferenceWorld(bool shares, int ladder, int legs)
{
    private readonly ConferenceScene _scene = new() { MaxParticipants = 4, LegsPerMixer = legs, Keys = shares ? Shared(ladder) : GroupKeyPolicy.Individual };
    private readonly ConferenceKeyBook _keys = new();
    private readonly List<ConferenceEvent> _journal = [];
    private readonly HashSet<ParticipantId> _leaving = [];
    private readonly HashSet<ParticipantId> _unanswered = [];
    private ConferenceLife _life = ConferenceLife.New(ConferenceScene.Room);
    private ImmutableArray<ConferenceEvent>? _writing;
    private readonly Dictionary<MixerId, MixerState> _told = [];
    private readonly Dictionary<ParticipantId, MixerId> _at = [];
    private readonly HashSet<ParticipantId> _patient = [];

    /// <summary>Of what may happen, but for the end that an operator wants.</summary>
    public const int Kinds = 29;

    /// <summary>And with mixers that are full.</summary>
    public const int KindsWithRooms = 35;

    private readonly Queue<ParticipantId> _homeless = [];

    private static GroupKeyPolicy Shared(int ladder) => new(true, RekeyPolicy.Default with
    {
        MinInterval = TimeSpan.FromSeconds(3),
        Ladder = ladder,
        Revoke = ladder == 2 ? Revocation.Now : Revocation.Lazy,
    });

    public void Do(int kind, ParticipantId who)
    {
        _scene.Now += TimeSpan.FromMilliseconds(700);
        switch (kind)
        {
            case <= 2: Join(who); break;
            case <= 4: Leave(who); break;
            case 5 or 6: Stored(); break;
            case 7: Fails(); break;
            case 8: Dies(batchGotIn: who.Value is "p0" or "p1", callsLost: who.Value is "p0" or "p3"); break;
            case 11 or 12 when shares: Give(_keys.Report(who, kind == 11 ? LegKeyAnswer.Took : LegKeyAnswer.Ready)); break;
            case 13 when shares: Give(_keys.Report(who, who.Value is "p0" ? LegKeyAnswer.Refused : LegKeyAnswer.NotNow)); break;
            case 14 when shares: Give(new ConferenceInput.Fired(ConferenceTimer.Keys)); break;
            case 15 when shares: Give(new ConferenceInput.Fired(ConferenceTimer.Collect)); break;
            case 16 when shares: Evict(who); break;
            case 17 when shares: Give(new ConferenceInput.RekeyAsked("test")); break;
            case 9: Silence(); break;
            case 18 when _told.Count > 0: Give(ReportOf(Newest(who)) with { Incarnation = default, AppliedVersion = 0 }); break;
            case 19 when _at.TryGetValue(who, out var mixer): Give(new ConferenceInput.LegMoved(who, mixer)); break;
            case 20: Give(new ConferenceInput.Fired(ConferenceTimer.Moves)); break;
            case 21 or 22 or 23 when _at.TryGetValue(who, out var mixer): Give(new ConferenceInput.MixerDrained(mixer)); break;
            case 24 or 25 when _told.Count > 0: Report(Any(who), lag: 0, sending: true); break;
            case 26 when _told.Count > 0: Give(ReportOf(Any(who)) with { Incarnation = default, AppliedVersion = 0 }); break;
            case 27: _scene.Now += TimeSpan.FromSeconds(4); break;
            case 28 when _at.TryGetValue(who, out var mixer): Give(new ConferenceInput.LegMoved(who, mixer)); break;
            case 29: _scene.HasRoomBeside = mixers => mixers < who.Value[^1] - '0'; break;
            case >= 30 when _at.TryGetValue(who, out var full) && !_leaving.Contains(who): Give(new ConferenceInput.RoomAsked(who, full)); break;
            case > 11: break;
            case 10 when _told.Count > 0: Report(Newest(who), lag: who.Value is "p0" or "p1" ? 1 : 0); break;
            case 10: break;
            default: Give(new ConferenceInput.Asked(new ConferenceCommand.End(EndReason.Operator))); break;
        }
    }

    /// <summary>Of the mixers of one number, the newest that was told anything; where there are several numbers each may be it.</summary>
    private MixerId Newest(ParticipantId who)
    {
        var numbers = _told.Keys.Select(m => m.Number).Distinct().Order().ToList();
        var number = numbers[who.Value[^1] % numbers.Count];
        return _told.Keys.Where(m => m.Number == number).MaxBy(m => m.Incarnation);
    }

    private MixerId Any(ParticipantId who) => _told.Keys.OrderBy(m => m.Number).ThenBy(m => m.Incarnation).ElementAt(who.Value[^1] % _told.Count);

    /// <summary>The journal works again: everything that was asked has an answer, and what is told is what is stored.</summary>
    public void Settle()
    {
        if (!_life.IsRecovered) Recovered(callsLost: false);
        for (var i = 0; i < 20 && _writing is not null; i++) Stored();
        Give(new ConferenceInput.Fired(ConferenceTimer.Collect));
        for (var i = 0; i < 3; i++)
        {
            foreach (var mixer in _told.Keys.ToArray()) Report(mixer, lag: 1);
            Stored();
        }

        Assert.Null(_writing);
        Assert.Empty(_unanswered);
        // Whose answer was lost with the focus asks for it again.
        Assert.All(_life.State.Participants.Keys.Where(_at.ContainsKey), who => Assert.Equal(_life.State.MixerOf(who), _at[who]));
        foreach (var (who, mixer) in _at.ToArray()) Give(new ConferenceInput.LegMoved(who, mixer));
        Assert.Empty(_life.Moves);
        for (var i = 0; i < 2; i++)
        {
            _scene.Now += TimeSpan.FromSeconds(1);
            foreach (var mixer in _told.Keys.ToArray()) Report(mixer, lag: 0);
        }

        _keys.AreAlive(_life.Keys.Epochs.Select(e => e.Epoch).Concat(_life.Keys.Ladder is { } rungs ? KeyWishes.Range(rungs.Base, rungs.Top) : []));
        foreach (var (mixer, state) in _told)
        {
            var inCharge = _life.State.IsActive && _life.State.HasMixer(mixer);
            var present = _life.State.Participants.Values.Where(m => m.Mixer == mixer.Number).Select(m => m.Participant);
            Assert.Equal(inCharge ? present.ToHashSet() : [], state.Legs.Select(l => l.Participant).ToHashSet());
        }
    }

    private IEnumerable<(ParticipantId, Ssrc)> Given => _journal.SelectMany(e => e switch
    {
        ConferenceEvent.ParticipantJoined joined => [(joined.Participant, joined.Ssrc)],
        ConferenceEvent.ParticipantMoved moved => [(moved.Participant, moved.Ssrc)],
        ConferenceEvent.MixerPlaced placed => placed.Ssrcs.Select(s => (s.Participant, s.Ssrc)),
        _ => Array.Empty<(ParticipantId, Ssrc)>(),
    });

    private ConferenceState Facts => ConferenceState.New(ConferenceScene.Room).Apply(_journal);

    private void Join(ParticipantId who)
    {
        if (_leaving.Contains(who)) return;
        _unanswered.Add(who);
        Give(new ConferenceInput.Asked(ConferenceScene.Join(who) with { Ability = new LegAbility(who.Value != "p3", who.Value != "p4", "") { IsStream = who.Value != "p1" } }));
    }

    /// <summary>The participant, told to hang up, says that it leaves.</summary>
    private void Evict(ParticipantId who)
    {
        if (!Facts.Participants.ContainsKey(who) || _leaving.Contains(who) || !_life.IsRecovered) return;
        Give(new ConferenceInput.EvictionAsked(who));
        Leave(who);
    }

    private void Leave(ParticipantId who)
    {
        _unanswered.Add(who);
        _leaving.Add(who);
        _at.Remove(who);
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(who)));
    }

    private void Stored()
    {
        if (!_life.IsRecovered) Recovered(callsLost: false);
        else if (_writing is { } batch)
        {
            Keep(batch);
            _writing = null;
            Give(new ConferenceInput.Stored());
        }
    }

    private void Keep(ImmutableArray<ConferenceEvent> batch)
    {
        _journal.AddRange(batch);
        _keys.Stored(batch);
        foreach (var left in batch.OfType<ConferenceEvent.ParticipantLeft>()) _at.Remove(left.Participant);
    }

    private void Silence()
    {
        if (_life.ReportDue > _scene.Now) _scene.Now = _life.ReportDue;
        Give(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
        if (_life.ReportDue > _scene.Now) _scene.Now = _life.ReportDue;
        Give(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
    }

    private void Fails()
    {
        if (_writing is not null || !_life.IsRecovered) Give(new ConferenceInput.JournalFailing());
    }

    private void Dies(bool batchGotIn, bool callsLost)
    {
        if (batchGotIn && _writing is { } batch)
        {
            Keep(batch);
        }

        _keys.FocusDied(callsLost);
        (_writing, _life) = (null, ConferenceLife.New(ConferenceScene.Room));
        _unanswered.Clear();
        _leaving.Clear();

        // The mixers of a process that is gone are gone as well.
        if (callsLost) _told.Clear();
        if (callsLost) _at.Clear();
        Recovered(callsLost);
    }

    private void Recovered(bool callsLost) => Give(new ConferenceInput.Recovered([.. _journal], callsLost));

    private void Report(MixerId mixer, int lag, bool sending = false) => Give(ReportOf(mixer) with
    {
        AppliedVersion = _told[mixer].Version - lag,
        Sending = sending ? [.. _told[mixer].Legs.Select(l => l.Participant)] : [],
    });

    private ConferenceInput.MixerReported ReportOf(MixerId mixer) => new(mixer, _told[mixer].Incarnation, _told[mixer].Version);

    private void Give(ConferenceInput input)
    {
        var step = ConferenceMachine.Next(_life, input, _scene.Context);
        _life = step.Life;
        foreach (var effect in step.Effects) Check(effect);
        while (_homeless.TryDequeue(out var who)) Leave(who);
        // Who was told to wait for its peer hears the mixer before.
        foreach (var who in _patient.Where(p => _life.Moves.ContainsKey(p.Value)))
            Assert.Contains(_told, t => t.Key != _at[who] && t.Value.Legs.Any(l => l.Participant == who));
        if (_life.IsRecovered) Assert.Equal(Facts.Participants.Keys.ToHashSet(), _life.State.Participants.Keys.ToHashSet());
    }

    private void Check(ConferenceEffect effect)
    {
        switch (effect)
        {
            case ConferenceEffect.Store store:
                Assert.Null(_writing);
                Assert.NotEmpty(store.Events);
                _writing = store.Events;
                break;
            case ConferenceEffect.Admit admit:
                Assert.Contains((admit.Participant, admit.Ssrc), Given);
                _unanswered.Remove(admit.Participant);
                // Who has left meanwhile may be told the mixer of then.
                if (Facts.Participants.ContainsKey(admit.Participant))
                {
                    if (_at.TryGetValue(admit.Participant, out var was) && was != admit.Mixer) _patient.Remove(admit.Participant);
                    Assert.Equal(Facts.MixerOf(admit.Participant), admit.Mixer);
                    _at[admit.Participant] = admit.Mixer;
                }

                if (admit.Epoch is { } told) _keys.Told(admit.Participant, told, admit.To);
                break;
            case ConferenceEffect.Move move:
                Assert.Equal(Facts.MixerOf(move.Participant), move.Mixer);
                Assert.True(Facts.Participants.ContainsKey(move.Participant));
                Assert.DoesNotContain(move.Participant, _leaving);
                // As a participant does: another mixer is another move, and one that need not wait does not begin to.
                if (!_at.TryGetValue(move.Participant, out var from) || from != move.Mixer) _patient.Add(move.Participant);
                if (!move.IsGentle) _patient.Remove(move.Participant);
                _at[move.Participant] = move.Mixer;
                break;
            case ConferenceEffect.OfferKey offer:
                // It goes out with where the leg is now.
                if (_at.TryGetValue(offer.Participant, out var at)) Assert.Equal(Facts.MixerOf(offer.Participant), at);
                Assert.DoesNotContain(offer.Participant, _leaving);
                _keys.Told(offer.Participant, offer.Epoch, offer.To);
                break;
            // Whose conference ended before its key was stored is told that, and nothing else.
            case ConferenceEffect.HangUp hangUp:
                _unanswered.Remove(hangUp.Participant);
                _at.Remove(hangUp.Participant);
                break;
            case ConferenceEffect.DestroyKey destroyed: _keys.Destroyed(destroyed.Epoch); break;
            case ConferenceEffect.Acknowledge acknowledged:
                Assert.False(Facts.Participants.ContainsKey(acknowledged.Participant));
                _unanswered.Remove(acknowledged.Participant);
                _leaving.Remove(acknowledged.Participant);
                _at.Remove(acknowledged.Participant);
                break;
            case ConferenceEffect.Refuse { Reason: Rejection.NoMediaCapacity } refused:
                // Who left with the same write is told, too.
                if (Facts.Participants.ContainsKey(refused.Participant) && !_leaving.Contains(refused.Participant)) _homeless.Enqueue(refused.Participant);
                break;
            case ConferenceEffect.Refuse refused: _unanswered.Remove(refused.Participant); break;
            case ConferenceEffect.Publish publish: Check(publish.State); break;
        }
    }

    private void Check(MixerState state)
    {
        var legs = state.Legs.Select(l => (l.Participant, l.Ssrc)).ToHashSet();
        if (Facts.HasMixer(state.Mixer)) Assert.All(legs, leg => Assert.Equal(leg.Ssrc, Facts.Participants[leg.Participant].Ssrc));
        // One that leaves has nobody new, and no other SSRC for anybody.
        else if (legs.Count > 0) Assert.Superset(legs, _told[state.Mixer].Legs.Select(l => (l.Participant, l.Ssrc)).ToHashSet());
        Assert.All(state.Legs, leg => Assert.DoesNotContain(leg.Participant, _leaving));
        // And some that found their successor full and are to be at another number.
        if (Facts.HasMixer(state.Mixer)) Assert.All(state.Legs, leg => Assert.Equal(state.Mixer.Number, Facts.Participants[leg.Participant].Mixer));
        Assert.Equal(Facts.Incarnation, state.Incarnation);
        _keys.Check(state);
        if (!_told.TryGetValue(state.Mixer, out var told) || state.IsNewerThan(told)) _told[state.Mixer] = state;
        else Assert.True(told.Version == state.Version && told.Incarnation == state.Incarnation && told.Legs.SequenceEqual(state.Legs));
    }
}
