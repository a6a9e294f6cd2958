using System.Collections.Immutable;
using System.Security.Cryptography;
using ConfCluster.Actors.Media;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Phone.Load;

/// <summary>
/// One phone of a load, driven by the load's thread: two sockets of the common set, SIP on one, RTP and RTCP on the other (RFC 5761). Over TCP its SIP has a
/// connection in place of the one.
/// </summary>
internal sealed class LoadPhone : IMediaSink, IDisposable
{
    private static readonly MixerSettings Audio = new(3, 50, TimeSpan.FromSeconds(5));

    private readonly IMediaSockets _sockets;
    private readonly PhoneTicket? _ticket;
    private readonly LoadConnection? _connection;
    private readonly SipFlow _flow;
    private readonly PhoneCall _call;
    private readonly PhoneMedia _media;
    private readonly ToneGenerator? _tone;
    private readonly double _loudness;
    private readonly Dictionary<PhoneTimer, TimeSpan> _timers = [];
    private readonly ToneCheck? _check;
    private TimeSpan _dialledAt;
    private TimeSpan? _answeredAt;
    private TimeSpan? _hungUpAt;
    private PhoneStatistics? _heard;
    private PhoneEvent.Ended? _end;
    private string? _wrong;
    private bool _isCut;
    private ulong _slips;
    private TimeSpan _due = TimeSpan.MaxValue;

    /// <param name="ticket">Taken over; null: its keys are in a=crypto.</param>
    /// <param name="talker">Number of its tone; -1: it sends silence.</param>
    public LoadPhone(LoadOptions options, PhoneTicket? ticket, IMediaSockets sockets, LoadPorts ports, int talker, bool checks, DateTimeOffset origin)
    {
        (_sockets, _ticket, Talker) = (sockets, ticket, talker);
        (RtpHandle, var rtp) = ports.Take();
        if (options.Transport == SipTransport.Tcp)
        {
            _connection = ports.Connect(options.Server);
            _flow = _connection.Flow;
        }
        else
        {
            (var handle, var sip) = ports.Take();
            (SipHandle, _flow) = (handle, new SipFlow(SipTransport.Udp, sip.ToEndPoint(), options.Server));
        }

        var settings = PhoneSettings.Default with { UseMki = options.UseMki, Identity = SipUri.Sip("load", options.Server.Address.ToString()) };
        if (ticket is not null) settings = settings with { Ticket = ticket, UseMki = true, Identity = options.Kms!.Identity, Suites = [SrtpProfile.Usual[0]] };
        _call = new PhoneCall(settings, _flow, rtp, rtp, RandomNumberGenerator.Fill);
        _media = new PhoneMedia(Audio, RandomNumberGenerator.Fill, origin);
        _call.Ssrc = _media.Ssrc.Value;
        _tone = talker >= 0 ? new ToneGenerator(ToneCheck.Hertz(talker)) : null;
        _loudness = 3.0 / Math.Max(3, options.Talkers);
        _check = checks ? new ToneCheck(options.Talkers, talker) : null;
    }

    /// <summary>Null: it has a connection.</summary>
    public int? SipHandle { get; }

    public int RtpHandle { get; }

    /// <summary>Number of its conference.</summary>
    public int Conference { get; init; }

    /// <summary>Number of its tone in its conference; -1: it sends silence.</summary>
    public int Talker { get; }

    public bool Checks => _check is not null;

    public bool IsIn => _answeredAt is not null && _end is null && _hungUpAt is null;

    public bool IsSettled => _answeredAt is not null || _end is not null;

    public bool HasEnded => _end is not null;

    public bool IsLeaving => _hungUpAt is not null;

    public void Dial(SipUri target, TimeSpan now)
    {
        _dialledAt = now;
        Do(_call.Dial(target), now);
    }

    public void HangUp(TimeSpan now)
    {
        _hungUpAt = now;
        _heard = _media.Statistics();
        _media.SayGoodbye(now, this);
        Do(_call.HangUp(), now);
    }

    public void ReceiveSip(ReadOnlySpan<byte> datagram, in MediaAddress from, TimeSpan now) =>
        Do(_call.Receive(datagram, _flow with { Remote = from.ToEndPoint() }), now);

