using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>A book of its own about who was told which key when, against which what a conference does is checked.</summary>
internal sealed class ConferenceKeyBook
{
    private readonly HashSet<KeyEpoch> _stored = [];
    private readonly HashSet<KeyEpoch> _alive = [];
    private readonly HashSet<KeyEpoch> _destroyed = [];
    private readonly HashSet<KeyEpoch> _used = [];
    private readonly Dictionary<ParticipantId, HashSet<KeyEpoch>> _told = [];
    private readonly Dictionary<ParticipantId, HashSet<KeyEpoch>> _confirmed = [];
    private readonly Dictionary<ParticipantId, KeyEpoch> _joinedAfter = [];
    private readonly HashSet<KeyEpoch> _taken = [];
    private readonly HashSet<KeyEpoch> _rungs = [];
    private readonly Dictionary<ParticipantId, (KeyEpoch Epoch, KeyEpoch? To)> _offered = [];
    private readonly Dictionary<Ssrc, (MixerId Mixer, string Who)> _owners = [];
    private KeyEpoch _last;
    private KeyEpoch _given;

    public void Stored(IEnumerable<ConferenceEvent> batch)
    {
        foreach (var happened in batch)
        {
            switch (happened)
            {
                case ConferenceEvent.KeyEpochBegan began:
                    // K5: a number is used once, and they grow.
                    Assert.True(began.Epoch > _last);
                    Assert.True(_rungs.Remove(began.Epoch) || began.Epoch > _given);
                    Assert.DoesNotContain(began.Epoch, _taken);
                    _last = began.Epoch;
                    if (_last > _given) _given = _last;
                    _stored.Add(began.Epoch);
                    if (!_destroyed.Contains(began.Epoch)) _alive.Add(began.Epoch);
                    break;
                case ConferenceEvent.KeyLadderMade made:
                    foreach (var rung in made.Rungs)
                    {
                        Assert.True(rung.Epoch > _given);
                        _given = rung.Epoch;
                        _rungs.Add(rung.Epoch);
                        if (!_destroyed.Contains(rung.Epoch)) _alive.Add(rung.Epoch);
                    }

                    break;
                case ConferenceEvent.ParticipantJoined joined:
                    _joinedAfter[joined.Participant] = _last;
                    (_told[joined.Participant], _confirmed[joined.Participant]) = ([], []);
                    break;
                case ConferenceEvent.ParticipantLeft left:
                    // K1: what it took along and nobody was moved to may never be used.
                    _taken.UnionWith(_told.GetValueOrDefault(left.Participant, []).Where(e => !_used.Contains(e)));
                    _told.Remove(left.Participant);
                    break;
            }
        }
    }

    public void Told(ParticipantId who, KeyEpoch epoch, KeyEpoch? to)
    {
        Assert.Contains(epoch, _stored);
        Assert.Contains(epoch, _alive);
        Assert.True(to is null || to <= _given, $"{who} was told keys up to {to}, and {_given} is the last that is stored");
        // Rungs that were given up meanwhile are not there to be told.
        _told[who].UnionWith(Range((epoch, to)).Skip(1).Where(_alive.Contains));

        _offered[who] = (epoch, to);
        // K2: only what began with its join or after it.
        Assert.True(epoch > _joinedAfter[who], $"{who} was told {epoch} and joined after {_joinedAfter[who]}");
        Assert.NotEqual("p3", who.Value);
        Assert.NotEqual("p4", who.Value);
        _told[who].Add(epoch);
    }

    public ConferenceInput.KeyReported Report(ParticipantId who, LegKeyAnswer answer)
    {
        // What was told is answered once; without anything that is out it says so of no key.
        if (!_offered.Remove(who, out var offered) || !_told.TryGetValue(who, out var told) || told.Count == 0) offered = default;
        if (answer is LegKeyAnswer.Took or LegKeyAnswer.Ready && offered.Epoch.Number > 0) _confirmed[who].UnionWith(Range(offered));
        return new ConferenceInput.KeyReported(who, answer, offered.Epoch, TimeSpan.FromMilliseconds(500));
    }

    private static IEnumerable<KeyEpoch> Range((KeyEpoch Epoch, KeyEpoch? To) told)
    {
        for (var epoch = told.Epoch; epoch == told.Epoch || epoch <= told.To; epoch = epoch.Next) yield return epoch;
    }

    /// <summary>It may be while its beginning is still being stored.</summary>
    public void Destroyed(KeyEpoch epoch)
    {
        _destroyed.Add(epoch);
        _alive.Remove(epoch);
    }

    /// <summary>Every other key is destroyed.</summary>
    public void AreAlive(IEnumerable<KeyEpoch> needed) => Assert.Empty(_alive.Except(needed));

    /// <summary>Its keys are gone with it.</summary>
    public void FocusDied(bool callsLost)
    {
        _alive.Clear();
        _destroyed.Clear();
        _rungs.Clear();
        if (!callsLost) return;
        foreach (var who in _told.Keys) _told[who] = [];
    }

    public void Check(MixerState state)
    {
        Assert.All(state.Epochs, e => Assert.Contains(e, _stored));
        // K6: no two mixers send under one SSRC, whatever the key is, and no mixer two streams.
        foreach (var (ssrc, who) in state.Legs.Select(l => (l.Ssrc, l.Participant.Value)).Concat(state.SharedSsrcs.Select(s => (s, "shared"))))
        {
            _owners.TryAdd(ssrc, (state.Mixer, who));
            Assert.Equal(_owners[ssrc], (state.Mixer, who));
        }

        foreach (var leg in state.Legs)
        {
            if (leg.Key.Mode is not LegKeyMode.ByMki) continue;
            // K7, K1: it confirmed that key, and nobody who left before it came into use holds it.
            Assert.Contains(leg.Key.Epoch, _confirmed[leg.Participant]);
            Assert.DoesNotContain(leg.Key.Epoch, _taken);
            Assert.Contains(leg.Key.Epoch, state.Epochs);
            _used.Add(leg.Key.Epoch);
        }
    }
}
