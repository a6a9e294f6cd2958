using System.Security.Cryptography;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Media;

/// <summary>
/// Steers one mixer on a media lane: hands it states and legs, and passes on what the lane reports. Keeps nothing that outlives it; the
/// conference sends its state again to a mixer that reports version 0. The rules are <see cref="MixerPlan"/>'s.
/// </summary>
public sealed class MixerEntity : UntypedActor, IWithTimers
{
    private static readonly TimeSpan ReviewInterval = TimeSpan.FromSeconds(5);
    private readonly MixerId _id;
    private readonly MediaPlane _plane;
    private readonly MediaSettings _settings;
    private readonly EntityRegions _regions;
    private readonly TimeProvider _clock;
    private readonly long _zero;
    private readonly KeptLegs _kept = new();
    private MixerPlan _plan;
    private LanePlace? _place;
    private bool _isReviewed;

    public MixerEntity(MixerId id, MediaPlane plane, MediaSettings settings, EntityRegions regions, TimeProvider clock)
    {
        (_id, _plane, _settings, _regions, _clock, _zero) = (id, plane, settings, regions, clock, clock.GetTimestamp());
        _plan = MixerPlan.Empty with { Born = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) };
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Now => _clock.GetElapsedTime(_zero);

    protected override void PreStart()
    {
        var self = Self;
        _place = _plane.Place(_id, report => self.Tell(report));
        Report(default, 0);
        Await();
    }

