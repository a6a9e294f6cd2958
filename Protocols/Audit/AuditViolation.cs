namespace ConfCluster.Protocols.Audit;

/// <summary>Which rule does not hold.</summary>
public enum AuditRule : byte
{
    /// <summary>A record cannot be read.</summary>
    Record,

    /// <summary>Changed, missing, inserted or in another order.</summary>
    Chain,

    /// <summary>Does not fit what was signed.</summary>
    Head,

    /// <summary>Times that go back: the rules that follow cannot be judged then.</summary>
    Clock,

    /// <summary>Who left before a key was put in use was never sent it, and nothing is sent after a leave.</summary>
    K1,

    /// <summary>A newcomer is sent keys only of epochs that began after its join.</summary>
    K2,

    /// <summary>Two rekeyings are at least the minimum interval apart, but for named reasons.</summary>
    K3,

    /// <summary>Each change is covered in time, and nobody is under an older key when its deadline is over.</summary>
    K4,

    /// <summary>A number names one key for ever, numbers grow, and an epoch is stored before it is sent.</summary>
    K5,

    /// <summary>Nobody is moved to a key that it did not take.</summary>
    K7,

    /// <summary>No SSRC is given twice, and a mixer that takes the place of another begins a new epoch.</summary>
    K6,
}

/// <param name="Record">Where it shows; null: nowhere in particular.</param>
/// <param name="Who">A participant; null: nobody in particular.</param>
public sealed record AuditViolation(long? Record, AuditRule Rule, string? Who, string Text)
{
    public override string ToString() => $"{Rule}: record {Record?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-"}: {Text}";
}
