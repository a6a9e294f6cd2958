using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Admission;

/// <summary>Why a request that would begin something is not let in.</summary>
public enum AdmissionRefusal : byte
{
    /// <summary>The node is behind.</summary>
    Overloaded,

    /// <summary>So many INVITEs are still unanswered that another one would only wait.</summary>
    TooManyUnanswered,

    /// <summary>What is left is for the dialogs that are on.</summary>
    TooManyTransactions,

    TooManyDialogs,
    TooManyDialogsOfSource,

    /// <summary>Its source asks more often than it may.</summary>
    SourceTooFast,
}

/// <summary>What a node holds when a request comes.</summary>
/// <param name="IsClosed">The <see cref="OverloadGate"/>.</param>
public readonly record struct AdmissionLoad(bool IsClosed, int Unanswered, int Transactions, int Dialogs, int DialogsOfSource);

/// <param name="Rate">Per source; charged is what belongs to nothing that is running.</param>
/// <param name="MaxSources">Sources that are remembered at once.</param>
/// <param name="IsDropping">Who is too fast gets no answer at all.</param>
/// <param name="Exempt">Peers that no limit per source holds.</param>
/// <param name="MaxUnanswered">INVITEs that wait for their final response at once.</param>
/// <param name="MaxTransactionsOfNew">Above it a server transaction is not begun for a new dialog.</param>
/// <param name="RetryAfterMin">Seconds.</param>
/// <param name="RetryAfterMax">Seconds.</param>
public sealed record AdmissionLimits(
    OverloadLimits Overload, BucketRate Rate, int MaxSources, bool IsDropping, ImmutableArray<IPNetwork> Exempt, int MaxUnanswered,
    int MaxTransactionsOfNew, int MaxDialogs, int MaxDialogsPerSource, int MaxConnectionsPerSource, int RetryAfterMin, int RetryAfterMax)
{
    /// <summary>Everybody is let in; for those who need no limits.</summary>
    public static readonly AdmissionLimits None = new(
        new OverloadLimits(int.MaxValue / 2, TimeSpan.FromDays(1), TimeSpan.Zero), new BucketRate(double.MaxValue, double.MaxValue), 1, false, [],
        int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue, 1, 1);

    public bool IsExempt(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Exempt.Any(n => n.Contains(plain));
    }
}

/// <summary>Which requests admission concerns, and the one table from its refusals to statuses.</summary>
public static class AdmissionRules
{
    /// <summary>Outside of any dialog, and neither an ACK nor a CANCEL: these belong to a request that was let in.</summary>
    public static bool BeginsSomething(SipRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Headers.To.Tag is null && request.Method != SipMethod.Ack && request.Method != SipMethod.Cancel;
    }

    /// <summary>In this order: what concerns all before what concerns one source.</summary>
    public static AdmissionRefusal? Judge(in AdmissionLoad load, AdmissionLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        if (load.IsClosed) return AdmissionRefusal.Overloaded;
        if (load.Unanswered >= limits.MaxUnanswered) return AdmissionRefusal.TooManyUnanswered;
        if (load.Transactions >= limits.MaxTransactionsOfNew) return AdmissionRefusal.TooManyTransactions;
        if (load.Dialogs >= limits.MaxDialogs) return AdmissionRefusal.TooManyDialogs;
        return load.DialogsOfSource >= limits.MaxDialogsPerSource ? AdmissionRefusal.TooManyDialogsOfSource : null;
    }

    /// <summary>
    /// RFC 3261 §21.5.4: 503 where another server could do better. A source with too many calls would find no more room elsewhere, and a
    /// proxy that gets a 503 goes on to the next server: 486 (RFC 3261 §21.4.21).
    /// </summary>
    public static (int Status, string Reason) Status(AdmissionRefusal refusal) => refusal switch
    {
        AdmissionRefusal.Overloaded => (503, "Overloaded"),
        AdmissionRefusal.TooManyUnanswered => (503, "Too Many Unanswered Calls"),
        AdmissionRefusal.TooManyTransactions => (503, "Too Many Transactions"),
        AdmissionRefusal.TooManyDialogs => (503, "Too Many Calls"),
        AdmissionRefusal.TooManyDialogsOfSource => (486, "Too Many Calls From Your Address"),
        AdmissionRefusal.SourceTooFast => (503, "Too Many Requests From Your Address"),
        _ => throw new UnreachableException($"no status for {refusal}"),
    };

    /// <summary>RFC 3261 §20.33: within a range, so that those who were refused together do not return together.</summary>
    public static int RetryAfter(AdmissionLimits limits, uint random)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return limits.RetryAfterMin + (int)(random % (uint)(limits.RetryAfterMax - limits.RetryAfterMin + 1));
    }
}
