namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>
/// The two rounds of a rekeying where media is forwarded unopened (3GPP pCR 5.3.2.1): everybody takes the key to receive with, and only then each is told to send
/// under it, so that nobody is ever forwarded what it cannot open. Who does not take it is out before the second round, and takes the key along if it was sent
/// it, so that another begins (K1); who does not follow the second is out at its end.
/// One rekeying at a time, or none would ever be finished where many come and go; a change meanwhile waits for its end.
/// </summary>
internal static class SwitchingTurn
{
    /// <summary>The deadline of a round, and the limit of what is older.</summary>
    public static void Enforce(RekeyTurn turn)
    {
        foreach (var deadline in turn.State.Deadlines.Where(d => d.At <= turn.Now))
        {
            turn.State = turn.State with { Deadlines = turn.State.Deadlines.Remove(deadline) };
            if (turn.State.Find(deadline.Epoch) is { IsSpoiled: false, SwitchBy: null })
                Drop(turn, l => l.MayHold(deadline.Epoch) && !(l.Confirmed >= deadline.Epoch));
        }

        foreach (var epoch in turn.State.Epochs.Where(e => e is { Phase: EpochPhase.Distributing, IsSpoiled: false } && e.SwitchBy <= turn.Now))
            Drop(turn, l => l.MayHold(epoch.Epoch) && l.Confirmed >= epoch.Epoch && !(l.InUse >= epoch.Epoch));

        foreach (var limit in turn.State.Limits.Where(l => l.At <= turn.Now))
        {
            turn.State = turn.State with
            {
                Limits = turn.State.Limits.Remove(limit),
                Epochs = [.. turn.State.Epochs.Select(e => e.Epoch < limit.Epoch ? e with { IsSpoiled = true } : e)],
            };
            foreach (var leg in turn.State.Legs.Values.Where(l => l.InUse < limit.Epoch)) Silence(turn, leg);
        }
    }

    /// <summary>Once everybody has a key it is in use: from the first offer of the second round on (K1).</summary>
    public static void SwitchOver(RekeyTurn turn)
    {
        foreach (var epoch in turn.State.Epochs)
        {
            if (epoch.Phase is not (EpochPhase.Distributing or EpochPhase.Active) || epoch.IsSpoiled) continue;
            if (epoch.SwitchBy is null)
            {
                if (turn.State.Legs.Values.Any(l => l.MayHold(epoch.Epoch) && !(l.Confirmed >= epoch.Epoch))) continue;
                turn.State = turn.State.With(epoch with { SwitchBy = turn.Now + turn.Policy.DistributionTimeout });
                turn.Say(new RekeyEffect.Distributed(epoch.Epoch));
            }

            var room = KeyDistribution.Room(turn);
            foreach (var leg in turn.State.Legs.Values.Where(l => l.IsFree && l.Confirmed == epoch.Epoch && !(l.InUse >= epoch.Epoch)))
            {
                if (room-- <= 0) return;
                Switch(turn, leg, epoch.Epoch);
            }
        }
    }

    /// <summary>Keys that it was sent, and that nobody has used, are of no use any more when it goes (K1).</summary>
    /// <returns>Whether there are any.</returns>
    public static bool Spoil(RekeyTurn turn, LegKeys leg)
    {
        var spoils = false;
        foreach (var epoch in turn.State.Epochs)
        {
            if (!leg.Held.Contains(epoch.Epoch) || epoch.WasUsed || epoch.IsSpoiled) continue;
            turn.State = turn.State.With(epoch with { IsSpoiled = true });
            spoils = true;
        }

        return spoils;
    }

    /// <summary>It sends under what it has taken, from its answer on.</summary>
    private static void Switch(RekeyTurn turn, LegKeys leg, KeyEpoch epoch)
    {
        leg = ToldEpochs.Tell(turn.State, turn.Policy, leg, epoch);
        turn.Set(leg with { SlotUntil = turn.Now + KeyDistribution.Patience, LapsesAt = turn.Now + KeyDistribution.Lapse, IsSwitching = true });
        turn.State = turn.State.With(turn.State.Find(epoch)! with { WasUsed = true });
        turn.Say(new RekeyEffect.Switch(leg.Participant, epoch));
    }

    private static void Drop(RekeyTurn turn, Func<LegKeys, bool> isLate)
    {
        foreach (var leg in turn.State.Legs.Values.Where(isLate).ToList()) turn.GiveUp(leg);
    }

    /// <summary>What it sends is under a key that is too old; it is heard again when it sends under the next.</summary>
    private static void Silence(RekeyTurn turn, LegKeys leg)
    {
        turn.Set(leg with { InUse = null });
        turn.Say(new RekeyEffect.Silence(leg.Participant));
    }
}
