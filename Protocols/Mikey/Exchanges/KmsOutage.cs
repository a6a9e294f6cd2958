namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>
/// Whether a KMS that could not be reached is asked again: not for a while, then by one question alone until it has answered. So a KMS that is away costs one
/// call its patience, not every call. One owner; time is an argument.
/// </summary>
/// <param name="pause">From a failure on.</param>
public sealed class KmsOutage(TimeSpan pause)
{
    private TimeSpan? _until;
    private bool _isTrying;

    /// <summary>It could not be reached when it was asked last.</summary>
    public bool IsAway => _until is not null;

    /// <summary>True: ask, and tell <see cref="Answered"/> what came of it.</summary>
    public bool MayAsk(TimeSpan now)
    {
        if (_until is not { } until) return true;
        if (now < until || _isTrying) return false;
        _isTrying = true;
        return true;
    }

    /// <summary>Of any question, whoever asked it.</summary>
    public void Answered(bool isUnreachable, TimeSpan now)
    {
        _isTrying = false;
        _until = isUnreachable ? now + pause : null;
    }
}
