using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Threading.Channels;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Media;

/// <summary>
/// A thread that mixes: every 20 ms it takes its commands, drains its sockets into its mixers, and lets each mixer play and send. It owns
/// sockets and mixers; actors post commands to it and are told its reports, and no packet ever passes a mailbox. After a pause longer than
/// <see cref="LongestCatchUp"/> the ticks of the pause are left out instead of being sent in a burst.
/// </summary>
internal sealed class MediaLane : IDisposable
{
    private const int MaxCommands = 65536;

    private static readonly TimeSpan LongestCatchUp = TimeSpan.FromMilliseconds(200);

    private readonly Channel<LaneCommand> _commands = Channel.CreateBounded<LaneCommand>(
        new BoundedChannelOptions(MaxCommands) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly LaneOptions _options;
    private readonly ILaneClock _clock;
    private readonly IMediaSockets _sockets;
    private readonly LaneLegs _legs;
    private readonly LaneCounters _counters = new();
    private readonly MixerBuffers _buffers = new();
    private readonly Arrivals _arrivals;
    private readonly ConcurrentDictionary<Protocols.Conference.ConferenceId, int> _served = [];
    private readonly Thread _thread;
    private volatile bool _stopping;
    private int _places;

    public MediaLane(int number, LaneOptions options)
    {
        (Number, _options, _clock, _sockets) = (number, options, options.Clock(), options.Sockets());
        _legs = new LaneLegs(options, _sockets, _counters);
        _arrivals = new Arrivals(_sockets, _counters);
        _thread = new Thread(Run) { IsBackground = true, Name = $"media-lane-{number}" };
    }

    public int Number { get; }

    public bool IsFailed => _counters.Failed;

    public int LegCount => _counters.Legs;

    /// <summary>By which conferences are placed: legs, and a mixer as one more, so that mixers whose legs are on the way count too.</summary>
    public int Load => _counters.Legs + Volatile.Read(ref _places);

    /// <summary>Its thread has not come round for so long that conferences give it up.</summary>
    public bool IsHanging => _options.Media.SuspectAfter > TimeSpan.Zero && _counters.TickedAt is { } at && _clock.Now - at >= _options.Media.SuspectAfter;

    /// <summary>It has, or had until just now, another mixer of the same conference.</summary>
    public bool Serves(Protocols.Conference.MixerId mixer) => _served.ContainsKey(mixer.Conference);

    public LaneSnapshot Snapshot() => _counters.Snapshot(Number);

    public void Start() => _thread.Start();

    public LanePlace Place(Protocols.Conference.MixerId mixer, Action<LaneReport> report)
    {
        Interlocked.Increment(ref _places);
        _served.AddOrUpdate(mixer.Conference, 1, (_, n) => n + 1);
        return new LanePlace(this, mixer, report);
    }

    /// <summary>Once for each place.</summary>
    public void Leave(LanePlace place)
    {
        Interlocked.Decrement(ref _places);
        var served = place.Mixer.Conference;
        if (_served.AddOrUpdate(served, 0, (_, n) => n - 1) <= 0) _served.TryRemove(new(served, 0));
        Post(new LaneCommand.Remove(place));
    }

    /// <returns>False: the lane has ended, or so many commands wait that it must be hanging; its heartbeats tell.</returns>
    public bool Post(LaneCommand command) => _commands.Writer.TryWrite(command);

    public void Dispose()
    {
        _stopping = true;
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted)) End();
        else if (Thread.CurrentThread != _thread) _thread.Join(TimeSpan.FromSeconds(5));
    }

    private void Run()
    {
        try
        {
            _counters.RealTime = _clock.Prepare();
            Loop();
            End();
        }
        catch (Exception e)
        {
            // A thread has no supervisor: the actors of its mixers have, so they throw in its place.
            _counters.Failed = true;
            var places = _legs.Places();
            End();
            foreach (var place in places) place.Report(new LaneReport.Failed($"{e.GetType().Name}: {e.Message}"));
        }
    }

    private void Loop()
    {
        for (var due = _clock.Now; !_stopping; due += AudioFrame.Duration)
        {
            _clock.WaitUntil(due);
            var lateness = _clock.Now - due;
            _counters.Ticked(lateness > TimeSpan.Zero ? lateness : TimeSpan.Zero, _clock.Now);
            if (_options.Media.SuspectAfter > TimeSpan.Zero && lateness >= _options.Media.SuspectAfter) _legs.Paused();
            if (lateness > LongestCatchUp)
            {
                due += lateness;
                _counters.WasRebased();
            }

            while (_commands.Reader.TryRead(out var command)) Execute(command, due);
            Drain(due);
            _legs.Tick(due);
        }
    }

    private void Execute(LaneCommand command, TimeSpan now)
    {
        switch (command)
        {
            case LaneCommand.Add add:
                var origin = _options.WallClock.GetUtcNow() - _clock.Now;
                _legs.Add(add.Place, new ConferenceMixer(_options.Media.Mixer, RandomNumberGenerator.Fill, origin, _buffers), now);
                break;
            case LaneCommand.Break broken: broken.How(); break;
            case LaneCommand.Remove remove: _legs.Remove(remove.Place); break;
            case LaneCommand.SetState set: _legs.SetState(set.Place, set.State, now); break;
            case LaneCommand.Confirm confirm: _legs.Confirm(confirm.Place, confirm.Answer, now); break;
            case LaneCommand.Open open: _legs.Open(open); break;
            case LaneCommand.SetLeg set: _legs.SetLeg(set.Place, set.Media); break;
            case LaneCommand.SetForwarding set: _legs.SetForwarding(set.Place, set.Leg); break;
            case LaneCommand.SetGroupKey set: _legs.SetGroupKey(set.Place, set.Key); break;
            case LaneCommand.SetTrunkKeys set: _legs.SetTrunkKeys(set.Place, set.Keys); break;
            case LaneCommand.Close close: _legs.Close(close.Place, close.Participant); break;
        }
    }

    private void Drain(TimeSpan now)
    {
        _sockets.Poll();
        for (var more = true; more;)
        {
            more = _arrivals.Fill();
            _arrivals.Deliver(_legs, now);
        }
    }

    private void End()
    {
        _commands.Writer.TryComplete();
        while (_commands.Reader.TryRead(out var command)) (command as IDisposable)?.Dispose();
        _legs.Dispose();
        _sockets.Dispose();
    }
}
