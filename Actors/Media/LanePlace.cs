using System.Collections.Immutable;
using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Media;

/// <summary>A mixer's place on a lane, as its actor holds it. Disposing it closes the mixer's sockets and zeroes its keys.</summary>
public sealed class LanePlace : IDisposable
{
    private readonly MediaLane _lane;
    private bool _disposed;

    internal LanePlace(MediaLane lane, MixerId mixer, Action<LaneReport> report)
    {
        (_lane, Mixer, Report) = (lane, mixer, report);
        _lane.Post(new LaneCommand.Add(this));
    }

    public MixerId Mixer { get; }

    internal Action<LaneReport> Report { get; }

    public void SetState(MixerState state) => _lane.Post(new LaneCommand.SetState(this, state));

    /// <summary>Answered by <see cref="LaneReport.Opened"/> or <see cref="LaneReport.Refused"/>.</summary>
    /// <param name="uplink">Of the keys that it will send with; none: they are looked at when they come.</param>
    public void Open(ParticipantId participant, AddressFamily family = AddressFamily.InterNetwork, ImmutableArray<KeyFingerprint> uplink = default) =>
        _lane.Post(new LaneCommand.Open(this, participant, family, uplink.IsDefault ? [] : uplink));

    /// <summary>Takes ownership of the keys.</summary>
    public void SetLeg(LegMedia media)
    {
        if (!_lane.Post(new LaneCommand.SetLeg(this, media))) media.Dispose();
    }

    public void SetForwarding(ForwardedLeg leg) => _lane.Post(new LaneCommand.SetForwarding(this, leg));

    /// <summary>Takes ownership of the key.</summary>
    public void SetGroupKey(GroupKey key)
    {
        if (!_lane.Post(new LaneCommand.SetGroupKey(this, key))) key.Dispose();
    }

    /// <summary>Takes ownership of the keys.</summary>
    public void SetTrunkKeys(TrunkKeys keys)
    {
        if (!_lane.Post(new LaneCommand.SetTrunkKeys(this, keys))) keys.Dispose();
    }

    /// <summary>Its conference says that it is in charge; see <see cref="Protocols.Mixing.MixerLease"/>.</summary>
    public void Confirm(long answer) => _lane.Post(new LaneCommand.Confirm(this, answer));

    public void Close(ParticipantId participant) => _lane.Post(new LaneCommand.Close(this, participant));

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _lane.Leave(this);
    }
}
