using System.Buffers.Binary;
using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Phone;

/// <summary>
/// What a phone hears: one source after another, as a mixer sends them, or several at once where packets are forwarded unopened (RFC 7667 §3.7). Which it is shows in
/// the packets: two sources take turns. Then each has a jitter buffer and windows of its own under the same keys, and the phone mixes.
/// </summary>
internal sealed class PhoneSources : IDisposable
{
    /// <summary>More are not heard.</summary>
    private const int MaxSources = 16;

    /// <summary>So often two take turns before they are several: stragglers of an ended source make two, two mixers that hand a phone over some more.</summary>
    private const int Turns = 16;

    /// <summary>Packets in a row of one source, after which another has ended.</summary>
    private const int Alone = 10;

    private readonly RolloverGuesses _guesses;
    private readonly List<PhoneSource> _sources;
    private readonly MixerSettings _settings;
    private readonly DateTimeOffset _origin;
    private LegMedia? _media;
    private ImmutableArray<MasterKey> _keys = [];
    private Ssrc _last;
    private Ssrc _before;
    private int _inARow;
    private int _turns;
    private bool _areSeveral;
    private int _nextReport;

    public PhoneSources(MixerSettings settings, DateTimeOffset origin)
    {
        (_settings, _origin, _guesses) = (settings, origin, new RolloverGuesses());
        _sources = [new PhoneSource(Fresh())];
    }

    public PhoneSource First => _sources[0];

    public IEnumerable<PhoneSource> All => _sources;

    public int Count => _sources.Count;

    /// <summary>Of all.</summary>
    public ulong LateOrDuplicate
    {
        get
        {
            var sum = 0ul;
            foreach (var source in _sources) sum += source.Uplink.LateOrDuplicate;
            return sum;
        }
    }

    /// <summary>Takes the media's uplink keys.</summary>
    public void Use(LegMedia media, bool moved)
    {
        foreach (var key in _keys) key.Dispose();
        _keys = [.. media.Uplink.Select(k => k.Copy())];
        foreach (var source in _sources.Skip(1)) source.Uplink.Use(WithKeys(media), moved);
        First.Uplink.Use(media, moved);
        _media = media;
    }

    /// <summary>How far a source is that runs already, as we were told.</summary>
    public void Tell(UplinkIndex stream) => _guesses.Tell(stream.Source, new PacketIndex(stream.Highest));

    /// <summary>Whose packet that is, by what it says; it may be nobody's yet.</summary>
    public Uplink Of(ReadOnlySpan<byte> packet, bool rtcp)
    {
        if (!_areSeveral || packet.Length < 12) return First.Uplink;
        var ssrc = new Ssrc(BinaryPrimitives.ReadUInt32BigEndian(packet[(rtcp ? 4 : 8)..]));
        foreach (var source in _sources)
            if (source.Uplink.Source == ssrc)
                return source.Uplink;
        if (rtcp || _sources.Count == MaxSources) return First.Uplink;
        // The last one is taken when a packet of it was authentic, and used again for the next otherwise.
        if (_sources[^1].Uplink is var newest && _sources.Count > 1 && newest.Counts.Packets == 0) return newest;
        var fresh = Fresh();
        fresh.Use(WithKeys(_media!), moved: true);
        _sources.Add(new PhoneSource(fresh));
        return fresh;
    }

    /// <summary>An authentic packet of it came.</summary>
    public void Came(Ssrc source)
    {
        if (_areSeveral) return;
        if (source == _last)
        {
            if (++_inARow >= Alone) _turns = 0;
            return;
        }

        if (source == _before) _turns++;
        (_before, _last, _inARow, _areSeveral) = (_last, source, 1, _turns >= Turns);
    }

    /// <summary>The next source with news, in turn, for a report of ours (RFC 3550 §6.4).</summary>
    public Rtp.Rtcp.ReportBlock? Report(TimeSpan now)
    {
        for (var i = 0; i < _sources.Count; i++)
            if (_sources[_nextReport++ % _sources.Count].Uplink.Report(now) is { } block)
                return block;
        return null;
    }

    public void Dispose()
    {
        foreach (var source in _sources) source.Dispose();
        foreach (var key in _keys) key.Dispose();
        _keys = [];
    }

    private Uplink Fresh() => new(_settings, _origin, _guesses);

    private LegMedia WithKeys(LegMedia media) => media with { Uplink = [.. _keys.Select(k => k.Copy())] };
}
