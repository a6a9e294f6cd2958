namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Notices when nothing authentic comes any more from somebody who should send. Told once each time; the time counts from when it was first
/// expected, or from the last packet.
/// </summary>
internal struct MediaWatch
{
    private TimeSpan? _since;

    /// <summary>Nothing came for too long, and nothing since.</summary>
    public bool IsMissing { get; private set; }

    /// <param name="expected">Its packets are wanted at present.</param>
    /// <param name="lastHeard">Null: never.</param>
    /// <param name="after">Zero: it is not watched.</param>
    /// <returns>True: <see cref="IsMissing"/> has changed.</returns>
    public bool Look(bool expected, TimeSpan? lastHeard, TimeSpan now, TimeSpan after)
    {
        _since = expected ? _since ?? now : null;
        var silence = _since is { } since ? now - (lastHeard is { } heard && heard > since ? heard : since) : TimeSpan.Zero;
        var missing = after > TimeSpan.Zero && expected && silence >= after;
        var changed = missing != IsMissing;
        IsMissing = missing;
        return changed;
    }
}
