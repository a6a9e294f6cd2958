using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>Which streams were worked on: those that legs share, by codec and suite, or the legs' own (both null).</summary>
public readonly record struct StreamName(AudioCodec? Codec, SrtpProfile? Suite)
{
    public bool IsShared => Suite is not null;
}

/// <summary>Frames encoded, RTP packets encrypted, and RTP packets sent. Where listeners share a stream only the last grows with their number.</summary>
public readonly record struct StreamWork(ulong Encodes, ulong Encrypts, ulong Sends)
{
    public static StreamWork operator +(StreamWork a, StreamWork b) => new(a.Encodes + b.Encodes, a.Encrypts + b.Encrypts, a.Sends + b.Sends);

    /// <summary>The same as +.</summary>
    public static StreamWork Add(StreamWork a, StreamWork b) => a + b;
}

/// <summary>Work added up by name; for one thread.</summary>
public sealed class StreamTally
{
    private readonly Dictionary<StreamName, StreamWork> _sums = [];

    public void Add(StreamName name, StreamWork work) => _sums[name] = _sums.GetValueOrDefault(name) + work;

    public void Add(StreamTally other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach (var (name, work) in other._sums) Add(name, work);
    }

    public void Clear() => _sums.Clear();

    public IReadOnlyDictionary<StreamName, StreamWork> Sums() => new Dictionary<StreamName, StreamWork>(_sums);
}
