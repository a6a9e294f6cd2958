namespace ConfCluster.Protocols.Sip.Resolution;

/// <summary>
/// Answers of the DNS for as long as they live (RFC 1035 §3.2.1), a bounded number of them: whoever makes us ask for many names costs us
/// answers, not memory. Time is an argument. Not thread safe.
/// </summary>
public sealed class DnsCache(int capacity)
{
    /// <summary>However long a zone promises; and how long nothing stays nothing (RFC 2308 §5 lets the zone say it; this is less).</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);
    private static readonly TimeSpan Nothing = TimeSpan.FromSeconds(10);

    private readonly Dictionary<DnsQuestion, (DnsAnswer Answer, TimeSpan Until)> _answers = [];

    public int Count => _answers.Count;

    public bool TryGet(DnsQuestion question, TimeSpan now, out DnsAnswer? answer)
    {
        var alive = _answers.TryGetValue(question, out var entry) && now < entry.Until;
        answer = alive ? entry.Answer : null;
        return alive;
    }

    public void Put(DnsAnswer answer, TimeSpan timeToLive, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(answer);
        // Nobody answered, or the zone wants it forgotten.
        if (timeToLive <= TimeSpan.Zero) return;
        var life = answer.Records.IsEmpty ? Nothing : timeToLive < Longest ? timeToLive : Longest;
        if (_answers.Count >= capacity && !_answers.ContainsKey(answer.Question)) MakeRoom(now);
        _answers[answer.Question] = (answer, now + life);
    }

    private void MakeRoom(TimeSpan now)
    {
        foreach (var dead in _answers.Where(a => a.Value.Until <= now).Select(a => a.Key).ToList()) _answers.Remove(dead);
        if (_answers.Count >= capacity) _answers.Remove(_answers.MinBy(a => a.Value.Until).Key);
    }
}
