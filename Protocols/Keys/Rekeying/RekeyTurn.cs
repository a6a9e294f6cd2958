using System.Collections.Immutable;

namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>One step of <see cref="RekeyMachine"/> while it is made.</summary>
internal sealed class RekeyTurn(RekeyState state, RekeyPolicy policy, TimeSpan now)
{
    /// <summary>Moves are collected: the mixer is told of all legs of one at once, and plays no sooner than its next frame of 20 ms.</summary>
    private static readonly TimeSpan MoveTick = TimeSpan.FromMilliseconds(20);

    private readonly ImmutableArray<RekeyEffect>.Builder _effects = ImmutableArray.CreateBuilder<RekeyEffect>();

    /// <summary>As it was before the step.</summary>
    public RekeyState Before { get; } = state;

    public RekeyState State { get; set; } = state;

    public RekeyPolicy Policy => policy;

    public TimeSpan Now => now;

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
    public bool IsDropped(LegKeys leg) =>
        policy.OnUndelivered == Undelivered.Drop || leg.Keying is LegKeying.GroupPlain or LegKeying.GroupBothWays or LegKeying.Switched;

    /// <summary>Whoever sends under the key that it takes puts it in use with its answer: from now on who leaves has left later (K1).</summary>
    public void SendsUnder(LegKeys leg, KeyEpoch epoch)
    {
        if (leg.Keying == LegKeying.GroupBothWays && State.Find(epoch) is { WasUsed: false } told) State = State.With(told with { WasUsed = true });
    }

    /// <summary>It says that it takes keys and does not: its own from now on.</summary>
    public void Deafen(LegKeys leg) => Isolate(leg with { Keying = LegKeying.Own, IsDeaf = true, Offered = null, OfferedTo = null });

    /// <summary>It has a key of its own again and no other. What it was ever sent it may have kept all the same (K1).</summary>
    public void BeginAnew(LegKeys leg)
    {
        var moved = leg.InUse is not null || !leg.KnowsOwnKey;
        Set(leg with
        {
            InUse = null,
            KnowsOwnKey = true,
            Confirmed = null,
            LadderTo = null,
            MovesAt = null,
            RetryAt = null,
            ShedsAt = null,
            Offered = null,
            OfferedTo = null,
            Listed = [],
        });
        if (moved) _effects.Add(new RekeyEffect.Use(leg.Participant, null) { IsAnew = true });
    }

    /// <summary>All that time and the last input have made due.</summary>
    public void Settle()
    {
        if (policy.MaxAge is { } age && State.Newest is { } old && now - old.Began >= age && State.Wanted is null && State.Last == old.Epoch)
            Demand(RekeyReason.TooOld);
        if (IsDue()) DemandWanted();
        if (State.IsSwitching || !State.Limits.IsEmpty)
        {
            SwitchingTurn.Enforce(this);
            KeyDistribution.Distribute(this);
            SwitchingTurn.SwitchOver(this);
        }
        else
        {
            OneRoundTurn.Move(this);
            OneRoundTurn.Enforce(this);
            KeyDistribution.Distribute(this);
            OneRoundTurn.LimitEpochsInUse(this);
        }

        EpochEnds.Finish(this);
        if (State.IsSwitching && IsDue()) DemandWanted();
    }

    private bool IsDue() => State is { Wanted: { } wanted, IsBusy: false }
        && (State.LastStart is not { } last || now - last >= policy.MinInterval || policy.Bypasses(wanted));

    private void DemandWanted() =>
        Demand(State.Wanted!.Value, State is { LacksSince: { } since, Stock.MayMakeOwn: true } && now - since >= OwnAfter(policy));

    private static TimeSpan AtTick(TimeSpan at) => new((at.Ticks + MoveTick.Ticks - 1) / MoveTick.Ticks * MoveTick.Ticks);

    /// <summary>Whose time has come, by one of the lists of the index.</summary>
    public List<LegKeys> Due(ImmutableSortedSet<(TimeSpan At, string Participant)> times)
    {
        var due = new List<LegKeys>();
        foreach (var (at, participant) in times)
        {
            if (at > now) break;
            due.Add(State.Legs[participant]);
        }

        return due;
    }

    /// <summary>
    /// A switch of MKI alone: it was given its own key at set-up. Without MKI it has no other key and hears nothing meanwhile. Both come back
    /// when they take a newer key.
    /// </summary>
    public void Isolate(LegKeys leg)
    {
        var moved = leg.InUse is not null;
        Set(leg with { InUse = null, MovesAt = leg.IsInGroup ? leg.MovesAt : null });
        if (moved) _effects.Add(leg.Keying == LegKeying.GroupPlain ? new RekeyEffect.Silence(leg.Participant) : new RekeyEffect.Use(leg.Participant, null));
    }
}
