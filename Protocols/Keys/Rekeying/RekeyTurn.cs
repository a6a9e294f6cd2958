using System.Collections.Immutable;

namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>One step of <see cref="RekeyMachine"/> while it is made.</summary>
internal sealed class RekeyTurn(RekeyState state, RekeyPolicy policy, TimeSpan now)
{
    /// <summary>An offer that nobody has answered for so long does not keep others waiting.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Moves are collected: the mixer is told of all legs of one at once, and plays no sooner than its next frame of 20 ms.</summary>
    private static readonly TimeSpan MoveTick = TimeSpan.FromMilliseconds(20);

    private readonly ImmutableArray<RekeyEffect>.Builder _effects = ImmutableArray.CreateBuilder<RekeyEffect>();

    private readonly RekeyState _before = state;

    public RekeyState State { get; set; } = state;

    public RekeyPolicy Policy => policy;

    public ImmutableArray<RekeyEffect> Effects => _effects.ToImmutable();

    public void Say(RekeyEffect effect) => _effects.Add(effect);

    public void Set(LegKeys leg) => State = State.With(leg);

    /// <summary>A rekeying now if the interval allows it (K3), else one at its end that covers all changes until then (K4).</summary>
    /// <param name="ofOurs">Of a key that the focus makes, whoever should.</param>
    /// <returns>The epoch that begins now; null: it waits.</returns>
    public KeyEpoch? Demand(RekeyReason reason, bool ofOurs = false)
    {
        var isEarly = State.LastStart is { } last && now - last < policy.MinInterval;
        if (State.IsBusy || isEarly && !policy.Bypasses(reason))
        {
            State = State with { Wanted = State.Wanted is null || State.IsBusy && policy.Bypasses(reason) ? reason : State.Wanted };
            return null;
        }

        // A rung costs no message to whoever has it.
        var isRung = State.Ladder?.IsLeft(State.Last) == true;
        var epoch = isRung ? State.Last.Next : State.Given.Next;
        var ladder = isRung ? State.Ladder : NewLadder(epoch);

        // The key of a rung is there already; a ladder that cannot be had stops no epoch.
        var needed = isRung || ofOurs || State.Stock is null ? 0 : ladder is null ? 1 : (int)(ladder.Top.Number - epoch.Number) + 1;
        if (State.Stock is { Left: > 0 } some && some.Left < needed) (ladder, needed) = (null, 1);
        if (State.Stock is { } stock && stock.Left < needed) return Lack(reason, epoch);
        var source = needed > 0 ? KeySource.Kms : KeySource.Focus;
        if (isRung) source = ladder!.Source;
        else if (ladder is not null) ladder = ladder with { Source = source };
        State = State with
        {
            Stock = State.Stock is { } had ? had with { Left = had.Left - needed } : null,
            LacksSince = null,
            Last = epoch,
            Ladder = ladder,
            Given = ladder is null ? epoch : ladder.Top,
            LastStart = now,
            Wanted = null,
            Epochs = State.Epochs.Add(new GroupKeyState(epoch, EpochPhase.Prepared, now, reason)),
            Deadlines = State.Deadlines.Add((epoch, now + policy.DistributionTimeout)),
            Limits = State.IsSwitching ? State.Limits.Add((epoch, now + policy.SwitchLimit)) : State.Limits,
        };
        _effects.Add(new RekeyEffect.Begin(epoch, reason) { LadderTo = isRung ? null : ladder?.Top, Source = source });
        return epoch;
    }

    /// <summary>The change has its deadline from now on, as if the epoch had begun: then nobody is left under an older key (K4).</summary>
    private KeyEpoch? Lack(RekeyReason reason, KeyEpoch epoch)
    {
        var isFirst = State.LacksSince is null;
        State = State with
        {
            Wanted = policy.Bypasses(reason) ? reason : State.Wanted ?? reason,
            LacksSince = State.LacksSince ?? now,
            Deadlines = isFirst ? State.Deadlines.Add((epoch, now + policy.DistributionTimeout)) : State.Deadlines,
        };
        return null;
    }

    /// <summary>So long a rekeying waits for a key of somebody else before the focus makes one, where it may.</summary>
    public static TimeSpan OwnAfter(RekeyPolicy policy) => policy.DistributionTimeout / 2;

    /// <summary>Only where somebody can be told it.</summary>
    private KeyLadder? NewLadder(KeyEpoch epoch) => policy.Ladder > 0 && !State.IsSwitching && State.Legs.Values.Any(l => l.TakesLadder && l.IsInGroup)
        ? new KeyLadder(epoch, new KeyEpoch(checked(epoch.Number + (uint)policy.Ladder)))
        : null;

