using System.Net;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Serialization;

/// <summary>The small values that messages are made of.</summary>
internal static class WireValues
{
    /// <summary>Exact to the tick, since a stored event must be equal to the one that was made.</summary>
    public static long Ticks(DateTimeOffset at) => at.UtcTicks - DateTime.UnixEpoch.Ticks;

    public static DateTimeOffset Time(long ticks) => new(DateTime.UnixEpoch.Ticks + ticks, TimeSpan.Zero);

    public static MixerIdProto Write(MixerId mixer) =>
        new() { Conference = mixer.Conference.Value, Number = mixer.Number, Incarnation = mixer.Incarnation };

    public static MixerId Read(MixerIdProto mixer) => new(new ConferenceId(mixer.Conference), mixer.Number, mixer.Incarnation);

    public static AddressProto Write(MediaAddress address) =>
        new() { High = address.High, Low = address.Low, Port = address.Port, Ipv6 = address.IsIPv6 };

    public static MediaAddress Read(AddressProto address) => new(address.High, address.Low, (ushort)address.Port, address.Ipv6);

    public static IPEndPoint EndPoint(string text) => IPEndPoint.Parse(text);
}
