namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>
/// Timers of RFC 3261 §17 (table 4), RFC 6026 §7.1 (L) and §7.2 (M). C is RFC 3261 §16.6's three minutes, here the longest that an
/// INVITE may go without a final answer, on either side. E and F also run at the non-INVITE server: they tell where the client's have come to.
/// </summary>
public enum SipTimer : byte { A, B, C, D, E, F, G, H, I, J, K, L, M }

/// <summary>T1, T2, T4 (RFC 3261 §17.1.1.1, §17.1.2.2).</summary>
public sealed record SipTimings(TimeSpan T1, TimeSpan T2, TimeSpan T4)
{
    public static readonly SipTimings Default = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(5));

    public TimeSpan TransactionTimeout => 64 * T1;
}

/// <summary>
/// The timings of one transaction: on a reliable transport nothing is sent again and nothing has to be absorbed
/// (RFC 3261 §17.1.1.2, §17.1.2.2, §17.2.1, §17.2.2).
/// </summary>
public readonly record struct TransactionTimings(SipTimings Sip, bool IsReliable)
{
    /// <summary>How long to wait for copies of what is already answered: D, I, J and K; zero when there can be none.</summary>
    public TimeSpan ForCopies(SipTimer timer) => IsReliable ? TimeSpan.Zero : timer switch
    {
        SipTimer.I or SipTimer.K => Sip.T4,
        _ => Sip.TransactionTimeout,
    };

    /// <summary>RFC 3261 §17.1.2.2, §17.2.1: the wait doubles up to T2.</summary>
    public TimeSpan Doubled(TimeSpan wait) => 2 * wait < Sip.T2 ? 2 * wait : Sip.T2;

    /// <summary>RFC 4320 §4.1: a non-INVITE request gets its 100 when the client's timer E has grown to T2, which is after T1 + 2 T1 + 4 T1 … .</summary>
    public TimeSpan UntilNonInviteTrying => Sip.T2 > Sip.T1 ? Sip.T2 - Sip.T1 : Sip.T1;

    /// <summary>RFC 3261 §16.6 asks for more than three minutes.</summary>
    public static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(181);
}