    /// <summary>It is gone, or will be: no key that it was sent in advance comes into use.</summary>
    public void Forsake(LegKeys leg)
    {
        if (State.Ladder is not { } ladder) return;
        if (!leg.Held.Any(e => e > ladder.Base && (e > State.Last || State.Find(e) is { WasUsed: false }))) return;
        State = State with { Ladder = null };
        if (ladder.IsLeft(State.Last)) _effects.Add(new RekeyEffect.DropRungs(State.Last.Next, ladder.Top));
    }

    /// <summary>The epoch of a rung that it has: it is moved without a word.</summary>
    public void Climb(LegKeys leg, KeyEpoch epoch) => Set(leg with { Confirmed = epoch, MovesAt = AtTick(now) });

    /// <summary>The key of the newest epoch that it may hold goes into the answer of its join.</summary>
    public void Answer(LegKeys leg)
    {
        var epoch = State.Newest is { } newest && leg.MayHold(newest.Epoch) ? newest.Epoch : (KeyEpoch?)null;
        if (epoch is { } told) leg = ToldEpochs.Tell(State, policy, leg with { KnowsOwnKey = leg.Keying != LegKeying.GroupPlain }, told);
        Set(leg);
        if (epoch is { } first) SendsUnder(leg, first);
        _effects.Add(new RekeyEffect.Answer(leg.Participant, epoch) { To = ToldEpochs.Above(leg) });
    }

    /// <summary>It took a key, and is moved when that is safe. Without MKI at once: each packet under the old key would be lost (K7).</summary>
    public void Take(LegKeys leg, KeyEpoch? epoch)
    {
        if (leg is { IsSwitching: true, Offered: { } switched } && switched == epoch)
        {
            // The limit of what is older may have passed meanwhile; then nothing that it sends is forwarded.
            var mayBeUsed = State.Find(switched) is { MayBeUsed: true };
            Set(leg with { Offered = null, OfferedTo = null, Listed = [], IsSwitching = false, InUse = mayBeUsed ? switched : leg.InUse });
            if (mayBeUsed) _effects.Add(new RekeyEffect.Use(leg.Participant, switched));
            return;
        }

        var top = leg.OfferedTo;
        leg = leg with { Offered = null, OfferedTo = null, Listed = [], Knows = epoch is null ? [] : leg.Listed };
        if (epoch is { } taken)
        {
            // A rung of what it took may have begun meanwhile.
            taken = State.Epochs.LastOrDefault(e => e.MayBeUsed && e.Epoch >= taken && e.Epoch <= top)?.Epoch ?? taken;
            leg = leg with { LadderTo = top };
            if (!(leg.Confirmed >= taken) && leg.Keying == LegKeying.Switched)
                leg = leg with { Confirmed = taken, Since = leg.Since ?? taken };
            else if (!(leg.Confirmed >= taken))
                leg = leg with { Confirmed = taken, MovesAt = leg.Keying == LegKeying.GroupPlain ? now : AtTick(now + policy.MoveDelay) };
            else if (leg.ShedsAt is not null && !ToldEpochs.IsStale(State, leg))
                leg = leg with { ShedsAt = null };
        }

        Set(leg);
    }

    /// <summary>It does not take new keys: its own from now on, or out.</summary>
    public void GiveUp(LegKeys leg)
    {
        if (IsDropped(leg))
        {
            if (leg.Keying == LegKeying.Switched) SwitchingTurn.Spoil(this, leg);
            Set(leg with { InUse = null, MovesAt = null, Keying = LegKeying.Own });
            Forsake(leg);
            _effects.Add(new RekeyEffect.Drop(leg.Participant));
            return;
        }

        Isolate(leg with { Keying = LegKeying.Own });
    }

    /// <summary>Without MKI it has no other key; and what it sends under a group key cannot be put under another without its help.</summary>
    private bool IsDropped(LegKeys leg) =>
        policy.OnUndelivered == Undelivered.Drop || leg.Keying is LegKeying.GroupPlain or LegKeying.GroupBothWays or LegKeying.Switched;

    /// <summary>Whoever sends under the key that it takes puts it in use with its answer: from now on who leaves has left later (K1).</summary>
    private void SendsUnder(LegKeys leg, KeyEpoch epoch)
    {
        if (leg.Keying == LegKeying.GroupBothWays && State.Find(epoch) is { WasUsed: false } told) State = State.With(told with { WasUsed = true });
    }

    /// <summary>It says that it takes keys and does not: its own from now on.</summary>
    public void Deafen(LegKeys leg) => Isolate(leg with { Keying = LegKeying.Own, IsDeaf = true, Offered = null, OfferedTo = null });

