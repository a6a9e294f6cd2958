using System.Collections.Immutable;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// The way in of one leg: SRTP and SRTCP are opened, the source's statistics kept, its packets put in order and decoded (RFC 3550 §6.4,
/// RFC 3711 §3.3). Only an authenticated packet changes anything but a counter.
/// </summary>
/// <param name="origin">Wall clock at time zero, which stamps our sender reports.</param>
internal sealed class Uplink(MixerSettings settings, DateTimeOffset origin, RolloverGuesses? guesses = null) : IDisposable
{
    /// <summary>Packets in a row of the source before, after which it is the source again.</summary>
    private const int GoesOn = 5;

    private const byte ComfortNoise = 13;
    private readonly SourcePlayout _playout = new(settings);
    private readonly UplinkKeys _keys = new(guesses);
    private UplinkNews? _news;
    private ReceptionStatistics _statistics;
    private ReceptionStatistics _formerStatistics;
    private Ssrc _former;
    private int _formerInARow;
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

    public ulong Lost => _lostBefore + _formerStatistics.Lost + _statistics.Lost;

    /// <summary>How loud it is at present, as <see cref="Listen"/> found.</summary>
    public ref readonly SpeechLevel Level => ref _level;

    /// <summary>It was not in the mix of the last tick: what it plays now is heard only if it is chosen.</summary>
    public bool IsWithheld => _withheld;

    /// <summary>How the peer receives us, by its reports.</summary>
    public ref readonly PeerReports Reports => ref _reports;

    /// <summary>When the last authentic packet came, RTP or RTCP; null: none yet.</summary>
    public TimeSpan? LastHeard { get; private set; }

    public TimeSpan Jitter => _statistics.Jitter(_clockRate);

    public byte FractionLost => _statistics.FractionLost;

    public ulong Undecoded => _playout.Undecoded;

    public ulong LateOrDuplicate => _playout.LateOrDuplicate;

    /// <summary>The last decoded frame; there after <see cref="Decode"/> said true.</summary>
    public FrameSpread Frame => _playout.Frame;

    /// <summary>How long packets wait in the jitter buffer at present.</summary>
    public TimeSpan Delay => _playout.Delay;

    /// <summary>The key that was pressed last, until it is taken.</summary>
    public Digit? Pressed { get; private set; }

    /// <summary>Takes the media's uplink keys, as <see cref="UplinkKeys.Use"/>.</summary>
    public void Use(LegMedia media, bool moved)
    {
        if (!_receive.AsSpan().SequenceEqual(media.Receive.AsSpan()) || !media.Direction.Receive) Silence();
        (_receive, _event, _clockRate) = (media.Receive, media.TelephoneEvent, AudioFormat.Of(media.Codec).ClockRate);
        _eventRate = media.TelephoneEventRate;
        if (_extensions != media.Extensions) _level.Reset();
        _extensions = media.Extensions;
        _keys.Use(media.Uplink, moved);
    }

    /// <summary>Where another mixer was with what this leg sends.</summary>
    public void Resume(ImmutableArray<UplinkIndex> indices) => _keys.Resume(indices);

    /// <summary>The keys of the group that it may send with, as <see cref="UplinkKeys.Share"/>.</summary>
    public UplinkKeys Keys => _keys;

    /// <summary>It was not looked at.</summary>
    public void Count(SourceVerdict verdict) => _counts.Count(verdict);

    /// <summary>How far its sources have come, as <see cref="UplinkNews.Take"/>; nothing of a leg that never sent.</summary>
    public ImmutableArray<UplinkIndex> TakeNews(bool all) => _hasSource || _news is not null ? (_news ??= new UplinkNews()).Take(_keys, all) : [];

    /// <summary>Every 20 ms: former keys do not stay for ever.</summary>
    public void Age(TimeSpan now) => _keys.Age(now);

    /// <returns>True: authentic, and the newest of its source, so its sender is where it says.</returns>
    public bool Receive(Span<byte> packet, TimeSpan now, object claimant, ISsrcOwners owners, bool mayBeHeard)
    {
        var error = _keys.Open(packet, out var header, out var length, out var highest);
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

        var index = PacketIndex.Estimate(highest, header.Sequence);
        var isNewest = highest.Sequence == header.Sequence;
        if (_hasSource && header.Ssrc != Source && Straggles(header, payload, index, isNewest, now, mayBeHeard)) return false;
        if ((!_hasSource || header.Ssrc != Source) && !TryFollow(header.Ssrc, claimant, owners)) return false;
        _counts.Packets++;
        (LastHeard, _formerInARow) = (now, 0);
        if (_extensions.AudioLevel != 0) _level.Told(LevelIn(header, packet));
        _statistics.Count(index.Value, header.Timestamp, now, _clockRate);
        if (mayBeHeard) Queue(header, payload, former: false);
        return isNewest;
    }

