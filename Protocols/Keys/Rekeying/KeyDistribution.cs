namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>Who is offered a key now: whoever has nothing open, and not too many at once.</summary>
internal static class KeyDistribution
{
    /// <summary>An offer that nobody has answered for so long does not keep others waiting.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Longer than a transaction lasts (64 × T1, RFC 3261 §17.1.1.2), after which a participant has said something or is gone. It may be told the same key twice.
    /// </summary>
    public static readonly TimeSpan Lapse = TimeSpan.FromSeconds(40);

    /// <summary>
    /// Each leg that has nothing open is offered the newest, however far the others are (K8, K9); but only so many at once, that their answers do not
    /// come in one burst.
    /// </summary>
    public static void Distribute(RekeyTurn turn)
    {
        foreach (var leg in turn.Due(turn.State.Index.Retries)) turn.Set(leg with { RetryAt = null });
        foreach (var leg in turn.Due(turn.State.Index.Out)) turn.Set(leg with { SlotUntil = null });
        foreach (var leg in turn.Due(turn.State.Index.Lapses)) turn.Set(leg with { Offered = null, OfferedTo = null, IsSwitching = false });
        if (turn.State.Newest is not { } newest) return;
        var room = Room(turn);
        foreach (var (reached, participant) in turn.State.Index.Free)
        {
            if (reached >= newest.Epoch) break;
            if (room-- <= 0) return;
            Offer(turn, turn.State.Legs[participant], newest.Epoch);
        }

        foreach (var leg in turn.Due(turn.State.Index.Sheds))
        {
            // What it took last may have been given up since; it is told what it may be sent media under.
            var usable = new[] { leg.Confirmed, leg.InUse }.FirstOrDefault(e => e is { } taken && turn.State.Find(taken) is { MayBeUsed: true });
            if (usable is null || !ToldEpochs.IsStale(turn.State, leg)) turn.Set(leg with { ShedsAt = null });
            else if (room-- > 0) Offer(turn, leg, usable.Value);
            else return;
        }
    }

    private static void Offer(RekeyTurn turn, LegKeys leg, KeyEpoch epoch)
    {
        leg = ToldEpochs.Tell(turn.State, turn.Policy, leg, epoch) with { SlotUntil = turn.Now + Patience, LapsesAt = turn.Now + Lapse };
        turn.Set(leg);
        turn.SendsUnder(leg, epoch);
        turn.Say(new RekeyEffect.Offer(leg.Participant, epoch) { To = ToldEpochs.Above(leg) });
    }

    /// <summary>Somebody waits for an offer until one of those that are out is answered or given up for.</summary>
    public static bool IsHeldUp(RekeyState state, RekeyPolicy policy) =>
        state.Newest is { } newest && state.Index.Out.Count >= Window(state, policy)
        && (newest.SwitchBy is not null && newest.Phase == EpochPhase.Distributing || !state.Index.Sheds.IsEmpty
            || !state.Index.Free.IsEmpty && state.Index.Free[0].Reached < newest.Epoch);

    /// <summary>So many more may be told something now.</summary>
    public static int Room(RekeyTurn turn) => Window(turn.State, turn.Policy) - turn.State.Index.Out.Count;

    /// <summary>So many that all legs are reached in half the timeout, even if each needs the whole patience.</summary>
    private static int Window(RekeyState state, RekeyPolicy policy) =>
        Math.Max(policy.MaxOffers, (int)Math.Ceiling(state.Legs.Count * 2 * (Patience / policy.DistributionTimeout)));
}
