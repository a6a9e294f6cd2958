namespace ConfCluster.Protocols.Sip.Sessions;

/// <summary>What we want of session timers (RFC 4028 §4).</summary>
/// <param name="Interval">What we ask for, and the longest that we agree to; zero: we ask for none.</param>
/// <param name="Minimum">Shortest that we agree to (RFC 4028 §5: 90 s or more).</param>
public sealed record SessionTimerPolicy(TimeSpan Interval, TimeSpan Minimum)
{
    /// <summary>We ask for none, and keep to those that peers ask for.</summary>
    public static readonly SessionTimerPolicy Passive = new(TimeSpan.Zero, SessionExpires.DefaultMinimum);
}