    protected override void PostStop()
    {
        _kept.ForgetAll();
        _place?.Dispose();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case LaneReport.Alive r: Handle(r); break;
            case SetMixerState m: Handle(m); break;
            case ConfirmMixer m: Handle(m); break;
            case LaneReport.Orphaned: EndAlone(); break;
            case OpenLeg m: Handle(m); break;
            case SetForwardedLeg m: _place!.SetForwarding(m.Leg); break;
            case SetLegMedia m when _plan.IsSwitching: Refuse(m.Media, nameof(SetLegMedia)); break;
            case SetGroupKey m when _plan.IsSwitching: Refuse(m.Key, nameof(SetGroupKey)); break;
            case SetLegMedia m: _place!.SetLeg(m.Media); break;
            case KeepLeg m when _plan.IsSwitching: m.Record.Dispose(); break;
            case KeepLeg m: _kept.Keep(m.Record, isOpen: _plan.OpenedAt.ContainsKey(m.Record.Media.Participant)); break;
            case FindLeg m: _regions.Participants.Tell(new LegFound(m.Participant, _id, _kept.CopyOf(m.Participant), !_plan.OpenedAt.ContainsKey(m.Participant))); break;
            case SetGroupKey m: Handle(m); break;
            case SetTrunkKeys m: Handle(m); break;
            case CloseLeg m: Close(m.Participant); break;
            case LaneReport.Opened r: _regions.Participants.Tell(new LegOpened(r.Participant, _id, r.Rtp, r.Rtcp)); break;
            case LaneReport.Refused r: Handle(r); break;
            case LaneReport.Repeating r: Handle(r); break;
            case LaneReport.Pressed r: Handle(r); break;
            case LaneReport.Watched r: Handle(r); break;
            case LaneReport.Failed r: throw new LaneFailedException($"the lane of mixer {_id} failed: {r.Reason}");
            case Review: Look(); break;
            default: Unhandled(message); break;
        }
    }

    private void Handle(SetMixerState message)
    {
        switch (_plan.Judge(message.State))
        {
            case StateOutcome.Apply:
                _plan = _plan.With(message.State);
                _place!.SetState(message.State);
                Await();
                break;
            case StateOutcome.Refused:
                Context.GetLogger().Warning("Mixer {0} obeys {1} and refuses {2}", _id, _plan.State!.Incarnation, message.State.Incarnation);
                Report(_plan.State.Incarnation, _plan.State.Version);
                break;
            case StateOutcome.OfAnother: Report(default, 0); break;
        }
    }

    private void Handle(ConfirmMixer message)
    {
        if (_plan.Obeys(message.Incarnation)) _place!.Confirm(message.Answer);
        else Report(_plan.State!.Incarnation, _plan.State.Version);
    }

    private void Report(Incarnation incarnation, long version) =>
        _regions.Conferences.Tell(new MixerReport(_id, incarnation, version, []) { IsPartial = true, Born = _plan.Born });

    /// <summary>Its conference is gone; the lane has closed the sockets and zeroed the keys already.</summary>
    private void EndAlone()
    {
        Context.GetLogger().Warning("Mixer {0} has heard nothing of its conference for {1} s and ends", _id, _settings.OrphanTimeout.TotalSeconds);
        Passivate();
    }

    /// <summary>Only who leads us gives keys: a former life of the conference does not.</summary>
    private void Handle(SetGroupKey message)
    {
        if (message.Incarnation < (_plan.State?.Incarnation ?? default)) message.Key.Dispose();
        else _place!.SetGroupKey(message.Key);
    }

    private void Handle(SetTrunkKeys message)
    {
        if (message.Incarnation < (_plan.State?.Incarnation ?? default)) message.Keys.Dispose();
        else _place!.SetTrunkKeys(message.Keys);
    }

    /// <summary>Media is forwarded unopened here, and nobody has any business sending a key.</summary>
    private void Refuse(IDisposable key, string what)
    {
        key.Dispose();
        Context.GetLogger().Error("Mixer {0} forwards unopened and was sent a {1}, which is zeroed and not used", _id, what);
    }

    private void Handle(OpenLeg message)
    {
        _plan = _plan.Opened(message.Participant, Now);
        _place!.Open(message.Participant, message.Family, message.Uplink);
        Await();
    }

    private void Handle(LaneReport.Refused report)
    {
        _plan = _plan.Closed(report.Participant);
        _kept.Forget(report.Participant);
        _regions.Participants.Tell(new LegRefused(report.Participant, _id, report.Reason));
    }

    /// <summary>The SDP is answered by now, so the dialog ends. The peer is not told why: whose key that is, is not for it to learn.</summary>
    private void Handle(LaneReport.Repeating report)
    {
        Context.GetLogger().Warning("Mixer {0}: {1} would send under a key of somebody else; its call ends", _id, report.Participant);
        _regions.Participants.Tell(new EndDialog(report.Participant, _id.Conference, LeaveReason.DialogFailed));
    }

    /// <summary>A leave is done when the conference hears of the version without the leg, so the last report goes out before the end.</summary>
    private void Handle(LaneReport.Alive report)
    {
        _regions.Conferences.Tell(new MixerReport(_id, report.Incarnation, report.Version, report.Legs)
        {
            IsPartial = report.IsPartial,
            Shared = report.Shared,
            Trunk = report.Trunk,
            Speaker = report.Speaker,
            Rest = report.Rest,
            Born = _plan.Born,
            Question = report.Question,
        });
        if (_plan.IsOverAt(report.Incarnation, report.Version)) Passivate();
    }

    private void Handle(LaneReport.Pressed pressed)
    {
        Context.GetLogger().Info("Mixer {0}: {1} pressed 1 key", _id, pressed.Participant);
        Context.System.EventStream.Publish(new DigitPressed(_id, pressed.Participant, pressed.Digit));
    }

    private void Handle(LaneReport.Watched report)
    {
        if (!report.IsMissing)
        {
            Context.GetLogger().Info("Mixer {0}: media comes again from {1}", _id, report.Participant);
            return;
        }

        var end = _settings.EndsWithoutMedia;
        Context.GetLogger().Warning(
            "Mixer {0}: for {1} s nothing authentic has come from {2}{3}", _id, _settings.Mixer.NoMediaAfter.TotalSeconds, report.Participant,
            end ? "; its call ends" : "");
        if (end) _regions.Participants.Tell(new EndDialog(report.Participant, _id.Conference, LeaveReason.MediaFailed));
    }

    private void Look()
    {
        foreach (var participant in _plan.Unadmitted(Now, _settings.UnadmittedLegTimeout)) Close(participant);
        if (_plan.IsIdle(Now, _settings.UnadmittedLegTimeout)) Passivate();
        Await();
    }

    /// <summary>A mixer whose legs are all admitted has nothing to look for, and no timer.</summary>
    private void Await()
    {
        if (_plan.IsWaiting == _isReviewed) return;
        _isReviewed = _plan.IsWaiting;
        if (_isReviewed) Timers.StartPeriodicTimer(Review.Instance, Review.Instance, ReviewInterval);
        else Timers.Cancel(Review.Instance);
    }

    private void Close(ParticipantId participant)
    {
        _plan = _plan.Closed(participant);
        _kept.Forget(participant);
        _place!.Close(participant);
    }

    private static void Passivate() => Context.Parent.Tell(new Passivate(PoisonPill.Instance));

    private sealed class Review
    {
        public static readonly Review Instance = new();
    }
}

/// <summary>A lane's thread ended with an exception: a bug, which the supervisor answers with a new place on another lane.</summary>
public sealed class LaneFailedException(string message) : Exception(message);
