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
        var fewest = 0;
        for (var number = 0; number < legs.Length; number++)
        {
            if (legs[number] < most) return number;
            if (legs[number] < legs[fewest]) fewest = number;
        }

        return legs.Length < MaxMixers ? legs.Length : fewest;
    }

    /// <summary>Legs of each mixer, by number.</summary>
    public static int[] Count(ConferenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var legs = new int[state.Mixers.Count];
        foreach (var member in state.Participants.Values) legs[member.Mixer]++;
        return legs;
    }
}
