namespace ConfCluster.Protocols.Sip.Admission;

/// <param name="PerSecond">Tokens that come in a second.</param>
/// <param name="Burst">Tokens that a full bucket holds.</param>
public readonly record struct BucketRate(double PerSecond, double Burst);

/// <summary>A token bucket: in any time t no more than burst + rate · t are taken. The default is not one; begin with <see cref="Full"/>.</summary>
public readonly record struct TokenBucket(double Tokens, TimeSpan At)
{
    public static TokenBucket Full(BucketRate rate, TimeSpan now) => new(rate.Burst, now);

    /// <summary>What it holds at that time; a clock that goes back gives nothing.</summary>
    public double Level(BucketRate rate, TimeSpan now) =>
        now <= At ? Tokens : Math.Min(rate.Burst, Tokens + (now - At).TotalSeconds * rate.PerSecond);

    /// <returns>False: empty; nothing was taken.</returns>
    public bool TryTake(BucketRate rate, TimeSpan now, out TokenBucket after)
    {
        var level = Level(rate, now);
        var at = now > At ? now : At;
        after = level >= 1 ? new TokenBucket(level - 1, at) : new TokenBucket(level, at);
        return level >= 1;
    }
}
