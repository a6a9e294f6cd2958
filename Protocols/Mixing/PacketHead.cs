using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>What a packet says besides its audio: who is in it, and how loud (RFC 6464 §3, RFC 6465 §3).</summary>
internal sealed class PacketHead
{
    /// <summary>In -dBov: what is louder is taken for a voice.</summary>
    private const byte Voice = 50;

    private readonly Ssrc[] _sources = new Ssrc[RtpHeader.MaxCsrcs];
    private readonly byte[] _levels = new byte[RtpHeader.MaxCsrcs];
    private int _count;
    private byte _mixedId;
    private byte _spokenId;
    private byte _spoken;

    /// <summary>Of a mix.</summary>
    /// <param name="except">The slot of whoever is not in it; -1: all are.</param>
    /// <param name="id">Of the levels; 0: not agreed.</param>
    public void Mixed(Contributors contributors, int except, byte id)
    {
        (_count, _mixedId) = (0, id);
        for (var i = 0; i < contributors.Count; i++)
        {
            var (slot, source, level) = contributors[i];
            if (slot == except) continue;
            (_sources[_count], _levels[_count]) = (source, level);
            _count++;
        }
    }

    /// <summary>Of one voice; of several frames in a packet the loudest counts.</summary>
    /// <param name="id">0: not agreed.</param>
    public void Spoken(byte id, byte level, bool isFirst) => (_spokenId, _spoken) = (id, isFirst ? level : Math.Min(_spoken, level));

    /// <returns>Octets of the header.</returns>
    public int Write(Span<byte> packet, bool marker, byte payloadType, ushort sequence, uint timestamp, Ssrc ssrc)
    {
        var length = MixedAudioLevels.Write(
            packet, marker, payloadType, sequence, timestamp, ssrc, _sources.AsSpan(0, _count), _mixedId, _levels.AsSpan(0, _count));
        return _spokenId == 0 ? length : HeaderExtensions.Append(packet, length, _spokenId, [new AudioLevel(_spoken, _spoken <= Voice).Octet]);
    }
}