    /// <summary>All that time and the last input have made due.</summary>
    public void Settle()
    {
        if (policy.MaxAge is { } age && State.Newest is { } old && now - old.Began >= age && State.Wanted is null && State.Last == old.Epoch)
            Demand(RekeyReason.TooOld);
        if (IsDue()) DemandWanted();
        if (State.IsSwitching || !State.Limits.IsEmpty)
        {
            SwitchingTurn.Enforce(this);
            Distribute();
            SwitchingTurn.SwitchOver(this);
        }
        else
        {
            Move();
            Enforce();
            Distribute();
            LimitEpochsInUse();
        }

        Finish();
        if (State.IsSwitching && IsDue()) DemandWanted();
    }

    private bool IsDue() => State is { Wanted: { } wanted, IsBusy: false }
        && (State.LastStart is not { } last || now - last >= policy.MinInterval || policy.Bypasses(wanted));

    private void DemandWanted() =>
        Demand(State.Wanted!.Value, State is { LacksSince: { } since, Stock.MayMakeOwn: true } && now - since >= OwnAfter(policy));

    /// <summary>
    /// Each leg that has nothing open is offered the newest, however far the others are (K8, K9); but only so many at once, that their answers do not
    /// come in one burst.
    /// </summary>
    private void Distribute()
    {
        foreach (var leg in Due(State.Index.Retries)) Set(leg with { RetryAt = null });
        foreach (var leg in Due(State.Index.Out)) Set(leg with { SlotUntil = null });
        if (State.Newest is not { } newest) return;
        var room = Window(State, policy) - State.Index.Out.Count;
        foreach (var (reached, participant) in State.Index.Free)
        {
            if (reached >= newest.Epoch) break;
            if (room-- <= 0) return;
            Offer(State.Legs[participant], newest.Epoch);
        }

        foreach (var leg in Due(State.Index.Sheds))
        {
            // What it took last may have been given up since; it is told what it may be sent media under.
            var usable = new[] { leg.Confirmed, leg.InUse }.FirstOrDefault(e => e is { } taken && State.Find(taken) is { MayBeUsed: true });
            if (usable is null || !ToldEpochs.IsStale(State, leg)) Set(leg with { ShedsAt = null });
            else if (room-- > 0) Offer(leg, usable.Value);
            else return;
        }
    }

    public TimeSpan Now => now;

    /// <summary>So many more may be told something now.</summary>
    public int Room => Window(State, policy) - State.Index.Out.Count;

    private void Offer(LegKeys leg, KeyEpoch epoch)
    {
        leg = ToldEpochs.Tell(State, policy, leg, epoch) with { SlotUntil = now + Patience };
        Set(leg);
        SendsUnder(leg, epoch);
        _effects.Add(new RekeyEffect.Offer(leg.Participant, epoch) { To = ToldEpochs.Above(leg) });
    }

    /// <summary>Somebody waits for an offer until one of those that are out is answered or given up for.</summary>
    public static bool IsHeldUp(RekeyState state, RekeyPolicy policy) =>
        state.Newest is { } newest && state.Index.Out.Count >= Window(state, policy)
        && (newest.SwitchBy is not null && newest.Phase == EpochPhase.Distributing || !state.Index.Sheds.IsEmpty
            || !state.Index.Free.IsEmpty && state.Index.Free[0].Reached < newest.Epoch);

    /// <summary>So many that all legs are reached in half the timeout, even if each needs the whole patience.</summary>
    private static int Window(RekeyState state, RekeyPolicy policy) =>
        Math.Max(policy.MaxOffers, (int)Math.Ceiling(state.Legs.Count * 2 * (Patience / policy.DistributionTimeout)));

    private static TimeSpan AtTick(TimeSpan at) => new((at.Ticks + MoveTick.Ticks - 1) / MoveTick.Ticks * MoveTick.Ticks);

    private List<LegKeys> Due(ImmutableSortedSet<(TimeSpan At, string Participant)> times)
    {
        var due = new List<LegKeys>();
        foreach (var (at, participant) in times)
        {
            if (at > now) break;
            due.Add(State.Legs[participant]);
        }

        return due;
    }

    private void Move()
    {
        foreach (var leg in Due(State.Index.Moves))
        {
            Set(leg with { MovesAt = null });
            if (leg.Confirmed is not { } taken || leg.InUse >= taken || State.Find(taken) is not { MayBeUsed: true } epoch) continue;
            State = State.With(epoch with { WasUsed = true });
            Set(leg with
            {
                MovesAt = null,
                InUse = taken,
                KnowsOwnKey = leg.Keying != LegKeying.GroupPlain,
                ShedsAt = leg.Knows.IsEmpty ? null : now + policy.Grace,
            });
            _effects.Add(new RekeyEffect.Use(leg.Participant, taken));
        }
    }