    /// <param name="own">Our SSRC: what the peer says of others is not for us.</param>
    /// <param name="down">Told what it says of our stream; null: nobody is.</param>
    /// <returns>True: authentic.</returns>
    public bool ReceiveRtcp(Span<byte> packet, TimeSpan now, Ssrc own, Downlink? down = null)
    {
        var error = _keys.OpenRtcp(packet, out var length);
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
            if (each.Type is RtcpType.SenderReport or RtcpType.ReceiverReport)
            {
                var speaks = ReceiverReport.TryFind(each, own, out var block);
                if (speaks) _reports.Take(block, NtpTime.From(origin + now), _clockRate);
                down?.Reported(speaks ? block : null, now);
            }

            if (!_hasSource) continue;
            if (each.Type == RtcpType.SenderReport && each.Ssrc == Source) _statistics.SenderReported(SenderReport.Read(each).Ntp, now);
            // RFC 3550 §6.6: who said goodbye is not waited for.
            if (each.Type == RtcpType.Goodbye && Goodbye.Names(each, Source)) _playout.SayGoodbye(former: false);
            else if (each.Type == RtcpType.Goodbye && _playout.HasFormer && Goodbye.Names(each, _former)) _playout.SayGoodbye(former: true);
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
    public void Silence() => _playout.Reset();

    public void Dispose()
    {
        _keys.Dispose();
        _playout.Dispose();
    }

    public bool TryTakeDigit(out Digit digit)
    {
        digit = Pressed ?? default;
        var any = Pressed is not null;
        Pressed = null;
        return any;
    }

    private void Queue(in RtpHeader header, ReadOnlySpan<byte> payload, bool former)
    {
        if (header.PayloadType == _event)
        {
            // RFC 4733 §2.5.1: events share the sequence of the audio; they are consumed, not mixed.
            if (!TelephoneEvent.TryRead(payload, out var block)) _counts.Malformed++;
            else if (_digits.Receive(header.Timestamp, block, _eventRate, out var digit)) (Pressed, _counts.Digits) = (digit, _counts.Digits + 1);
            _playout.Put(former, header.Sequence, header.Timestamp, null, []);
            return;
        }

        foreach (var known in _receive)
        {
            if (known.PayloadType != header.PayloadType) continue;
            if (!_playout.Put(former, header.Sequence, header.Timestamp, known.Codec, payload)) _counts.Malformed++;
            return;
        }

        var noise = header.PayloadType == ComfortNoise;
        if (!noise) _counts.Malformed++;
        _playout.Put(former, header.Sequence, header.Timestamp, null, noise ? payload : []);
    }

    private AudioLevel? LevelIn(in RtpHeader header, ReadOnlySpan<byte> packet)
    {
        if (!HeaderExtensions.TryFind(header, packet, _extensions.AudioLevel, out var data) || !AudioLevel.TryRead(data, out var level)) return null;
        return level with { Voice = level.Voice && _extensions.Voice };
    }

    /// <summary>
    /// A packet of a source that another one has taken the place of: while its last words are played it belongs to them. After that the newest of such a
    /// source makes it the source again, an older one is late.
    /// </summary>
    private bool Straggles(in RtpHeader header, ReadOnlySpan<byte> payload, PacketIndex index, bool isNewest, TimeSpan now, bool mayBeHeard)
    {
        var belongs = _playout.HasFormer && header.Ssrc == _former;
        if (!belongs && isNewest) return false;
        _counts.Packets++;
        LastHeard = now;
        if (!belongs)
        {
            _playout.CountLate();
            return true;
        }

        _formerStatistics.Count(index.Value, header.Timestamp, now, _clockRate);
        if (mayBeHeard) Queue(header, payload, former: true);
        if (++_formerInARow < GoesOn) return true;
        _playout.Return();
        (Source, _former, _statistics, _formerStatistics, _formerInARow) = (_former, Source, _formerStatistics, _statistics, 0);
        return true;
    }

    private bool TryFollow(Ssrc source, object claimant, ISsrcOwners owners)
    {
        if (!owners.TryClaim(source, claimant))
        {
            _counts.Clashes++;
            return false;
        }

        _lostBefore += _formerStatistics.Lost;
        (_formerStatistics, _former, _formerInARow) = (_statistics, Source, 0);
        _statistics.Reset();
        _level.Reset();
        _digits.Reset();
        _playout.Follow();
        (Source, _hasSource) = (source, true);
        return true;
    }
}
