using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Media.Opus;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Phone;

/// <summary>
/// One thread that owns a phone: waits for its sockets, its timers and the next 20 ms on an absolute schedule, and executes effects. Time
/// counts from the start of the loop.
/// </summary>
internal sealed class PhoneLoop : IDisposable
{
    private const int MaxDatagram = 65536;

    /// <summary>How long the goodbye may take: Timer F and a little.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(34);

    private readonly SoftPhoneOptions _options;
    private readonly PhoneSockets _sockets;
    private readonly BadNetwork _network;
    private readonly PhoneAudio _audio;
    private readonly TimeProvider _clock;
    private readonly PhoneCall _call;
    private readonly PhoneMedia _media;
    private readonly Report _report;
    private SipFramer _framer = new();
    private readonly Dictionary<PhoneTimer, TimeSpan> _timers = [];
    private readonly byte[] _datagram = new byte[MaxDatagram];
    private readonly short[] _saying = new short[AudioFrame.Samples];
    private readonly short[] _hearing = new short[AudioFrame.Samples];
    private readonly List<Socket> _readable = [];
    private readonly IPEndPoint _anywhere;
    private readonly long _start;
    private TimeSpan _tick = AudioFrame.Duration;
    private bool _hungUp;
    private bool _connectionLost;
    private TimeSpan _giveUp = TimeSpan.MaxValue;
    private Task<KmsOutcome>? _resolving;

