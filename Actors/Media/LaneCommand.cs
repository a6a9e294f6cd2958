using System.Collections.Immutable;
using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Media;

/// <summary>What a lane is asked to do between two ticks. Not a message of actors: one may hold keys.</summary>
internal abstract class LaneCommand(LanePlace place)
{
    public LanePlace Place { get; } = place;

    public sealed class Add(LanePlace place) : LaneCommand(place);

    public sealed class Confirm(LanePlace place, long answer) : LaneCommand(place)
    {
        public long Answer { get; } = answer;
    }

    /// <summary>For tests: something goes wrong on the lane's thread.</summary>
    public sealed class Break(Action how) : LaneCommand(null!)
    {
        public Action How { get; } = how;
    }

    public sealed class Remove(LanePlace place) : LaneCommand(place);

    public sealed class SetState(LanePlace place, MixerState state) : LaneCommand(place)
    {
        public MixerState State { get; } = state;
    }

    public sealed class Open(LanePlace place, ParticipantId participant, AddressFamily family, ImmutableArray<KeyFingerprint> uplink) : LaneCommand(place)
    {
        public ImmutableArray<KeyFingerprint> Uplink { get; } = uplink;

        public AddressFamily Family { get; } = family;

        public ParticipantId Participant { get; } = participant;
    }

    public sealed class SetLeg(LanePlace place, LegMedia media) : LaneCommand(place), IDisposable
    {
        public LegMedia Media { get; } = media;

        public void Dispose() => Media.Dispose();
    }

    public sealed class SetForwarding(LanePlace place, ForwardedLeg leg) : LaneCommand(place)
    {
        public ForwardedLeg Leg { get; } = leg;
    }

    public sealed class SetGroupKey(LanePlace place, GroupKey key) : LaneCommand(place), IDisposable
    {
        public GroupKey Key { get; } = key;

        public void Dispose() => Key.Dispose();
    }

    public sealed class SetTrunkKeys(LanePlace place, TrunkKeys keys) : LaneCommand(place), IDisposable
    {
        public TrunkKeys Keys { get; } = keys;

        public void Dispose() => Keys.Dispose();
    }

    public sealed class Close(LanePlace place, ParticipantId participant) : LaneCommand(place)
    {
        public ParticipantId Participant { get; } = participant;
    }
}
