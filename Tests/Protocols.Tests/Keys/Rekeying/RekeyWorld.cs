using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;

namespace ConfCluster.Protocols.Tests.Keys.Rekeying;

/// <summary>How a phone takes keys.</summary>
/// <param name="Delay">From a message to it to its answer.</param>
/// <param name="Lost">So many of its first offers are lost on the way, by turns with the word that it took one.</param>
internal sealed record Phone(LegKeying Keying, TimeSpan Delay, bool Answers = true, bool Refuses = false, int Glares = 0, bool TakesLadder = false, int Lost = 0)
{
    /// <summary>Nothing is wrong with it, so nobody else may delay it (K9).</summary>
    public bool IsGood => Answers && !Refuses && Glares == 0 && Lost == 0 && Keying != LegKeying.Own;
}

/// <summary>
/// A conference around <see cref="RekeyMachine"/> on virtual time: a journal, phones that answer, and a book of everything that was sent to
/// whom and used for whom, against which the invariants are checked. It knows nothing of how the machine decides.
/// </summary>
internal sealed class RekeyWorld(RekeyPolicy policy, TimeSpan storeDelay, KeyStock? stock = null)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(32);
    private readonly PriorityQueue<Action, (TimeSpan At, int Order)> _agenda = new();
    private readonly Dictionary<string, Phone> _phones = [];
    private readonly Dictionary<string, TimeSpan> _readySince = [];
    private readonly Dictionary<string, int> _glares = [];
    private readonly Dictionary<string, int> _lost = [];
    private readonly Dictionary<string, KeyEpoch> _joinedAfter = [];
    private readonly Dictionary<string, KeyEpoch?> _uses = [];
    private readonly Dictionary<string, HashSet<KeyEpoch>> _told = [];
    private readonly Dictionary<string, HashSet<KeyEpoch>> _took = [];
    private readonly Dictionary<KeyEpoch, TimeSpan> _began = [];
    private readonly Dictionary<KeyEpoch, TimeSpan> _stored = [];
    private readonly HashSet<KeyEpoch> _used = [];
    private readonly HashSet<KeyEpoch> _destroyed = [];
    private readonly Dictionary<string, HashSet<KeyEpoch>> _gone = [];
    private readonly List<TimeSpan> _changes = [];
    private readonly Dictionary<string, KeyEpoch> _owed = [];
    private readonly Dictionary<string, TimeSpan> _out = [];
    private readonly HashSet<KeyEpoch> _rungs = [];
    private readonly Dictionary<string, HashSet<KeyEpoch>> _listed = [];
    private readonly Dictionary<string, List<KeyEpoch>> _newest = [];
    private RekeyState _state = RekeyState.Empty with { Stock = stock };
    private int _stocked = stock?.Left ?? 0;
    private KeyEpoch _lastStored;
    private KeyEpoch _given;
    private KeyEpoch _givenStored;
    private TimeSpan? _lastStart;
    private int _order;
    private int _steps;
    private int _life;

    public TimeSpan Now { get; private set; }

    public RekeyState State => _state;

    public IReadOnlyDictionary<string, KeyEpoch?> Uses => _uses;

    public List<RekeyEffect> All { get; } = [];

    /// <summary>Somebody who took keys takes no offers, so it may have old keys to the end.</summary>
    public bool Forgetful => _phones.Values.Any(p => p.Refuses || !p.Answers);

    /// <summary>Who takes every offer and has a key from before the one that it is sent media under.</summary>
    public IEnumerable<string> Hoarders => _phones.Where(p => p.Value is { Keying: LegKeying.GroupByMki, Answers: true, Refuses: false })
        .Select(p => p.Key).Where(p => _uses[p] is { Number: > 0 } used && _listed[p].Any(e => e < used));

    /// <summary>Who takes offers that come, and is under no group key though messages were lost to it only for a while.</summary>
    public IEnumerable<string> Forlorn => _phones.Where(p => p.Value is { Keying: LegKeying.GroupByMki, Answers: true, Refuses: false, Lost: > 0 })
        .Select(p => p.Key).Where(p => _state.Newest?.Epoch is { } newest && newest > _joinedAfter[p] && _uses[p] != newest);

    /// <summary>Told of every step of the machine, for whoever keeps a book of his own.</summary>
    public Action<RekeyInput, IReadOnlyList<RekeyEffect>>? Heard { get; set; }

    /// <summary>Told that the focus was lost, before it comes back.</summary>
    public Action? Lost { get; set; }

    public void Join(string name, Phone phone)
    {
        if (_phones.ContainsKey(name)) return;
        _phones[name] = phone;
        (_glares[name], _lost[name]) = (phone.Glares, phone.Lost);
        (_uses[name], _told[name], _took[name], _listed[name], _joinedAfter[name]) = (null, [], [], [], _state.Last);
        if (policy.OnJoin && phone.Keying != LegKeying.Own) _changes.Add(Now);
        Do(new RekeyInput.Joined(name, phone.Keying, phone.TakesLadder));
    }

    public void Leave(string name, bool evicted = false)
    {
        if (!_phones.ContainsKey(name)) return;
        if (policy.OnLeave && _told[name].Count > 0) _changes.Add(Now);
        _gone[name + _order] = _told[name];
        Forget(name);
        Do(new RekeyInput.Left(name, evicted));
    }

    private void Forget(string name)
    {
        _phones.Remove(name);
        _owed.Remove(name);
        _uses.Remove(name);
        _readySince.Remove(name);
        _out.Remove(name);
    }

    /// <summary>Its mixer says so of the key that it is under at present; from then on nobody may expect it to take another.</summary>
    public void Deafen(string name)
    {
        if (!_phones.TryGetValue(name, out var phone) || _state.Find(name)?.InUse is not { Number: > 0 } epoch) return;
        if (phone.Keying == LegKeying.GroupByMki)
        {
            _phones[name] = phone with { Refuses = true };
            _out.Remove(name);
        }

        Do(new RekeyInput.Deaf(name, epoch));
        Is(phone.Keying != LegKeying.GroupByMki || _uses[name] is null, $"{name} stays deaf");
    }

    /// <summary>Its participant died with its mixer: it is told a key of its own, and what it was offered before is answered by nobody.</summary>
    public void Renew(string name)
    {
        if (!_phones.TryGetValue(name, out var phone) || phone.Keying == LegKeying.Own || _state.Find(name) is not { IsReady: true, Keying: not LegKeying.Own }) return;
        // Another phone as far as answers go that are on their way.
        _phones[name] = phone with { };
        _out.Remove(name);
        _listed[name] = [];
        _took[name] = [];
        _readySince[name] = Now;
        Do(new RekeyInput.Anew(name));
        Is(_uses[name] is null, $"{name} is sent media under {_uses[name]}, which it has no more");
    }

    /// <summary>So many keys come from whoever makes them.</summary>
    public void Supply(int keys)
    {
        if (stock is null) return;
        _stocked += keys;
        Do(new RekeyInput.Stocked(keys));
    }

    public void Demand(RekeyReason reason)
    {
        _changes.Add(Now);
        Do(new RekeyInput.Demanded(reason));
    }

    /// <summary>The focus is lost and comes back with what the journal knows; phones go on answering what they were asked before.</summary>
    public void Crash()
    {
        _life++;
        _owed.Clear();
        Lost?.Invoke();
        // An epoch that the journal does not know never began: nobody was told its key.
        _lastStart = _lastStored.Number == 0 ? null : _began[_lastStored];
        // A join is stored with the epoch that it begins, or not at all.
        foreach (var leg in _state.Legs.Values.Where(l => l.AnswerWaitsFor is not null)) Forget(leg.Participant);
        var legs = _phones.Select(p => (p.Key, p.Value.Keying, p.Value.TakesLadder)).ToList();
        _rungs.Clear();
        _given = _givenStored;
        _state = RekeyState.Recovered(legs, _lastStored, _given, Now - (_lastStart ?? Now), policy, Now);
        if (stock is { } had) _state = _state with { Stock = had with { Left = 0 } };
        _stocked = 0;
        foreach (var epoch in _began.Keys.Where(e => e > _lastStored).ToList()) _began.Remove(epoch);
        foreach (var name in _phones.Keys) (_readySince[name], _uses[name]) = (Now, _uses[name] is null && _lastStored.Number == 0 ? null : LegKeys.Forgotten);
        foreach (var (name, phone) in _phones)
        {
            _joinedAfter[name] = _lastStored;
            if (phone.Keying == LegKeying.Own) _uses[name] = null;
        }

        _changes.Clear();
        _out.Clear();
        if (_phones.Values.Any(p => p.Keying != LegKeying.Own)) Demand(RekeyReason.FocusRecovered);
    }

    public void Run(TimeSpan time)
    {
        for (var end = Now + time; ;)
        {
            var wake = RekeyMachine.WakeAt(_state, policy);
            var next = _agenda.TryPeek(out _, out var due) ? due.At : TimeSpan.MaxValue;
            if (wake is { } at && at < next) next = at;
            if (next > end)
            {
                Now = end;
                return;
            }

            _steps = next > Now ? 0 : _steps + 1;
            Is(_steps < 1000, $"time stands still: it wants to be woken at {wake} and it is {Now}");
            Now = next > Now ? next : Now;
            if (due.At <= Now && _agenda.Count > 0) _agenda.Dequeue()();
            else Do(new RekeyInput.Ticked());
        }
    }

    public void Do(RekeyInput input)
    {
        var (next, effects) = RekeyMachine.Next(_state, input, policy, Now);
        _state = next;
        Heard?.Invoke(input, effects);
        if (input is RekeyInput.Joined join && effects.OfType<RekeyEffect.Begin>().FirstOrDefault() is { } begun) _owed[join.Participant] = begun.Epoch;
        foreach (var effect in effects)
        {
            All.Add(effect);
            Note(effect);
        }

        Check();
    }

    private void Note(RekeyEffect effect)
    {
        switch (effect)
        {
            case RekeyEffect.Begin e: Begin(e); break;
            case RekeyEffect.Answer e:
                // A rung that somebody took along while its beginning was being stored is in use for nobody.
                Is(!_owed.Remove(e.Participant, out var owed) || e.Epoch >= owed || _state.Find(owed) is not { IsSpoiled: false }, $"K2: {e.Participant} is answered without {owed}, which its join began");
                var first = e.Epoch is { } told ? Tell(e.Participant, told, e.To) : [];
                _listed[e.Participant] = [.. first];
                Later(e.Participant, p =>
                {
                    _readySince[p] = Now;
                    _took[p].UnionWith(first);
                    Do(new RekeyInput.Confirmed(e.Participant));
                });
                break;
            case RekeyEffect.Offer e:
                Is(_readySince.ContainsKey(e.Participant), "an offer before the dialog is confirmed");
                var isNews = !_took[e.Participant].Contains(e.Epoch);
                var newest = _stored.Keys.Where(k => _state.Find(k) is { IsSpoiled: false }).Max();
                Is(newest == e.Epoch || !isNews && policy.Revoke == Revocation.Now, $"K8: {e.Epoch} is offered and {newest} is there");
                var leg = _state.Find(e.Participant)!;
                List<KeyEpoch> kept = leg.Keying == LegKeying.GroupPlain ? [] : leg.InUse == LegKeys.Forgotten ? [.. _listed[e.Participant]] : [.. new[] { leg.InUse, leg.Confirmed }.OfType<KeyEpoch>()];
                var offered = _newest[e.Participant] = Tell(e.Participant, e.Epoch, e.To);
                _out[e.Participant] = Now;
                var window = Math.Max(policy.MaxOffers, (int)Math.Ceiling(2 * _state.Legs.Count / policy.DistributionTimeout.TotalSeconds));
                Is(_out.Values.Count(since => Now - since < TimeSpan.FromSeconds(1)) <= window, $"more than {window} offers are out");
                Later(e.Participant, p => Reply(p, e, offered, kept));
                break;
            case RekeyEffect.Use e: Use(e); break;
            case RekeyEffect.Silence e: _uses[e.Participant] = null; break;
            case RekeyEffect.Drop e:
                _uses[e.Participant] = null;
                At(TimeSpan.Zero, () => Leave(e.Participant));
                break;
            case RekeyEffect.Retire e: Is(!_uses.ContainsValue(e.Epoch), $"{e.Epoch} is retired and in use"); break;
            case RekeyEffect.Destroy e:
                Is(!_uses.ContainsValue(e.Epoch), $"{e.Epoch} is destroyed and in use");
                _destroyed.Add(e.Epoch);
                break;
            case RekeyEffect.DropRungs e:
                for (var rung = e.From; rung <= e.To; rung = rung.Next) Is(_rungs.Remove(rung) && _destroyed.Add(rung), $"{rung} is dropped and was no rung");
                break;
            case RekeyEffect.Revoked e:
                Is(_destroyed.Contains(e.Epoch), $"{e.Epoch} is revoked and not destroyed");
                Is(_used.Contains(e.Epoch), $"{e.Epoch} is revoked and nobody was ever under it");
                var holder = _phones.Keys.FirstOrDefault(p => _listed[p].Contains(e.Epoch));
                Is(holder is null, $"{e.Epoch} is revoked and {holder} has it");
                break;
        }
    }

    private void Begin(RekeyEffect.Begin begin)
    {
        Is(!_began.ContainsKey(begin.Epoch) && (_began.Count == 0 || begin.Epoch > _began.Keys.Max()), $"K5: {begin.Epoch} is not new");
        var isRung = _rungs.Remove(begin.Epoch);
        Is(isRung || begin.Epoch > _given, $"K5: {begin.Epoch} was a rung of a ladder that is gone");
        Is(!isRung || _gone.Values.All(g => !g.Contains(begin.Epoch)), $"K1: rung {begin.Epoch} begins and somebody who left has it");
        Is(!isRung || begin.LadderTo is null, "a rung does not begin another ladder");
        if (!isRung && begin.Source == KeySource.Kms) _stocked -= 1 + (int)((begin.LadderTo ?? begin.Epoch).Number - begin.Epoch.Number);
        Is(_stocked >= 0, $"{begin.Epoch} begins without a key");
        Is(isRung || stock is null == (begin.Source == KeySource.Focus) || stock is { MayMakeOwn: true }, $"{begin.Epoch} is of another maker than the rules say");
        if (begin.Epoch > _given) _given = begin.Epoch;
        if (begin.LadderTo is { } top)
        {
            Is(top.Number - begin.Epoch.Number == policy.Ladder, "a ladder has as many rungs as the rules say");
            for (var rung = begin.Epoch.Next; rung <= top; rung = rung.Next) _rungs.Add(rung);
            _given = top;
        }

        Is(policy.Bypasses(begin.Reason) || !(Now - _lastStart < policy.MinInterval), $"K3: {begin.Epoch} begins too early");
        (_began[begin.Epoch], _lastStart) = (Now, Now);
        var life = _life;
        At(storeDelay, () =>
        {
            if (life != _life) return;
            (_stored[begin.Epoch], _lastStored) = (Now, begin.Epoch);
            if ((begin.LadderTo ?? begin.Epoch) is var given && given > _givenStored) _givenStored = given;
            Do(new RekeyInput.Stored(begin.Epoch));
        });
    }

    private List<KeyEpoch> Tell(string name, KeyEpoch epoch, KeyEpoch? to)
    {
        Is(_phones.ContainsKey(name), $"K1: {epoch} is told to somebody who left");
        Is(_stored.ContainsKey(epoch), $"{epoch} is told before it is stored");
        Is(to is null || _phones[name] is { TakesLadder: true, Keying: LegKeying.GroupByMki } && to > epoch, $"{name} cannot take rungs");
        var told = new List<KeyEpoch>();
        for (var key = epoch; key <= (to ?? epoch); key = key.Next)
        {
            Is(!_destroyed.Contains(key), $"{key} is told and destroyed");
            Is(key == epoch || _rungs.Contains(key) || _began.ContainsKey(key), $"{key} is told and is no rung");
            Is(policy.JoinKey == JoinKey.Current || key > _joinedAfter[name], $"K2: {name} is told {key}, which began before its join");
            told.Add(key);
        }

        Is(told.Count + 4 <= 14, "a list too long for a peer");
        _told[name].UnionWith(told);
        _listed[name].UnionWith(told);
        return told;
    }

    private void Use(RekeyEffect.Use use)
    {
        var name = use.Participant;
        Is(_phones.ContainsKey(name), "K1: media to somebody who left");
        _uses[name] = use.Epoch;
        if (use.Epoch is not { } epoch) return;
        Is(_took[name].Contains(epoch), $"K7: {name} did not take {epoch}");
        Is(_phones[name].Keying != LegKeying.GroupByMki || _listed[name].Contains(epoch), $"{name} is moved to {epoch}, which its SDP does not list");
        Is(!_destroyed.Contains(epoch), $"{epoch} is used and destroyed");
        if (_used.Add(epoch)) Is(_gone.Values.All(g => !g.Contains(epoch)), $"K1: somebody who left before has {epoch}");
    }

    private void Reply(string name, RekeyEffect.Offer offer, List<KeyEpoch> told, List<KeyEpoch> kept)
    {
        _out.Remove(name);
        var phone = _phones[name];
        var isLost = _lost[name]-- > 0;
        if (isLost && _lost[name] % 2 == 0) return;
        if (phone.Refuses)
        {
            Do(new RekeyInput.Refused(offer.Participant, offer.Epoch));
        }
        else if (_glares[name]-- > 0)
        {
            Do(new RekeyInput.NotNow(offer.Participant, offer.Epoch, TimeSpan.FromMilliseconds(700)));
        }
        else
        {
            _took[name].UnionWith(told);
            // An SDP takes the place of the one before; after a crash of the focus another may be on its way behind it.
            if (ReferenceEquals(told, _newest[name])) _listed[name].RemoveWhere(e => !told.Contains(e) && !kept.Contains(e));
            Is(_uses[name] is not { Number: > 0 } used || phone.Keying != LegKeying.GroupByMki || _listed[name].Contains(used), $"{name} has {_uses[name]} no more");
            if (!isLost) Do(new RekeyInput.Took(offer.Participant, offer.Epoch));
        }
    }

    private void Check()
    {
        // K4: a change older than the bound leaves nobody under a key that is older than the change.
        var horizon = Now - policy.MinInterval - policy.DistributionTimeout - storeDelay;
        var covered = _changes.Where(c => c < horizon).DefaultIfEmpty(TimeSpan.MinValue).Max();
        foreach (var (name, epoch) in _uses)
            Is(epoch is not { } e || e != LegKeys.Forgotten && _began[e] >= covered || covered == TimeSpan.MinValue, $"K4: {name} is under {epoch} after a change");

        Is(_uses.Values.OfType<KeyEpoch>().Distinct().Count() <= policy.MaxEpochsInUse, "too many epochs in use");
        // One after the other each of them may keep the rest waiting for a second.
        var late = TimeSpan.FromSeconds(policy.MaxOffers < 8 ? 1 + 8.0 / policy.MaxOffers : 1);
        if (_state.Newest is not { } newest || newest.Epoch != _state.Last || Now - _stored[newest.Epoch] < late) return;
        foreach (var (name, phone) in _phones)
        {
            if (!phone.IsGood || newest.Epoch <= _joinedAfter[name] || !_readySince.TryGetValue(name, out var ready) || Now - ready < late) continue;
            Is(_uses[name] == newest.Epoch, $"K9: {name} is under {_uses[name]} and not {newest.Epoch} {late.TotalSeconds} s after it was told");
        }
    }

    private void Later(string name, Action<string> act)
    {
        var phone = _phones[name];
        At(phone.Answers ? phone.Delay : Patience, () =>
        {
            if (!ReferenceEquals(_phones.GetValueOrDefault(name), phone)) return;
            if (phone.Answers) act(name);
            else Leave(name);
        });
    }

    private void At(TimeSpan delay, Action act) => _agenda.Enqueue(act, (Now + delay, _order++));

    private static void Is(bool holds, string what)
    {
        if (!holds) throw new InvalidOperationException(what);
    }
}
