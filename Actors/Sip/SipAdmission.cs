using System.Globalization;
using System.Security.Cryptography;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Admission;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>What admission shows of itself.</summary>
public sealed record AdmissionView(bool IsOverloaded, int Queue, TimeSpan Lag, int Unanswered, int Dialogs, int Sources);

/// <summary>
/// The endpoint's measures of itself and of its callers, for <see cref="AdmissionRules"/> and its machines. Not a thread of its own: the
/// endpoint calls it.
/// </summary>
internal sealed class SipAdmission(AdmissionLimits limits, DialogPlaces dialogs, SipIntake intake, TimeProvider clock)
{
    private readonly SourceBuckets _buckets = new(limits.Rate, limits.MaxSources, BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)));
    private readonly HashSet<TransactionKey> _unanswered = [];
    private readonly long _zero = clock.GetTimestamp();
    private OverloadGate _gate = OverloadGate.Open;
    private TimeSpan _lag;
    private TimeSpan _shownLag;
    private TimeSpan? _lastTick;

    private TimeSpan Now => clock.GetElapsedTime(_zero);

    public AdmissionView View => new(_gate.IsClosed, intake.Waiting, _shownLag, _unanswered.Count, dialogs.Count, _buckets.Count);

    /// <summary>A message was taken that had waited so long.</summary>
    public void Waited(TimeSpan waited) => _lag = waited > _lag ? waited : _lag;

    /// <summary>Once per tick: what was measured since the last one decides until the next.</summary>
    public void Tick(TimeSpan interval)
    {
        var now = Now;
        // Ticks that waited in the queue come together: they are one measure, or the second would call the node calm.
        if (now - _lastTick < interval / 2) return;
        if (_lastTick is { } last) Waited(now - last - interval);
        _gate = _gate.Next(new LoadSample(intake.Waiting, _lag), limits.Overload, now);
        (_lastTick, _shownLag, _lag) = (now, _lag, TimeSpan.Zero);
    }

    /// <summary>Takes a token of the source. False: it has none left.</summary>
    public bool TryCharge(SipFlow flow) =>
        limits.IsExempt(flow.Remote.Address) || _buckets.TryTake(SourceKey.Of(flow.Remote.Address), Now);

    /// <summary>Null: let in.</summary>
    public AdmissionRefusal? Judge(SipFlow flow, int transactions)
    {
        var address = flow.Remote.Address;
        var ofSource = limits.IsExempt(address) ? 0 : dialogs.Of(SourceKey.Of(address));
        return AdmissionRules.Judge(new AdmissionLoad(_gate.IsClosed, _unanswered.Count, transactions, dialogs.Count, ofSource), limits);
    }

    /// <summary>A new INVITE goes to its participant.</summary>
    public void LetIn(TransactionKey key, ParticipantId participant, SipFlow flow)
    {
        _unanswered.Add(key);
        dialogs.Take(participant, SourceKey.Of(flow.Remote.Address));
    }

    /// <summary>Its final response is out, or its transaction is over.</summary>
    public void Answered(TransactionKey key) => _unanswered.Remove(key);

    /// <summary>The response of a refusal; null: none is sent.</summary>
    public TransactionEffect.Send? Refuse(SipRequest request, SipFlow flow, AdmissionRefusal refusal)
    {
        SipCounters.NotAdmitted(refusal);
        if (refusal == AdmissionRefusal.SourceTooFast && limits.IsDropping) return null;
        var (status, reason) = AdmissionRules.Status(refusal);
        SipCounters.Refused(status);
        var seconds = AdmissionRules.RetryAfter(limits, BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4)));
        var extra = SipHeaders.Empty.Append("Retry-After", seconds.ToString(CultureInfo.InvariantCulture));
        return TransactionLayer.Stateless(request, flow, status, reason, extra);
    }
}