    public PhoneLoop(SoftPhoneOptions options, PhoneSettings settings, PhoneSockets sockets, PhoneAudio audio, TimeProvider clock, SecretWriter random)
    {
        (_options, _sockets, _audio, _clock) = (options, sockets, audio, clock);
        _start = clock.GetTimestamp();
        _network = new BadNetwork(sockets, options.Drop, options.Delay, () => Now);
        _call = new PhoneCall(settings, sockets.Flow, sockets.RtpAddress, sockets.RtcpAddress, random);
        _media = new PhoneMedia(new MixerSettings(3, 32, TimeSpan.FromSeconds(5)) { Codecs = SystemCodecs.Found }, random, clock.GetUtcNow(), options.FirstSequence);
        _report = new Report(options);
        _anywhere = new IPEndPoint(sockets.Flow.Local.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
    }

    /// <summary>Told of each new media before it is used.</summary>
    public Action<LegMedia>? Settled { get; init; }

    /// <summary>To other servers.</summary>
    public required PhoneWays Ways { get; init; }

    /// <summary>At the KMS; null: nobody calls with tickets.</summary>
    public Func<Ticket, Task<KmsOutcome>>? Resolve { get; init; }

    private TimeSpan Now => _clock.GetElapsedTime(_start);

    public PhoneReport Run(CancellationToken stop)
    {
        _call.Ssrc = _media.Ssrc.Value;
        if (_options.Listen is null) Do(_call.Dial(_options.Target));
        while (!_report.HasEnded && Now < _giveUp)
        {
            var due = _timers.Count == 0 ? _tick : new TimeSpan(Math.Min(_tick.Ticks, _timers.Values.Min().Ticks));
            if (_network.Release() is { } next && next < due) due = next;
            Wait(due - Now);
            Drain(_sockets.Rtp, rtcp: false);
            Drain(_sockets.Rtcp, rtcp: true);
            DrainSip();
            FireTimers();
            if (_resolving is { IsCompleted: true }) Resolved();
            if (Ways.TryTake(Now, out var way)) Reconnect(way);
            // An absolute schedule: a late tick is made up for, so that the rate is exact.
            for (; _tick <= Now && !_report.HasEnded; _tick += AudioFrame.Duration) Tick(_tick);
            if (!_hungUp && IsOver(stop)) HangUp();
        }

        return _report.Finish(_media.Statistics());
    }

    public void Dispose()
    {
        _media.Dispose();
        _call.Dispose();
        _framer.Dispose();
        Ways.Dispose();
        CryptographicOperations.ZeroMemory(_datagram);
    }

    private bool IsOver(CancellationToken stop) =>
        stop.IsCancellationRequested || Now > (_report.AnsweredAt is { } answered ? answered + _options.Duration : _options.AnswerTimeout);

    private void HangUp()
    {
        (_hungUp, _giveUp) = (true, Now + Farewell);
        _media.SayGoodbye(Now, _network);
        Do(_call.HangUp());
    }

    /// <summary>A tick goes by every 20 ms, so the answer of the KMS is looked for often enough.</summary>
    private void Resolved()
    {
        var outcome = _resolving!.GetAwaiter().GetResult();
        _resolving = null;
        using var keys = outcome.Keys;
        Do(_call.Resolved(keys, keys is null ? $"the KMS does not resolve the ticket: {outcome.Problem}" : ""));
    }

    private void Tick(TimeSpan due)
    {
        if (!_media.IsReady || _hungUp) return;
        _audio.Fill(_saying);
        _media.Tick(due, _saying, _hearing, _network);
        _audio.Keep(_hearing);
    }

    private void Wait(TimeSpan time)
    {
        _readable.Clear();
        _readable.Add(_sockets.Rtp);
        _readable.Add(_sockets.Rtcp);
        // A TLS connection has a reader of its own; what it got is looked for at every tick.
        if (!_connectionLost && _sockets.Tls is null) _readable.Add(_sockets.Sip);
        _sockets.Streams?.AddTo(_readable);
        Socket.Select(_readable, null, null, time > TimeSpan.Zero ? time : TimeSpan.Zero);
    }

    private void FireTimers()
    {
        var now = Now;
        foreach (var (timer, due) in _timers.OrderBy(t => t.Value).ToArray())
        {
            if (due > now || !_timers.Remove(timer)) continue;
            Do(_call.Fired(timer));
        }
    }

    private void Do(ImmutableArray<PhoneEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case PhoneEffect.Send send:
                    if (!_sockets.TrySend(send.Message, send.Flow) && send.Transaction is { } failed) Do(_call.TransportFailed(failed));
                    break;
                case PhoneEffect.Start start:
                    _timers[start.Timer] = Now + start.After;
                    break;
                case PhoneEffect.Cancel cancel:
                    _timers.Remove(cancel.Timer);
                    break;
                case PhoneEffect.UseMedia ignored when _options.IgnoresNewKeys && _media.IsReady: ignored.Media.Dispose(); break;
                case PhoneEffect.UseMedia use:
                    _media.Tell(use.Streams);
                    _report.Settled(use.Media);
                    Settled?.Invoke(use.Media);
                    // What was due before there was media is not made up for.
                    if (!_media.IsReady) _tick = Now;
                    _media.Use(use.Media);
                    break;
                case PhoneEffect.Reconnect when Ways.HasOthers: Ways.Begin(Now); break;
                case PhoneEffect.Resolve resolve:
                    _resolving = Resolve!(resolve.Ticket);
                    break;
                case PhoneEffect.Tell tell:
                    _report.Told(tell.Event, Now);
                    break;
            }
        }
    }

    private void Drain(Socket socket, bool rtcp)
    {
        while (TryReceive(socket, out var length, out _))
            if (!_network.Loses())
                _media.Receive(rtcp, _datagram.AsSpan(0, length), Now);
    }

    private void DrainSip()
    {
        if (_sockets.Flow.IsReliable)
        {
            DrainConnection();
            return;
        }

        _sockets.Streams?.Drain((frame, flow) => Do(_call.Receive(frame, flow)));
        while (TryReceive(_sockets.Sip, out var length, out var from)) Do(_call.Receive(_datagram.AsSpan(0, length), _sockets.Flow with { Remote = from }));
    }

    private bool TryReceive(Socket socket, out int length, out IPEndPoint from)
    {
        (length, from) = (0, _anywhere);
        EndPoint sender = _anywhere;
        try
        {
            if (!socket.Poll(TimeSpan.Zero, SelectMode.SelectRead)) return false;
            length = socket.ReceiveFrom(_datagram, ref sender);
            from = (IPEndPoint)sender;
            return true;
        }
        catch (SocketException)
        {
            // The echo of a datagram that nobody took, or one too long for us: nothing to read either way.
            return false;
        }
    }

    private void DrainConnection()
    {
        while (!_connectionLost && (_sockets.Tls?.HasMore ?? _sockets.Sip.Poll(TimeSpan.Zero, SelectMode.SelectRead)))
        {
            var length = ReceiveStream();
            if (length == 0)
            {
                LoseConnection();
                return;
            }

            _framer.Append(_datagram.AsSpan(0, length));
            SipFrameOutcome outcome;
            while ((outcome = _framer.Next(out var frame, out _)) is SipFrameOutcome.Done or SipFrameOutcome.Ping)
                if (outcome == SipFrameOutcome.Done)
                    Do(_call.Receive(frame, _sockets.Flow));
            if (outcome == SipFrameOutcome.Malformed) LoseConnection();
        }
    }

    private int ReceiveStream()
    {
        try
        {
            return _sockets.Tls?.Take(_datagram) ?? _sockets.Sip.Receive(_datagram);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    /// <summary>Every timer of a transaction ends it now: nothing can come any more.</summary>
    private void LoseConnection()
    {
        _connectionLost = true;
        foreach (var transaction in _timers.Keys.Where(t => t.Call == CallTimer.None).Select(t => t.Transaction).Distinct().ToArray())
            Do(_call.TransportFailed(transaction));
        if (_hungUp) return;
        if (Ways.HasOthers && _report.AnsweredAt is not null) Ways.Begin(Now);
        else HangUp();
    }

    /// <param name="way">Null: no server takes the call.</param>
    private void Reconnect(PhoneWay? way)
    {
        if (way is null)
        {
            if (!_hungUp) HangUp();
            return;
        }

        _sockets.Take(way);
        _framer.Dispose();
        (_framer, _connectionLost) = (new SipFramer(), false);
        Do(_call.Reconnected(way.Flow));
    }
}
