using System.Security.Cryptography;
using ConfCluster.Actors.Media;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Phone.Load;

/// <summary>
/// The thread of a load: every 20 ms it drains the sockets of all phones, lets each of them play and send, and begins and ends calls as the
/// rates say. Talkers come first; then it lasts <see cref="LoadOptions.Duration"/>, and everybody hangs up.
/// </summary>
internal sealed class LoadLoop : IDisposable
{
    private const int MaxDatagram = 65536;

    /// <summary>What is heard is judged from here on after the last talker has joined, so that jitter buffers are filled.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    /// <summary>Ticks of a longer pause are left out, not made up for in a burst; the report says that the load was late.</summary>
    private static readonly TimeSpan LongestCatchUp = TimeSpan.FromMilliseconds(200);

    /// <summary>How long calls may take to be answered, and to end once they are asked to: Timer B and F.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(33);

    private readonly LoadOptions _options;
    private readonly ILaneClock _clock;
    private readonly IMediaSockets _sockets;
    private readonly LoadPorts _ports;
    private readonly SipUri[] _targets;
    private readonly LoadTickets? _tickets;
    private readonly DateTimeOffset _origin;
    private readonly List<LoadPhone> _phones = [];
    private readonly List<LoadPhone?> _byHandle = [];
    private readonly List<LegOutcome> _gone = [];
    private readonly Pacer _joins;
    private readonly Pacer _leaves;
    private readonly Pacer _farewells;
    private readonly byte[] _datagram = new byte[MaxDatagram];
    private readonly short[] _saying = new short[AudioFrame.Samples];
    private readonly short[] _hearing = new short[AudioFrame.Samples];
    private readonly Queue<int> _owed;
    private TimeSpan? _talkersIn;
    private TimeSpan? _allIn;
    private TimeSpan _late;

    /// <param name="tickets">Of the calls; null: none has one.</param>
    public LoadLoop(LoadOptions options, LoadTickets? tickets, IMediaSockets sockets, ILaneClock clock, System.Net.IPAddress local, DateTimeOffset wallClock)
    {
        _tickets = tickets;
        (_options, _sockets, _clock, _owed) = (options, sockets, clock, new Queue<int>(Enumerable.Range(0, options.Phones).Select(i => i % options.Conferences)));
        (_joins, _leaves, _farewells) = (new Pacer(options.JoinRate), new Pacer(options.LeaveRate), new Pacer(options.EndRate));
        _ports = new LoadPorts(sockets, local);
        _origin = wallClock - clock.Now;
        _targets = [.. Enumerable.Range(0, options.Conferences).Select(options.Target)];
    }

    public LoadReport Run(CancellationToken stop)
    {
        var start = _clock.Now;
        TimeSpan? over = null;
        var patience = TimeSpan.FromSeconds(_options.Phones / _options.EndRate) + Patience;
        for (var due = start; over is not { } at || due < at + patience && !_phones.TrueForAll(p => p.HasEnded); due += AudioFrame.Duration)
        {
            _clock.WaitUntil(due);
            var late = _clock.Now - due;
            if (late > _late) _late = late;
            if (late > LongestCatchUp) due += late;
            Drain(due);
            if (over is null) Pace(due);
            else Leave(_farewells.Due(due), due, p => !p.IsLeaving);
            foreach (var phone in _phones) phone.Tick(due, _saying, _hearing, over is null && _talkersIn + Settling < due);
            if (over is null && (stop.IsCancellationRequested || _allIn + _options.Duration < due)) over = due;
        }

        var now = _clock.Now;
        return LoadReport.From(_options.Conference, [.. _gone, .. _phones.Select(p => p.Outcome(now))], (_allIn ?? now) - start, _late);
    }

    public void Dispose()
    {
        foreach (var phone in _phones) phone.Dispose();
        CryptographicOperations.ZeroMemory(_datagram);
    }

    private void Pace(TimeSpan now)
    {
        for (var due = _joins.Due(now); due > 0 && _owed.Count > 0; due--) Join(_owed.Dequeue(), now);
        if (_owed.Count == 0 && _phones.TrueForAll(p => p.IsSettled)) _allIn ??= now;
        if (_phones.Count >= AllTalkers && _phones.Take(AllTalkers).All(p => p.IsIn)) _talkersIn ??= now;
        if (_allIn is null) return;
        var leaves = _leaves.Due(now);
        Leave(leaves, now, p => p is { Talker: < 0, Checks: false, IsIn: true });
        for (var i = _phones.Count - 1; i >= 0; i--)
        {
            if (_phones[i] is not { IsLeaving: true, HasEnded: true } ended) continue;
            _gone.Add(ended.Outcome(now));
            Forget(ended);
            _phones.RemoveAt(i);
            _owed.Enqueue(ended.Conference);
        }
    }

    private int AllTalkers => _options.Talkers * _options.Conferences;

    private void Join(int conference, TimeSpan now)
    {
        var ticket = _tickets?.Take();
        if (_tickets is not null && ticket is null) return;
        var number = _phones.Count;
        var talker = number < AllTalkers ? number / _options.Conferences : -1;
        var phone = new LoadPhone(_options, ticket, _sockets, _ports, talker, number < _options.Canaries, _origin) { Conference = conference };
        _phones.Add(phone);
        if (phone.SipHandle is { } handle) Put(handle, phone);
        Put(phone.RtpHandle, phone);
        phone.Dial(_targets[conference], now);
    }

    private void Leave(int count, TimeSpan now, Predicate<LoadPhone> who)
    {
        for (var i = 0; i < _phones.Count && count > 0; i++)
        {
            if (!who(_phones[i])) continue;
            _phones[i].HangUp(now);
            count--;
        }
    }

    private void Drain(TimeSpan now)
    {
        _sockets.Poll();
        ReceiveOutcome outcome;
        while ((outcome = _sockets.Receive(_datagram, out var handle, out var length, out var from)) != ReceiveOutcome.None)
        {
            if (outcome != ReceiveOutcome.Datagram || _byHandle[handle] is not { } phone) continue;
            if (handle == phone.SipHandle) phone.ReceiveSip(_datagram.AsSpan(0, length), from, now);
            else phone.ReceiveMedia(_datagram.AsSpan(0, length), now);
        }

        if (_options.Transport != SipTransport.Tcp) return;
        foreach (var phone in _phones) phone.DrainConnection(_datagram, now);
    }

    private void Forget(LoadPhone phone)
    {
        if (phone.SipHandle is { } handle) _byHandle[handle] = null;
        _byHandle[phone.RtpHandle] = null;
        phone.Dispose();
    }

    private void Put(int handle, LoadPhone phone)
    {
        while (_byHandle.Count <= handle) _byHandle.Add(null);
        _byHandle[handle] = phone;
    }
}
