namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Whether a mixer may send: a lane that was held up longer than a conference is patient may have been replaced meanwhile, so it asks first, under a number of
/// its own, since what waits to be read may be from before the pause. And whether anybody leads it at all. Pure; used by the lane's thread.
/// </summary>
/// <param name="now">When the mixer began.</param>
public sealed class MixerLease(TimeSpan now)
{
    private long _pauses;
    private TimeSpan _heard = now;

    /// <summary>Nothing may be sent.</summary>
    public bool IsSuspended { get; private set; }

    /// <summary>What is asked with each report until it is answered; 0: nothing.</summary>
    public long Question => IsSuspended ? _pauses : 0;

    /// <summary>Its ticks were held up for longer than its conference waits for a report.</summary>
    public void Paused()
    {
        _pauses++;
        IsSuspended = true;
    }

    /// <summary>Its conference has said something.</summary>
    public void Heard(TimeSpan now) => _heard = now;

    /// <summary>Its conference has said that it is in charge.</summary>
    /// <param name="answer">The number under which that was asked; 0: nobody asked.</param>
    public void Confirmed(long answer, TimeSpan now)
    {
        Heard(now);
        if (answer == _pauses) IsSuspended = false;
    }

    /// <param name="timeout">Zero: never.</param>
    public bool IsOrphaned(TimeSpan now, TimeSpan timeout) => timeout > TimeSpan.Zero && now - _heard >= timeout;
}
