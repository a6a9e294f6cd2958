using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys.Rekeying;

namespace ConfCluster.Protocols.Audit;

/// <summary>
/// From stored events to records. Every event of a conference has one: what is left out could be changed unseen. Names of kinds, fields and
/// values are part of the hash for ever; new fields go to the end and are left out where an event does not have them.
/// </summary>
public static class KeyChangeProjection
{
    public static KeyChangeRecord Of(long number, ConferenceEvent happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        var (what, fields) = happened switch
        {
            ConferenceEvent.Created e => ("created", [("conference", e.Conference.Value)]),
            ConferenceEvent.Planned e => ("planned", Planned(e.Plan)),
            ConferenceEvent.Taken e => ("taken", [("incarnation", Text(e.Incarnation.Number))]),
            ConferenceEvent.ParticipantJoined e => ("joined", Joined(e)),
            ConferenceEvent.ParticipantLeft e => ("left", [("participant", e.Participant.Value), ("reason", Name(e.Reason))]),
            ConferenceEvent.ParticipantMoved e => ("moved", [("participant", e.Participant.Value), ("mixer", Text(e.Mixer)), ("ssrc", e.Ssrc.ToString())]),
            ConferenceEvent.MixerPlaced e => ("mixer", Placed(e)),
            ConferenceEvent.Ended e => ("ended", [("reason", Name(e.Reason))]),
            ConferenceEvent.SsrcsReserved e => ("ssrcs", [("mixer", e.Mixer == 0 ? null : Text(e.Mixer)), .. e.Ssrcs.Select(s => ("ssrc", (string?)s.ToString()))]),
            ConferenceEvent.KeyPolicySet e => ("policy", Policy(e.Policy)),
            ConferenceEvent.KeyEpochBegan e => ("epoch", Began(e)),
            ConferenceEvent.KeyLadderMade e => ("ladder", [.. e.Rungs.SelectMany(r => r.Commitments.Select(c =>
                ("rung", (string?)$"{Text(r.Epoch.Number)} {c.Suite} {c.Digest}")))]),
            ConferenceEvent.RekeyDeferred e => ("deferred", [("reason", Name(e.Reason)), ("until", KeyChangeRecord.Text(e.Until)), ("for", e.ForKey ? "key" : null)]),
            ConferenceEvent.LegsProgressed e => ("steps", [.. e.Steps.Select(s => ("step", (string?)Step(s)))]),
            ConferenceEvent.KeyEpochPassed e => ("passed", ((string, string?)[])[("epoch", Text(e.Epoch.Number)), ("to", e.To is { } to ? Text(to.Number) : null),
                ("passage", Name(e.Passage))]),
            _ => throw new UnreachableException($"no record for {happened.GetType().Name}"),
        };
        return new KeyChangeRecord(
            number, KeyChangeRecord.Text(happened.At), what, [.. fields.Where(f => f.Item2 is not null).Select(f => new AuditField(f.Item1, f.Item2!))]);
    }

    private static (string, string?)[] Joined(ConferenceEvent.ParticipantJoined e) =>
    [
        ("participant", e.Participant.Value), ("identity", e.Identity), ("display", e.DisplayName), ("ssrc", e.Ssrc.ToString()),
        ("caller", e.Caller?.Name), ("proof", e.Caller is { } c ? Name(c.Proof) : null), ("private", e.Caller is { IsPrivate: true } ? "yes" : null),
        ("keying", Name(e.Keying)), ("protected", e.IsProtected ? "yes" : "no"),
        ("ladder", e.TakesLadder ? "yes" : null), ("mixer", e.Mixer == 0 ? null : Text(e.Mixer)),
        ("uplink", e.Uplink == default ? null : e.Uplink.ToString()), ("media", e.Media),
    ];

    /// <summary>The participant stands last, since it may be any text.</summary>
    private static (string, string?)[] Placed(ConferenceEvent.MixerPlaced e) =>
    [
        ("incarnation", Text(e.MixerIncarnation)), ("number", e.Number == 0 ? null : Text(e.Number)), ("loss", e.Loss == MixerLoss.None ? null : Name(e.Loss)),
        .. e.Ssrcs.Select(s => ("ssrc", (string?)$"{s.Ssrc} {s.Participant.Value}")),
    ];

    private static (string, string?)[] Planned(ConferencePlan plan) =>
        [("blueprint", plan.Blueprint), .. plan.Set.Select(s => ("set", (string?)s.ToString())), .. plan.Policy.Select(s => ("rule", (string?)s.ToString()))];

    private static (string, string?)[] Policy(RekeyPolicy p) =>
    [
        ("on-join", Switch(p.OnJoin)), ("on-leave", Switch(p.OnLeave)), ("min-interval", Text(p.MinInterval)),
        ("distribution-timeout", Text(p.DistributionTimeout)), ("grace", Text(p.Grace)), ("move-delay", Text(p.MoveDelay)),
        ("max-age", p.MaxAge is { } age ? Text(age) : null), ("join-key", Name(p.JoinKey)), ("on-undelivered", Name(p.OnUndelivered)),
        ("evict-bypasses-interval", Switch(p.EvictionBypassesInterval)), ("max-epochs-in-use", Text(p.MaxEpochsInUse)),
        ("ladder", p.Ladder == 0 ? null : Text(p.Ladder)), ("revoke", p.Revoke == Revocation.Lazy ? null : Name(p.Revoke)),
    ];

    private static (string, string?)[] Began(ConferenceEvent.KeyEpochBegan e) =>
    [
        ("epoch", Text(e.Epoch.Number)), ("reason", Name(e.Reason)), ("note", e.Note), ("source", e.Source == KeySource.Focus ? null : Name(e.Source)),
        .. e.Commitments.Select(c => ("commitment", (string?)$"{c.Suite} {c.Digest}")),
    ];

    /// <summary>The participant stands last, since it may be any text.</summary>
    private static string Step(LegStep s)
    {
        var epochs = s.To is { } to ? $"{Text(s.Epoch.Number)}-{Text(to.Number)}" : Text(s.Epoch.Number);
        return $"{Name(s.Kind)} {epochs} {KeyChangeRecord.Text(s.At)} {s.Participant.Value}";
    }

    private static string Switch(bool on) => on ? "on" : "off";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>In ticks of 100 ns: exact.</summary>
    private static string Text(TimeSpan time) => Text(time.Ticks);

    private static string Name<T>(T value)
        where T : struct, Enum
    {
        var name = value.ToString();
        return char.ToLowerInvariant(name[0]) + name[1..];
    }
}
