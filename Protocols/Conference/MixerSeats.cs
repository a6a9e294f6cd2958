namespace ConfCluster.Protocols.Conference;

/// <summary>
/// At which of its mixers a conference has a leg: the first with room, another one when none has any, and when there are <see cref="MaxMixers"/>, the one with
/// the fewest. So the limit is a wish and nobody is refused for it; places that become free are taken again before another mixer begins.
/// </summary>
public static class MixerSeats
{
    /// <summary>
    /// Mixers of one conference. Each sends what it hears to each other one, so their flows grow with the square of it: 56 with eight.
    /// </summary>
    public const int MaxMixers = 8;

    /// <param name="legs">Of each mixer, by number.</param>
    /// <param name="most">Legs that a mixer should have.</param>
    /// <returns>The number of the mixer; as many as there are: another one is to be placed.</returns>
    public static int Choose(ReadOnlySpan<int> legs, int most)
    {
        for (var number = 0; number < legs.Length; number++)
            if (legs[number] < most)
                return number;
        return legs.Length < MaxMixers ? legs.Length : Fewest(legs);
    }

    /// <summary>As <see cref="Choose"/>, but of those that have just had no room none.</summary>
    /// <param name="legs">Of each mixer, by number.</param>
    /// <returns>As there; null: nobody is known to have room.</returns>
    public static int? Find(ReadOnlySpan<int> legs, ConferenceState state, DecisionContext context)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(context);
        if (context.Full.IsEmpty) return Choose(legs, context.Policy.LegsPerMixer);
        int? fewest = null;
        for (var number = 0; number < legs.Length; number++)
        {
            if (context.Full.Contains(state.MixerOf(number)!.Value)) continue;
            if (legs[number] < context.Policy.LegsPerMixer) return number;
            if (fewest is not { } least || legs[number] < legs[least]) fewest = number;
        }

        return legs.Length < MaxMixers && HasRoomBeside(state, context) ? legs.Length : fewest;
    }

    /// <summary>As <see cref="Find"/>; where nobody is known to have room it asks for itself, since room comes and goes with other conferences.</summary>
    public static int ForNewcomer(ReadOnlySpan<int> legs, ConferenceState state, DecisionContext context) => Find(legs, state, context) ?? Fewest(legs);

    /// <summary>Another mixer may find room where those that it has, and those that had none, did not.</summary>
    public static bool HasRoomBeside(ConferenceState state, DecisionContext context)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(context);
        return context.HasRoomBeside(state.Mixers.Count + context.Full.Count(f => !state.HasMixer(f)));
    }

    /// <summary>Legs of each mixer, by number.</summary>
    public static int[] Count(ConferenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var legs = new int[state.Mixers.Count];
        foreach (var member in state.Participants.Values) legs[member.Mixer]++;
        return legs;
    }

    private static int Fewest(ReadOnlySpan<int> legs)
    {
        var fewest = 0;
        for (var number = 1; number < legs.Length; number++)
            if (legs[number] < legs[fewest])
                fewest = number;
        return fewest;
    }
}
