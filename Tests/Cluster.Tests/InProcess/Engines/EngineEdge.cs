using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using ConfCluster.Actors.Media;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Cluster.Tests.InProcess.Engines;

/// <summary>What is outside of an <see cref="EngineCluster"/>, in memory: media addresses, and phones that talk every 20 ms. Nothing is lost or reordered on the way.</summary>
internal sealed class EngineEdge : IAsyncDisposable
{
    private readonly ConcurrentDictionary<MediaAddress, Action<MediaAddress, byte[]>> _places = [];
    private readonly ConcurrentDictionary<string, EnginePhone> _phones = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private int _phone;

    public EngineEdge() => _loop = Task.Run(LoopAsync);

    public IReadOnlyCollection<EnginePhone> Phones => [.. _phones.Values];

    /// <summary>False: somebody is there.</summary>
    public bool TryAttach(MediaAddress place, Action<MediaAddress, byte[]> receive) => _places.TryAdd(place, receive);

    public void Detach(MediaAddress place) => _places.TryRemove(place, out _);

    /// <summary>A copy is taken.</summary>
    /// <returns>False: nobody is there.</returns>
    public bool Send(MediaAddress from, ReadOnlySpan<byte> packet, MediaAddress to)
    {
        if (!_places.TryGetValue(to, out var receive)) return false;
        receive(from, packet.ToArray());
        return true;
    }

    /// <summary>A phone with an address of its own; it has not dialled.</summary>
    public EnginePhone Make(double tone) => new(this, IPAddress.Parse($"127.9.0.{Interlocked.Increment(ref _phone)}"), tone);

    public void Register(string callId, EnginePhone phone) => _phones[callId] = phone;

    /// <summary>The phone of a call; null: there is none.</summary>
    public EnginePhone? Find(string callId) => _phones.GetValueOrDefault(callId);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        foreach (var phone in _phones.Values) phone.Dispose();
        _stop.Dispose();
    }

    /// <summary>A tick that comes late is made up for, so that on the average there are 50 a second.</summary>
    private async Task LoopAsync()
    {
        var (since, ticks) = (Stopwatch.StartNew(), 0L);
        using var timer = new PeriodicTimer(AudioFrame.Duration);
        await using var _ = _stop.Token.UnsafeRegister(t => ((PeriodicTimer)t!).Dispose(), timer);
        while (await timer.WaitForNextTickAsync())
        {
            for (; ticks * AudioFrame.Duration <= since.Elapsed; ticks++)
                foreach (var phone in _phones.Values)
                    phone.Tick(ticks * AudioFrame.Duration);
        }
    }
}

/// <summary>The sockets of a lane on an <see cref="EngineEdge"/>.</summary>
internal sealed class EdgeSockets(EngineEdge edge) : IMediaSockets
{
    private readonly List<MediaAddress> _places = [];
    private readonly ConcurrentQueue<(int Handle, MediaAddress From, byte[] Packet)> _inbox = [];
    private int _ready;

    public BindOutcome TryBind(IPAddress address, int port, out int handle)
    {
        var (number, place) = (_places.Count, MediaAddress.From(address, port));
        handle = number;
        if (!edge.TryAttach(place, (from, packet) => _inbox.Enqueue((number, from, packet)))) return BindOutcome.PortTaken;
        _places.Add(place);
        return BindOutcome.Bound;
    }

    public void Close(int handle) => edge.Detach(_places[handle]);

    public void Poll() => _ready = _inbox.Count;

    public ReceiveOutcome Receive(Span<byte> buffer, out int handle, out int length, out MediaAddress from)
    {
        (handle, length, from) = (-1, 0, default);
        if (_ready == 0 || !_inbox.TryDequeue(out var next)) return ReceiveOutcome.None;
        _ready--;
        (handle, length, from) = (next.Handle, next.Packet.Length, next.From);
        return next.Packet.AsSpan().TryCopyTo(buffer) ? ReceiveOutcome.Datagram : ReceiveOutcome.Cut;
    }

    public bool Send(int handle, ReadOnlySpan<byte> packet, in MediaAddress to) => edge.Send(_places[handle], packet, to);

    public void Dispose()
    {
        foreach (var place in _places) edge.Detach(place);
    }
}