    /// <summary>What came over its connection, if it has one.</summary>
    /// <param name="piece">Room for what one read yields.</param>
    public void DrainConnection(byte[] piece, TimeSpan now)
    {
        if (_connection is null || _isCut || _connection.TryDrain(piece, frame => Do(_call.Receive(frame, _flow), now))) return;
        (_isCut, _wrong) = (true, "the connection was lost");
        // Nothing can come any more, so every timer of a transaction ends it now.
        foreach (var transaction in _timers.Keys.Where(t => t.Call == CallTimer.None).Select(t => t.Transaction).Distinct().ToArray())
            Do(_call.TransportFailed(transaction), now);
        if (_end is null && !IsLeaving) HangUp(now);
    }

    public void ReceiveMedia(Span<byte> packet, TimeSpan now) => _media.Receive(rtcp: false, packet, now);

    /// <param name="isComplete">All talkers are in and have been for a while, so what is heard can be judged.</param>
    public void Tick(TimeSpan now, Span<short> saying, Span<short> hearing, bool isComplete)
    {
        if (now >= _due) Fire(now);
        if (!_media.IsReady || _hungUpAt is not null || _end is not null) return;
        if (_tone is null) saying.Clear();
        else Say(saying);
        _media.Tick(now, saying, hearing, this);
        if (_check is null) return;
        if (isComplete) _check.Hear(hearing, _media.Slips > _slips);
        else _check.Restart();
        _slips = _media.Slips;
    }

    public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to) => _sockets.Send(RtpHandle, packet, to);

    public LegOutcome Outcome(TimeSpan now)
    {
        var failure = _answeredAt is null ? (_end is null ? "no answer" : $"{_end.Status} {_end.Reason}")
            : _wrong ?? (_hungUpAt is null ? "ended by the server" : null);
        var stayed = _answeredAt is { } from ? (_hungUpAt ?? now) - from : TimeSpan.Zero;
        return new LegOutcome(
            failure, _answeredAt - _dialledAt, failure is null ? stayed : TimeSpan.Zero, _heard ?? _media.Statistics(), _check?.Right ?? 0, _check?.Wrong ?? 0)
        {
            TonesInterrupted = _check?.Interrupted ?? 0,
        };
    }

    public void Dispose()
    {
        _media.Dispose();
        _call.Dispose();
        _ticket?.Granted.Dispose();
        _connection?.Dispose();
        if (SipHandle is { } handle) _sockets.Close(handle);
        _sockets.Close(RtpHandle);
    }

    /// <summary>Together the tones must not be louder than a frame can hold.</summary>
    private void Say(Span<short> frame)
    {
        _tone!.Fill(frame);
        if (_loudness >= 1) return;
        for (var i = 0; i < frame.Length; i++) frame[i] = (short)(frame[i] * _loudness);
    }

    private void Fire(TimeSpan now)
    {
        foreach (var (timer, due) in _timers.OrderBy(t => t.Value).ToArray())
            if (due <= now && _timers.Remove(timer))
                Do(_call.Fired(timer), now);
        Remember();
    }

    private void Do(ImmutableArray<PhoneEffect> effects, TimeSpan now)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case PhoneEffect.Send send:
                    if (!TrySend(send) && send.Transaction is { } failed) Do(_call.TransportFailed(failed), now);
                    break;
                case PhoneEffect.Start start: _timers[start.Timer] = now + start.After; break;
                case PhoneEffect.Cancel cancel: _timers.Remove(cancel.Timer); break;
                case PhoneEffect.UseMedia use: _media.Use(use.Media); break;
                case PhoneEffect.Tell { Event: PhoneEvent.Answered }: _answeredAt = now; break;
                case PhoneEffect.Tell { Event: PhoneEvent.ChangeRefused refused }: _wrong = refused.Reason; break;
                case PhoneEffect.Tell { Event: PhoneEvent.Ended ended }: _end = ended; break;
            }
        }

        Remember();
    }

    private bool TrySend(PhoneEffect.Send send)
    {
        var bytes = SipWriter.ToBytes(send.Message);
        if (_connection is not null) return _connection.TrySend(bytes);
        var sent = _sockets.Send(SipHandle!.Value, bytes, MediaAddress.From(send.Flow.Remote));
        CryptographicOperations.ZeroMemory(bytes);
        return sent;
    }

    private void Remember() => _due = _timers.Count == 0 ? TimeSpan.MaxValue : _timers.Values.Min();
}
