namespace ConfCluster.Protocols.Sip.Admission;

/// <summary>What a node measures of itself.</summary>
/// <param name="Queue">Messages that wait for the endpoint.</param>
/// <param name="Lag">How long the last ones waited, or how late its tick came, whichever is more.</param>
public readonly record struct LoadSample(int Queue, TimeSpan Lag);

/// <param name="Hold">So long a closed gate stays closed at least, and so long the node must be below half of both limits before it opens.</param>
public readonly record struct OverloadLimits(int MaxQueue, TimeSpan MaxLag, TimeSpan Hold);

/// <summary>
/// Closed while the node is overloaded: it closes at a limit and opens only after a while below half
/// of it, so it does not flap.
/// </summary>
/// <param name="CalmSince">Since when a closed gate sees less than half of the limits; null: it does not.</param>
public sealed record OverloadGate(bool IsClosed, TimeSpan? CalmSince)
{
    public static readonly OverloadGate Open = new(false, null);

    public OverloadGate Next(LoadSample sample, OverloadLimits limits, TimeSpan now)
    {
        if (sample.Queue > limits.MaxQueue || sample.Lag > limits.MaxLag) return IsClosed && CalmSince is null ? this : new OverloadGate(true, null);
        if (!IsClosed) return this;
        if (2 * sample.Queue > limits.MaxQueue || 2 * sample.Lag > limits.MaxLag) return CalmSince is null ? this : this with { CalmSince = null };
        if (CalmSince is not { } since) return this with { CalmSince = now };
        return now - since >= limits.Hold ? Open : this;
    }
}
