using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using Effects = System.Collections.Immutable.ImmutableArray<ConfCluster.Protocols.Conference.ConferenceEffect>.Builder;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// Keys that the KMS makes for the epochs of a conference (<see cref="GroupKeyPolicy.Source"/>): some wait here before they are needed, so that a rekeying
/// does not wait for the KMS. When there is none, it waits, which is stored, counted and told (DECISIONS 262).
/// </summary>
internal static class KeySupply
{
    /// <summary>Between two questions, when there was no answer, or one without keys.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>After that there will be no answer any more.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    /// <summary>A policy may have changed since, with the plan of a conference.</summary>
    public static RekeyState Of(RekeyState keys, GroupKeyPolicy policy)
    {
        if (policy.Source == KeySource.Focus) return keys.Stock is null ? keys : keys with { Stock = null };
        var stock = new KeyStock(keys.Stock?.Left ?? 0, policy.FallsBackToFocus);
        return keys.Stock == stock ? keys : keys with { Stock = stock };
    }

    /// <summary>For the next epoch with its ladder, and one more.</summary>
    public static ConferenceLife Ask(ConferenceLife life, Effects effects, DecisionContext context)
    {
        if (life.IsFetching || life.IsFetchLater || life.Keys.Legs.IsEmpty || context.Policy.Keys is not { IsGroup: true, Source: KeySource.Kms } policy) return life;
        var lacking = policy.Rekey.Ladder + 2 - (life.Keys.Stock?.Left ?? 0);
        if (lacking <= 0) return life;
        effects.Add(new ConferenceEffect.FetchKeys(lacking));
        effects.Add(new ConferenceEffect.Start(ConferenceTimer.Fetch, Patience));
        return life with { IsFetching = true };
    }

    public static ConferenceLife Fetched(ConferenceLife life, ConferenceInput.KeysFetched fetched, Effects effects, DecisionContext context)
    {
        if (!life.IsFetching) return life;
        life = life with { IsFetching = false };
        if (fetched.Count > 0)
        {
            if (life.HasKmsFailed) effects.Add(new ConferenceEffect.Say($"Conference {life.State.Conference}: the KMS gives group keys again."));
            effects.Add(new ConferenceEffect.Cancel(ConferenceTimer.Fetch));
            return ConferenceKeys.Next(life with { HasKmsFailed = false, HasToldLack = false }, new RekeyInput.Stocked(fetched.Count), effects, context);
        }

        // Once, and again when a rekeying waits for it.
        var isLacking = life.Keys.LacksSince is not null;
        if (!life.HasKmsFailed || isLacking && !life.HasToldLack)
        {
            var waits = isLacking ? $" A rekeying ({life.Keys.Wanted}) waits for one." : "";
            effects.Add(new ConferenceEffect.Say($"Conference {life.State.Conference}: the KMS gives no group key: {fetched.Problem}.{waits}"));
        }

        effects.Add(new ConferenceEffect.Start(ConferenceTimer.Fetch, Pause));
        return life with { IsFetchLater = true, HasKmsFailed = true, HasToldLack = isLacking };
    }

    /// <summary>The pause is over, or the answer never came.</summary>
    public static ConferenceLife Again(ConferenceLife life) => life with { IsFetching = false, IsFetchLater = false };
}
