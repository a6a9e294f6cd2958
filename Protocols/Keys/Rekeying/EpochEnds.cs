namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>How an epoch ends: everybody is under it, nobody is any more, its grace is over, no phone has its key.</summary>
internal static class EpochEnds
{
    /// <summary>What the step that is made has brought about.</summary>
    public static void Finish(RekeyTurn turn)
    {
        foreach (var epoch in turn.State.Epochs)
        {
            if (epoch.Phase == EpochPhase.Distributing && epoch.MayBeUsed && MayHaveSettled(turn) && turn.State.Legs.Values.All(l => IsSettled(turn, l, epoch)))
            {
                turn.State = turn.State.With(epoch with { Phase = EpochPhase.Active });
                turn.Say(new RekeyEffect.Settled(epoch.Epoch, turn.Now - epoch.Began));
            }
        }

        foreach (var epoch in turn.State.Epochs)
        {
            if (epoch.Phase is EpochPhase.Prepared or EpochPhase.Retired || !IsOver(turn, epoch)) continue;
            turn.State = turn.State.With(epoch with { Phase = EpochPhase.Retired, DestroyAt = turn.Now + turn.Policy.Grace });
            turn.Say(new RekeyEffect.Retire(epoch.Epoch));
        }

        foreach (var epoch in turn.State.Epochs)
        {
            if (!(epoch.DestroyAt <= turn.Now)) continue;
            turn.State = turn.State with
            {
                Epochs = turn.State.Epochs.Remove(epoch),
                Unrevoked = turn.Policy.Revoke == Revocation.Now && epoch.WasUsed ? turn.State.Unrevoked.Add(epoch.Epoch) : turn.State.Unrevoked,
            };
            turn.Say(new RekeyEffect.Destroy(epoch.Epoch));
        }

        foreach (var epoch in turn.State.Unrevoked)
        {
            if (turn.State.Index.Of(epoch).Known > 0) continue;
            turn.State = turn.State with { Unrevoked = turn.State.Unrevoked.Remove(epoch) };
            turn.Say(new RekeyEffect.Revoked(epoch));
        }
    }

    /// <summary>All legs are looked at only after a step that can have settled an epoch.</summary>
    private static bool MayHaveSettled(RekeyTurn turn) =>
        turn.State.Uses != turn.Before.Uses || turn.State.Legs.Count != turn.Before.Legs.Count || turn.State.Deadlines != turn.Before.Deadlines
        || turn.State.Epochs != turn.Before.Epochs;

    /// <summary>After its deadline nobody is waited for.</summary>
    private static bool IsSettled(RekeyTurn turn, LegKeys leg, GroupKeyState epoch)
    {
        if (!leg.MayHold(epoch.Epoch) || leg.InUse >= epoch.Epoch) return true;
        // Whoever is told the key while others switch over is none of them.
        if (leg.Keying == LegKeying.Switched) return epoch.SwitchBy is not null && !(leg.Confirmed >= epoch.Epoch);
        return leg.InUse is null && turn.State.Deadlines.All(d => d.Epoch != epoch.Epoch);
    }

    /// <summary>
    /// Nobody is sent media under it and nobody will be. An older one that is still in use goes first: if the newest is given up, nobody is told a key
    /// that is older than one that was there (K8).
    /// </summary>
    private static bool IsOver(RekeyTurn turn, GroupKeyState epoch) =>
        (epoch.IsSpoiled || turn.State.Newest is { } newest && newest.Epoch > epoch.Epoch
            && turn.State.Epochs.All(e => e.Epoch >= epoch.Epoch || e.Phase == EpochPhase.Retired))
        && turn.State.Index.Of(epoch.Epoch) is { InUse: 0 } tally && (tally.Moving == 0 || epoch.IsSpoiled);
}
