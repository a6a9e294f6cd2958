using System.Collections.Immutable;
using System.Diagnostics;

namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>
/// When group keys change and who is moved to which (3GPP pCR 5.3.2.1; invariants K1 to K5 and K7 to K9 of the architecture). It holds no
/// key and sends nothing: the owner makes the keys, stores the epochs and carries the offers.
/// </summary>
public static class RekeyMachine
{
    /// <param name="now">A clock of the owner that never goes back.</param>
    public static (RekeyState State, ImmutableArray<RekeyEffect> Effects) Next(RekeyState state, RekeyInput input, RekeyPolicy policy, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(policy);
        var turn = new RekeyTurn(state, policy, now);
        switch (input)
        {
            case RekeyInput.Joined i: Join(turn, i); break;
            case RekeyInput.Left i: Leave(turn, i); break;
            case RekeyInput.Stored i: Stored(turn, i.Epoch); break;
            case RekeyInput.Demanded i: turn.Demand(i.Reason); break;
            case RekeyInput.Confirmed i when turn.State.Find(i.Participant) is { IsReady: false } leg:
                turn.Take(leg with { IsReady = true, KnowsOwnKey = leg.KnowsOwnKey || !i.TookKey }, i.TookKey ? leg.Offered : null);
                break;
            case RekeyInput.Took i when turn.State.Find(i.Participant) is { IsReady: true } leg && leg.Offered == i.Epoch: turn.Take(leg, i.Epoch); break;
            case RekeyInput.NotNow i when turn.State.Find(i.Participant) is { IsReady: true } leg && leg.Offered == i.Epoch:
                turn.Set(leg with { Offered = null, OfferedTo = null, IsSwitching = false, RetryAt = now + i.Wait });
                break;
            case RekeyInput.Refused i when turn.State.Find(i.Participant) is { IsReady: true } leg && leg.Offered == i.Epoch:
                turn.GiveUp(leg with { Offered = null, OfferedTo = null });
                break;
            case RekeyInput.Deaf i when turn.State.Find(i.Participant) is { Keying: LegKeying.GroupByMki } leg && leg.InUse == i.Epoch && i.Epoch != LegKeys.Forgotten:
                turn.Deafen(leg);
                break;
            case RekeyInput.Anew i when turn.State.Find(i.Participant) is { IsReady: true, Keying: LegKeying.GroupByMki or LegKeying.GroupPlain } leg:
                turn.BeginAnew(leg);
                break;
            case RekeyInput.Stocked i when state.Stock is { } stock: turn.State = state with { Stock = stock with { Left = stock.Left + i.Keys } }; break;
            case RekeyInput.Stocked or RekeyInput.Deaf or RekeyInput.Confirmed or RekeyInput.Took or RekeyInput.NotNow or RekeyInput.Refused or RekeyInput.Anew
                or RekeyInput.Ticked:
                break;
            default: throw new UnreachableException($"no transition for {input}");
        }

        turn.Settle();
        return (turn.State, turn.Effects);
    }

    /// <summary>When the owner must say <see cref="RekeyInput.Ticked"/> at the latest; null: nothing waits.</summary>
    public static TimeSpan? WakeAt(RekeyState state, RekeyPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(policy);
        var at = state switch
        {
            { Wanted: null } or { IsBusy: true } => null,
            { LacksSince: { } since, Stock.MayMakeOwn: true } => since + RekeyTurn.OwnAfter(policy),
            { LacksSince: not null } => null,
            _ => state.LastStart + policy.MinInterval,
        };
        foreach (var epoch in state.Epochs)
        {
            at = Earlier(at, epoch.DestroyAt);
            if (epoch is { Phase: EpochPhase.Distributing, IsSpoiled: false }) at = Earlier(at, epoch.SwitchBy);
        }

        foreach (var limit in state.Limits) at = Earlier(at, limit.At);
        foreach (var deadline in state.Deadlines) at = Earlier(at, deadline.At);
        at = Earlier(Earlier(Earlier(at, First(state.Index.Moves)), First(state.Index.Retries)), First(state.Index.Lapses));
        if (state.Newest is not null) at = Earlier(at, First(KeyDistribution.IsHeldUp(state, policy) ? state.Index.Out : state.Index.Sheds));
        if (policy.MaxAge is { } age && state is { Wanted: null, Newest: { } newest } && newest.Epoch == state.Last) at = Earlier(at, newest.Began + age);
        return at;
    }

    private static TimeSpan? First(ImmutableSortedSet<(TimeSpan At, string Participant)> times) => times.IsEmpty ? null : times[0].At;

    private static TimeSpan? Earlier(TimeSpan? a, TimeSpan? b) => a is null || b < a ? b : a;

    private static void Join(RekeyTurn turn, RekeyInput.Joined join)
    {
        if (turn.State.Find(join.Participant) is not null) return;
        var leg = new LegKeys(join.Participant, join.Keying, turn.State.Last) { TakesLadder = join is { TakesLadder: true, Keying: LegKeying.GroupByMki } };
        turn.Set(leg);
        if (leg.IsInGroup && (turn.Policy.OnJoin || turn.State.Newest is null))
        {
            var begun = turn.Demand(turn.State.Last.Number == 0 ? RekeyReason.Begun : RekeyReason.Joined);
            leg = leg with { AnswerWaitsFor = begun };
        }

        if (leg.IsInGroup && leg.AnswerWaitsFor is null && turn.Policy.JoinKey == JoinKey.Current && turn.State.Newest is { } current)
            leg = leg with { JoinedAfter = new KeyEpoch(current.Epoch.Number - 1) };
        turn.Set(leg);
        if (leg.AnswerWaitsFor is null) turn.Answer(leg);
    }

    /// <summary>A key that it was sent and nobody was sent media under is of no use any more (K1), nor are those that were to come.</summary>
    private static void Leave(RekeyTurn turn, RekeyInput.Left left)
    {
        if (turn.State.Find(left.Participant) is not { } leg) return;
        turn.State = turn.State.Without(left.Participant);
        var spoils = SwitchingTurn.Spoil(turn, leg);
        turn.Forsake(leg);
        // Whoever was never sent a group key takes none along.
        var held = !leg.Held.IsEmpty || leg.InUse is not null;
        if (spoils || held && turn.Policy.OnLeave) turn.Demand(left.Evicted ? RekeyReason.Evicted : RekeyReason.Left);
    }

    /// <summary>Numbers are stored in their order, so what a younger one overtook on its way to the journal never begins.</summary>
    private static void GiveUpBefore(RekeyTurn turn, KeyEpoch stored)
    {
        foreach (var epoch in turn.State.Epochs)
        {
            if (epoch.Epoch >= stored || epoch.Phase != EpochPhase.Prepared) continue;
            turn.State = turn.State with { Epochs = turn.State.Epochs.Remove(epoch) };
            turn.Say(new RekeyEffect.Overtaken(epoch.Epoch));
        }
    }

    private static void Stored(RekeyTurn turn, KeyEpoch stored)
    {
        if (turn.State.Find(stored) is not { Phase: EpochPhase.Prepared } epoch) return;
        turn.State = turn.State.With(epoch with { Phase = EpochPhase.Distributing });
        GiveUpBefore(turn, stored);
        foreach (var leg in turn.State.Legs.Values)
        {
            if (leg.AnswerWaitsFor <= stored) turn.Answer(leg with { AnswerWaitsFor = null });
            else if (leg.LadderTo >= stored && leg.CanClimb(stored) && !epoch.IsSpoiled) turn.Climb(leg, stored);
        }
    }
}
