using System.Collections.Immutable;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>What a mixer's receiving side counts; each of a packet's fates has its number.</summary>
internal struct UplinkCounts
{
    public ulong Packets;
    public ulong AuthFailures;
    public ulong Replays;
    public ulong Malformed;
    public ulong UnknownMki;
    public ulong Concealed;
    public ulong Digits;
    public ulong Rtcp;
    public ulong Clashes;

    public void Count(UnprotectError error)
    {
        switch (error)
        {
            case UnprotectError.TagMismatch: AuthFailures++; break;
            case UnprotectError.Replayed or UnprotectError.TooOld: Replays++; break;
            case UnprotectError.UnknownMki: UnknownMki++; break;
            default: Malformed++; break;
        }
    }
}

/// <summary>
/// The way in of one leg: SRTP and SRTCP are opened, the source's statistics kept, its packets put in order and decoded (RFC 3550 §6.4,
/// RFC 3711 §3.3). Only an authenticated packet changes anything but a counter.
/// </summary>
/// <param name="origin">Wall clock at time zero, which stamps our sender reports.</param>
internal sealed class Uplink(MixerSettings settings, DateTimeOffset origin) : IDisposable
{
    /// <summary>SSRCs a participant may use under one key. A source is never forgotten under it: its packets could be replayed.</summary>
    private const int MaxSources = 16;

    private const byte ComfortNoise = 13;
    private Playout? _playout;
    private KeyRing? _ring;
    private SrtpReceiver? _rtp;
    private SrtcpReceiver? _rtcp;
    private ReceptionStatistics _statistics;
    private ulong _lostBefore;
    private ulong _reported;
    private ImmutableArray<OfferedCodec> _receive = [];
    private int _clockRate = G711.ClockRate;
    private int _eventRate = G711.ClockRate;
    private DigitReader _digits;
    private byte? _event;
    private bool _hasSource;
    private ExtensionIds _extensions;
    private SpeechLevel _level;
    private PeerReports _reports;
    private bool _listened;
    private bool _withheld;
    private UplinkCounts _counts;

    public ref readonly UplinkCounts Counts => ref _counts;

    public Ssrc Source { get; private set; }

    public ulong Lost => _lostBefore + _statistics.Lost;

    /// <summary>How loud it is at present, as <see cref="Listen"/> found.</summary>
    public ref readonly SpeechLevel Level => ref _level;

    /// <summary>How the peer receives us, by its reports.</summary>
    public ref readonly PeerReports Reports => ref _reports;

    /// <summary>When the last authentic packet came, RTP or RTCP; null: none yet.</summary>
    public TimeSpan? LastHeard { get; private set; }

    public TimeSpan Jitter => _statistics.Jitter(_clockRate);

    public byte FractionLost => _statistics.FractionLost;

    public ulong Undecoded => _playout?.Undecoded ?? 0;

    public ulong LateOrDuplicate => _playout?.LateOrDuplicate ?? 0;

    /// <summary>The last decoded frame; there after <see cref="Decode"/> said true.</summary>
    public FrameSpread Frame => _playout!.Frame;

    /// <summary>How long packets wait in the jitter buffer at present.</summary>
    public TimeSpan Delay => _playout?.Delay ?? TimeSpan.Zero;

    /// <summary>The key that was pressed last, until it is taken.</summary>
    public Digit? Pressed { get; private set; }

    /// <summary>Takes the media's uplink keys. The same keys, or new ones at the same address, go on with ROC and replay windows (RFC 3711 §3.3.1).</summary>
    /// <param name="moved">New keys at a new address are a new crypto context (RFC 4568 §7.1.4).</param>
    public void Use(LegMedia media, bool moved)
    {
        if (!_receive.AsSpan().SequenceEqual(media.Receive.AsSpan()) || !media.Direction.Receive) Silence();
        (_receive, _event, _clockRate) = (media.Receive, media.TelephoneEvent, AudioFormat.Of(media.Codec).ClockRate);
        _eventRate = media.TelephoneEventRate;
        if (_extensions != media.Extensions) _level.Reset();
        _extensions = media.Extensions;
        if (_ring is not null && _ring.Holds(media.Uplink.AsSpan()))
        {
            foreach (var key in media.Uplink) key.Dispose();
            return;
        }

        var before = _ring;
        _ring = new KeyRing(media.Uplink[0].Profile);
        foreach (var key in media.Uplink) _ring.Install(key);
        if (_rtp is null || _rtcp is null || moved)
        {
            (_rtp, _rtcp) = (new SrtpReceiver(_ring, MaxSources), new SrtcpReceiver(_ring, MaxSources));
        }
        else
        {
            _rtp.Use(_ring);
            _rtcp.Use(_ring);
        }

        before?.Dispose();
    }

    /// <returns>True: authentic, and the newest of its source, so its sender is where it says.</returns>
    public bool Receive(Span<byte> packet, TimeSpan now, object claimant, ISsrcOwners owners, bool mayBeHeard)
    {
        var error = _rtp!.Unprotect(packet, out var header, out var length);
        if (error != UnprotectError.None)
        {
            _counts.Count(error);
            return false;
        }

        if (!header.TryPayload(packet[..length], out var payload))
        {
            _counts.Malformed++;
            return false;
        }

        if ((!_hasSource || header.Ssrc != Source) && !TryFollow(header.Ssrc, claimant, owners)) return false;
        _rtp.TryGetHighest(header.Ssrc, out var highest);
        _counts.Packets++;
        LastHeard = now;
        if (_extensions.AudioLevel != 0) _level.Told(LevelIn(header, packet));
        var index = PacketIndex.Estimate(highest, header.Sequence);
        _statistics.Count(index.Value, header.Timestamp, now, _clockRate);
        if (mayBeHeard) Queue(header, payload);
        return highest.Sequence == header.Sequence;
    }

