namespace ConfCluster.Protocols.Sip.Admission;

/// <summary>What a node measures of itself.</summary>
/// <param name="Queue">Messages that wait for the endpoint.</param>
/// <param name="Lag">How long the last ones waited, or how late its tick came, whichever is more.</param>
public readonly record struct LoadSample(int Queue, TimeSpan Lag);

/// <param name="Hold">So long the lag must last to close the gate, and so long the node must be below half of both limits before it opens.</param>
public readonly record struct OverloadLimits(int MaxQueue, TimeSpan MaxLag, TimeSpan Hold);

/// <summary>
/// Closed while the node is overloaded: a queue above its limit closes it at once, a lag only when it lasts, since a single pause (a collection,
/// the compiler, a neighbour on the machine) is over when it is seen. It opens after a while below half of both, so it does not flap.
/// </summary>
/// <param name="Since">Open: since when every sample was late; closed: since when every one was calm. Null: the last one was not.</param>
public sealed record OverloadGate(bool IsClosed, TimeSpan? Since)
{
    public static readonly OverloadGate Open = new(false, null);

    private static readonly OverloadGate Closed = new(true, null);

    public OverloadGate Next(LoadSample sample, OverloadLimits limits, TimeSpan now)
    {
        var late = sample.Lag > limits.MaxLag;
        if (sample.Queue > limits.MaxQueue || IsClosed && late) return Closed;
        if (!IsClosed) return Go(late, Closed, limits, now);
        return Go(2 * sample.Queue <= limits.MaxQueue && 2 * sample.Lag <= limits.MaxLag, Open, limits, now);
    }

    /// <summary>To <paramref name="next"/> when this sample and all for <see cref="OverloadLimits.Hold"/> before it ask for it.</summary>
    private OverloadGate Go(bool asked, OverloadGate next, OverloadLimits limits, TimeSpan now)
    {
        if (!asked) return this with { Since = null };
        if (Since is not { } since) return this with { Since = now };
        return now - since >= limits.Hold ? next : this;
    }
}
