namespace ConfCluster.Actors.Media;

/// <summary>What comes to a socket belongs to that leg of that mixer.</summary>
/// <param name="Mixer">Null: to nobody any more.</param>
internal readonly record struct LaneBinding(LaneMixer? Mixer, int Slot, bool Rtcp);

/// <summary>The sockets of a lane, and whose each is; used by the lane's thread only.</summary>
internal sealed class LaneSockets(IMediaSockets sockets, SocketBudget budget)
{
    private readonly List<LaneBinding> _bindings = [];

    public LaneBinding this[int handle] => _bindings[handle];

    /// <summary>A port for RTP and the next for RTCP.</summary>
    public bool TryBind(MediaHome home, int port, out int rtp, out int rtcp)
    {
        rtcp = -1;
        if (!TryBind(home, port, out rtp)) return false;
        if (TryBind(home, port + 1, out rtcp)) return true;
        Close(rtp);
        return false;
    }

    public bool TryBind(MediaHome home, int port, out int handle)
    {
        handle = -1;
        if (!budget.TryTake()) return false;
        if (sockets.TryBind(home.Binding.Address, port, out handle) == BindOutcome.Bound) return true;
        budget.Return();
        return false;
    }

    public void Bind(int handle, LaneBinding binding)
    {
        while (_bindings.Count <= handle) _bindings.Add(default);
        _bindings[handle] = binding;
    }

    public void Close(int handle)
    {
        sockets.Close(handle);
        if (handle < _bindings.Count) _bindings[handle] = default;
        budget.Return();
    }
}