    /// <summary>The deadline of a change: nobody stays under an older key (K4), whatever is still on its way to the leg.</summary>
    private void Enforce()
    {
        foreach (var deadline in State.Deadlines)
        {
            if (deadline.At > now) continue;
            State = State with
            {
                Deadlines = State.Deadlines.Remove(deadline),
                // Nor does anybody begin with one: a newcomer, or a leg that took it late.
                Epochs = [.. State.Epochs.Select(e => e.Epoch < deadline.Epoch ? e with { IsSpoiled = true } : e)],
            };
            foreach (var leg in State.Legs.Values)
            {
                if (!(leg.InUse < deadline.Epoch)) continue;
                // Who took all that it was offered is not to blame when the epoch was spoiled.
                var isLate = leg.Offered is not null || leg.RetryAt is not null || !leg.IsReady;
                if (isLate && IsDropped(leg)) GiveUp(leg);
                else Isolate(leg);
            }
        }
    }

    /// <summary>
    /// A switch of MKI alone: it was given its own key at set-up. Without MKI it has no other key and hears nothing meanwhile. Both come back
    /// when they take a newer key.
    /// </summary>
    private void Isolate(LegKeys leg)
    {
        var moved = leg.InUse is not null;
        Set(leg with { InUse = null, MovesAt = leg.IsInGroup ? leg.MovesAt : null });
        if (moved) _effects.Add(leg.Keying == LegKeying.GroupPlain ? new RekeyEffect.Silence(leg.Participant) : new RekeyEffect.Use(leg.Participant, null));
    }

    private void LimitEpochsInUse()
    {
        while (true)
        {
            var inUse = State.Index.Tallies.Where(t => t.Value.InUse > 0).Select(t => t.Key).ToList();
            if (inUse.Count <= policy.MaxEpochsInUse) return;
            foreach (var leg in State.Legs.Values)
            {
                if (leg.InUse == inUse[0]) Isolate(leg);
            }
        }
    }

    private void Finish()
    {
        foreach (var epoch in State.Epochs)
        {
            if (epoch.Phase == EpochPhase.Distributing && epoch.MayBeUsed && MayHaveSettled() && State.Legs.Values.All(l => IsSettled(l, epoch)))
            {
                State = State.With(epoch with { Phase = EpochPhase.Active });
                _effects.Add(new RekeyEffect.Settled(epoch.Epoch, now - epoch.Began));
            }
        }

        foreach (var epoch in State.Epochs)
        {
            if (epoch.Phase is EpochPhase.Prepared or EpochPhase.Retired || !IsOver(epoch)) continue;
            State = State.With(epoch with { Phase = EpochPhase.Retired, DestroyAt = now + policy.Grace });
            _effects.Add(new RekeyEffect.Retire(epoch.Epoch));
        }

        foreach (var epoch in State.Epochs)
        {
            if (!(epoch.DestroyAt <= now)) continue;
            State = State with
            {
                Epochs = State.Epochs.Remove(epoch),
                Unrevoked = policy.Revoke == Revocation.Now && epoch.WasUsed ? State.Unrevoked.Add(epoch.Epoch) : State.Unrevoked,
            };
            _effects.Add(new RekeyEffect.Destroy(epoch.Epoch));
        }

        foreach (var epoch in State.Unrevoked)
        {
            if (State.Index.Of(epoch).Known > 0) continue;
            State = State with { Unrevoked = State.Unrevoked.Remove(epoch) };
            _effects.Add(new RekeyEffect.Revoked(epoch));
        }
    }

    /// <summary>All legs are looked at only after a step that can have settled an epoch.</summary>
    private bool MayHaveSettled() =>
        State.Uses != _before.Uses || State.Legs.Count != _before.Legs.Count || State.Deadlines != _before.Deadlines || State.Epochs != _before.Epochs;

    /// <summary>After its deadline nobody is waited for.</summary>
    private bool IsSettled(LegKeys leg, GroupKeyState epoch)
    {
        if (!leg.MayHold(epoch.Epoch) || leg.InUse >= epoch.Epoch) return true;
        // Whoever is told the key while others switch over is none of them.
        if (leg.Keying == LegKeying.Switched) return epoch.SwitchBy is not null && !(leg.Confirmed >= epoch.Epoch);
        return leg.InUse is null && State.Deadlines.All(d => d.Epoch != epoch.Epoch);
    }

    /// <summary>
    /// Nobody is sent media under it and nobody will be. An older one that is still in use goes first: if the newest is given up, nobody is told a key
    /// that is older than one that was there (K8).
    /// </summary>
    private bool IsOver(GroupKeyState epoch) =>
        (epoch.IsSpoiled || State.Newest is { } newest && newest.Epoch > epoch.Epoch && State.Epochs.All(e => e.Epoch >= epoch.Epoch || e.Phase == EpochPhase.Retired))
        && State.Index.Of(epoch.Epoch) is { InUse: 0 } tally && (tally.Moving == 0 || epoch.IsSpoiled);
}
