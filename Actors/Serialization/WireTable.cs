using System.Collections.Immutable;
using System.Runtime.Serialization;
using Google.Protobuf;

namespace ConfCluster.Actors.Serialization;

/// <summary>
/// One line of the wire: a short name with a version, which stands in the journal and between nodes for ever, and the way there and back.
/// </summary>
public sealed class WireEntry(string manifest, Type type, Func<object, byte[]> write, Func<byte[], object> read)
{
    public string Manifest => manifest;

    public Type Type => type;

    public Func<object, byte[]> Write => write;

    public Func<byte[], object> Read => read;

    internal static WireEntry Of<T, TProto>(string manifest, Func<T, TProto> write, Func<TProto, T> read)
        where T : class
        where TProto : IMessage<TProto>, new()
    {
        var parser = new MessageParser<TProto>(() => new TProto());
        return new WireEntry(manifest, typeof(T), o => write((T)o).ToByteArray(), bytes => read(parser.ParseFrom(bytes)));
    }
}

/// <summary>Everything that may be stored or leave the process. A changed meaning gets a new manifest; the old line stays.</summary>
public static class WireTable
{
    public static readonly ImmutableArray<WireEntry> Entries =
    [
        .. ConferenceFactWire.Entries, .. DialogFactWire.Entries, .. ConferenceWire.Entries, .. ParticipantWire.Entries,
        .. MixerWire.Entries, .. DialWire.Entries,
    ];

    private static readonly ImmutableDictionary<Type, WireEntry> ByType = Entries.ToImmutableDictionary(e => e.Type);

    private static readonly ImmutableDictionary<string, WireEntry> ByManifest =
        Entries.ToImmutableDictionary(e => e.Manifest, StringComparer.Ordinal);

    public static WireEntry Of(Type type) =>
        ByType.TryGetValue(type, out var entry) ? entry : throw new SerializationException($"{type} has no manifest");

    public static WireEntry Of(string manifest) => ByManifest.TryGetValue(manifest, out var entry)
        ? entry
        : throw new SerializationException($"manifest {manifest} is not known here; was it written by a newer version?");
}
