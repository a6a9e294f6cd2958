namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>
/// A rekeying where the mixer opens what it is sent: each leg is moved by itself once it has taken the key, and at the deadline whoever has not is on its own
/// key or out. Where media is forwarded unopened it takes two rounds (<see cref="SwitchingTurn"/>).
/// </summary>
internal static class OneRoundTurn
{
    /// <summary>Whoever took a key, after the delay that its phone may need to install it.</summary>
    public static void Move(RekeyTurn turn)
    {
        foreach (var leg in turn.Due(turn.State.Index.Moves))
        {
            turn.Set(leg with { MovesAt = null });
            if (leg.Confirmed is not { } taken || leg.InUse >= taken || turn.State.Find(taken) is not { MayBeUsed: true } epoch) continue;
            turn.State = turn.State.With(epoch with { WasUsed = true });
            turn.Set(leg with
            {
                MovesAt = null,
                InUse = taken,
                KnowsOwnKey = leg.Keying != LegKeying.GroupPlain,
                ShedsAt = leg.Knows.IsEmpty ? null : turn.Now + turn.Policy.Grace,
            });
            turn.Say(new RekeyEffect.Use(leg.Participant, taken));
        }
    }

    /// <summary>The deadline of a change: nobody stays under an older key (K4), whatever is still on its way to the leg.</summary>
    public static void Enforce(RekeyTurn turn)
    {
        foreach (var deadline in turn.State.Deadlines)
        {
            if (deadline.At > turn.Now) continue;
            turn.State = turn.State with
            {
                Deadlines = turn.State.Deadlines.Remove(deadline),
                // Nor does anybody begin with one: a newcomer, or a leg that took it late.
                Epochs = [.. turn.State.Epochs.Select(e => e.Epoch < deadline.Epoch ? e with { IsSpoiled = true } : e)],
            };
            foreach (var leg in turn.State.Legs.Values)
            {
                if (!(leg.InUse < deadline.Epoch)) continue;
                // Who took all that it was offered is not to blame when the epoch was spoiled.
                var isLate = leg.Offered is not null || leg.RetryAt is not null || !leg.IsReady;
                if (isLate && turn.IsDropped(leg)) turn.GiveUp(leg);
                else turn.Isolate(leg);
            }
        }
    }

    /// <summary>Each epoch in use costs an encryption of every stream; who is under the oldest is on its own key.</summary>
    public static void LimitEpochsInUse(RekeyTurn turn)
    {
        while (true)
        {
            var inUse = turn.State.Index.Tallies.Where(t => t.Value.InUse > 0).Select(t => t.Key).ToList();
            if (inUse.Count <= turn.Policy.MaxEpochsInUse) return;
            foreach (var leg in turn.State.Legs.Values)
            {
                if (leg.InUse == inUse[0]) turn.Isolate(leg);
            }
        }
    }
}
