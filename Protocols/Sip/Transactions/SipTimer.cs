namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>Timers of RFC 3261 §17 (table 4), RFC 6026 §7.1 (L) and §7.2 (M).</summary>
public enum SipTimer : byte { A, B, D, E, F, G, H, I, J, K, L, M }

/// <summary>T1, T2, T4 (RFC 3261 §17.1.1.1, §17.1.2.2).</summary>
public sealed record SipTimings(TimeSpan T1, TimeSpan T2, TimeSpan T4)
{
    public static readonly SipTimings Default = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(5));

    public TimeSpan TransactionTimeout => 64 * T1;
}