    /// <param name="own">Our SSRC: what the peer says of others is not for us.</param>
    /// <returns>True: authentic.</returns>
    public bool ReceiveRtcp(Span<byte> packet, TimeSpan now, Ssrc own)
    {
        var error = _rtcp!.Unprotect(packet, out var length);
        var compound = packet[..length];
        if (error != UnprotectError.None || CompoundPacket.Validate(compound) != RtcpError.None)
        {
            _counts.Count(error);
            return false;
        }

        _counts.Rtcp++;
        LastHeard = now;
        var packets = new CompoundPacket(compound);
        while (packets.Next(out var each))
        {
            if (!each.HasSsrc) continue;
            if (each.Type is RtcpType.SenderReport or RtcpType.ReceiverReport && ReceiverReport.TryFind(each, own, out var block))
                _reports.Take(block, NtpTime.From(origin + now), _clockRate);
            if (!_hasSource) continue;
            if (each.Type == RtcpType.SenderReport && each.Ssrc == Source) _statistics.SenderReported(SenderReport.Read(each).Ntp, now);
            // RFC 3550 §6.6: who said goodbye is not waited for.
            if (each.Type == RtcpType.Goodbye && Goodbye.Names(each, Source)) Silence();
        }

        return true;
    }

    /// <summary>
    /// Every 20 ms, before it is known who is mixed: finds out how loud it is, by decoding where packets do not tell.
    /// </summary>
    /// <returns>True: a frame with sound was decoded.</returns>
    public bool Listen()
    {
        _listened = !_level.IsTold;
        if (!_listened)
        {
            _level.Tick();
            return false;
        }

        _listened = Decode();
        _level.Measured(_listened ? AudioLevel.Of(Frame.Own) : AudioLevel.Silence);
        return _listened;
    }

    /// <summary>Then, once: who comes into the mix or leaves it while it sounds is faded over one frame.</summary>
    /// <returns>True: <see cref="Frame"/> is to be mixed.</returns>
    public bool Play(bool chosen)
    {
        var told = _level.IsTold;
        var leaves = !chosen && !_withheld && (told || _listened);
        var sounds = told ? Decode(chosen || leaves) : _listened;
        if (told && sounds && chosen) _level.Audit(AudioLevel.Of(Frame.Own));
        var fades = sounds && (leaves || chosen && _withheld);
        if (fades) Frame.Fade(rises: chosen);
        _withheld = !chosen && (told || _listened);
        return sounds && (chosen || leaves);
    }

    /// <summary>20 ms of it.</summary>
    /// <returns>True: <see cref="Frame"/> has sound.</returns>
    public bool Decode(bool decode = true)
    {
        if (_playout is null) return false;
        var outcome = _playout.Take(decode);
        if (outcome == PlayoutOutcome.Concealed) _counts.Concealed++;
        return outcome != PlayoutOutcome.Silent;
    }

    /// <summary>The block for our next report, or null when nothing came since the last one (RFC 3550 §6.4).</summary>
    public ReportBlock? Report(TimeSpan now)
    {
        if (!_hasSource || _counts.Packets == _reported) return null;
        _reported = _counts.Packets;
        return _statistics.Report(Source, now);
    }

    /// <summary>What waits to be played is thrown away.</summary>
    public void Silence() => _playout?.Reset();

    public void Dispose()
    {
        _ring?.Dispose();
        _playout?.Dispose();
    }

    public bool TryTakeDigit(out Digit digit)
    {
        digit = Pressed ?? default;
        var any = Pressed is not null;
        Pressed = null;
        return any;
    }

    private void Queue(in RtpHeader header, ReadOnlySpan<byte> payload)
    {
        _playout ??= new Playout(settings);
        if (header.PayloadType == _event)
        {
            // RFC 4733 §2.5.1: events share the sequence of the audio; they are consumed, not mixed.
            if (!TelephoneEvent.TryRead(payload, out var block)) _counts.Malformed++;
            else if (_digits.Receive(header.Timestamp, block, _eventRate, out var digit)) (Pressed, _counts.Digits) = (digit, _counts.Digits + 1);
            _playout.Put(header.Sequence, header.Timestamp, null, []);
            return;
        }

        foreach (var known in _receive)
        {
            if (known.PayloadType != header.PayloadType) continue;
            if (!_playout.Put(header.Sequence, header.Timestamp, known.Codec, payload)) _counts.Malformed++;
            return;
        }

        var noise = header.PayloadType == ComfortNoise;
        if (!noise) _counts.Malformed++;
        _playout.Put(header.Sequence, header.Timestamp, null, noise ? payload : []);
    }

    private AudioLevel? LevelIn(in RtpHeader header, ReadOnlySpan<byte> packet)
    {
        if (!HeaderExtensions.TryFind(header, packet, _extensions.AudioLevel, out var data) || !AudioLevel.TryRead(data, out var level)) return null;
        return level with { Voice = level.Voice && _extensions.Voice };
    }

    private bool TryFollow(Ssrc source, object claimant, ISsrcOwners owners)
    {
        if (!owners.TryClaim(source, claimant))
        {
            _counts.Clashes++;
            return false;
        }

        _lostBefore += _statistics.Lost;
        _statistics.Reset();
        _level.Reset();
        _digits.Reset();
        Silence();
        (Source, _hasSource) = (source, true);
        return true;
    }
}
