using System.Collections.Immutable;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Tests.Audit;

/// <summary>Writes events by hand, seconds after noon.</summary>
internal sealed class LogScript
{
    public const string Room = "100";
    public static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private uint _ssrc;

    public List<ConferenceEvent> Events { get; } = [];

    public ImmutableArray<KeyChangeRecord> Records => [.. Events.Select((e, i) => KeyChangeProjection.Of(i + 1, e))];

    /// <summary>Alice and Bob from the start, Carol at 20, Bob leaves at 40: three epochs, each taken by all, nothing wrong.</summary>
    public static LogScript Good()
    {
        var log = new LogScript();
        log.Add(new ConferenceEvent.Created(new ConferenceId(Room)) { At = Time(0) });
        log.Add(new ConferenceEvent.Taken(new Incarnation(1)) { At = Time(0) });
        log.Policy(RekeyPolicy.Default, 0);
        log.Join("alice", 0).Join("bob", 0).Begin(1, RekeyReason.Begun, 0);
        log.Step(0.1, ("alice", LegStepKind.Sent, 1, 0), ("bob", LegStepKind.Sent, 1, 0), ("alice", LegStepKind.Confirmed, 1, 0.05), ("bob", LegStepKind.Confirmed, 1, 0.06));
        log.Step(0.3, ("alice", LegStepKind.Moved, 1, 0.2), ("bob", LegStepKind.Moved, 1, 0.2));
        log.Pass(1, EpochPassage.Settled, 0.3);
        log.Join("carol", 20).Begin(2, RekeyReason.Joined, 20).Spread(2, 20.1, "alice", "bob", "carol");
        log.Pass(1, EpochPassage.Retired, 20.4);
        log.Leave("bob", 40).Begin(3, RekeyReason.Left, 40).Spread(3, 40.1, "alice", "carol");
        log.Leave("alice", 60).Leave("carol", 60);
        log.Add(new ConferenceEvent.Ended(EndReason.Operator) { At = Time(60) });
        return log;
    }

    public static DateTimeOffset Time(double seconds) => Noon.AddMilliseconds(seconds * 1000);

    public void Add(ConferenceEvent happened) => Events.Add(happened);

    public LogScript Policy(RekeyPolicy policy, double at)
    {
        Add(new ConferenceEvent.KeyPolicySet(policy) { At = Time(at) });
        return this;
    }

    public LogScript Join(string name, double at, LegKeying keying = LegKeying.GroupByMki)
    {
        Add(new ConferenceEvent.ParticipantJoined(new ParticipantId(name), $"sip:{name}@example.com", name, new Ssrc(++_ssrc))
        {
            At = Time(at),
            Keying = keying,
            IsProtected = true,
        });
        return this;
    }

    public LogScript Leave(string name, double at, LeaveReason reason = LeaveReason.Bye)
    {
        Add(new ConferenceEvent.ParticipantLeft(new ParticipantId(name), reason) { At = Time(at) });
        return this;
    }

    public LogScript Begin(uint epoch, RekeyReason reason, double at)
    {
        Add(new ConferenceEvent.KeyEpochBegan(new KeyEpoch(epoch), reason, [Commitment(epoch)]) { At = Time(at) });
        return this;
    }

    public LogScript Step(double at, params (string Who, LegStepKind Kind, uint Epoch, double At)[] steps)
    {
        Add(new ConferenceEvent.LegsProgressed([.. steps.Select(s => new LegStep(new ParticipantId(s.Who), s.Kind, new KeyEpoch(s.Epoch), Time(s.At)))])
        {
            At = Time(at),
        });
        return this;
    }

    public LogScript Pass(uint epoch, EpochPassage passage, double at)
    {
        Add(new ConferenceEvent.KeyEpochPassed(new KeyEpoch(epoch), passage) { At = Time(at) });
        return this;
    }

    /// <summary>Sent, taken a tenth of a second later, moved after another.</summary>
    public LogScript Spread(uint epoch, double at, params string[] names) => Step(at + 0.25,
    [
        .. names.Select(n => (n, LegStepKind.Sent, epoch, at)), .. names.Select(n => (n, LegStepKind.Confirmed, epoch, at + 0.1)),
        .. names.Select(n => (n, LegStepKind.Moved, epoch, at + 0.2)),
    ]);

    public int IndexOf<T>(Func<T, bool>? which = null)
        where T : ConferenceEvent => Events.FindIndex(e => e is T t && (which?.Invoke(t) ?? true));

    public static KeyCommitment Commitment(uint epoch) => new("AES_CM_128_HMAC_SHA1_80", epoch.ToString("x8", System.Globalization.CultureInfo.InvariantCulture).PadRight(64, 'c'));
}
