using System.Collections.Concurrent;
using System.Net;
using ConfCluster.Protocols.Sip.Admission;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Sip;

/// <summary>
/// The stream connections of a node, of all its listeners. A place is taken before the handshake begins and given back when it fails or
/// the connection ends, so that the limit covers connections that are not there yet.
/// </summary>
internal sealed class ConnectionTable(int limit, AdmissionLimits admission, TimeSpan idle, TimeProvider clock)
{
    private readonly ConcurrentDictionary<long, StreamConnection> _open = new();
    private int _places;
    private long _number;

    public int Open => _open.Count;

    public int Places => Volatile.Read(ref _places);

    public bool TryTakePlace()
    {
        if (Interlocked.Increment(ref _places) <= limit) return true;
        GiveBackPlace();
        return false;
    }

    /// <summary>For one that comes: its source, too, has a limit, of connections that are there.</summary>
    public bool TryTakePlace(IPAddress source)
    {
        var key = SourceKey.Of(source);
        var isOver = !admission.IsExempt(source) && _open.Values.Count(c => SourceKey.Of(c.Flow.Remote.Address) == key) >= admission.MaxConnectionsPerSource;
        return !isOver && TryTakePlace();
    }

    public void GiveBackPlace() => Interlocked.Decrement(ref _places);

    public long NextNumber() => Interlocked.Increment(ref _number);

    public void Add(StreamConnection connection) => _open[connection.Flow.Connection] = connection;

    public void Remove(StreamConnection connection)
    {
        if (_open.TryRemove(connection.Flow.Connection, out _)) GiveBackPlace();
    }

    /// <summary>The connection that a flow names, while it lives.</summary>
    public StreamConnection? Of(SipFlow flow) =>
        _open.TryGetValue(flow.Connection, out var connection) && connection.Flow.Transport == flow.Transport ? connection : null;

    public StreamConnection? To(SipTransport transport, IPEndPoint target, SipMessage message) =>
        _open.Values.FirstOrDefault(c => c.Reaches(transport, target, message));

    /// <summary>Closes what carried no whole message for the idle time: a drip of single bytes is no use.</summary>
    public void Sweep()
    {
        foreach (var connection in _open.Values)
            if (clock.GetElapsedTime(connection.LastMessage) > idle)
                connection.Dispose();
    }

    public void Close()
    {
        foreach (var connection in _open.Values) connection.Dispose();
    }
}
