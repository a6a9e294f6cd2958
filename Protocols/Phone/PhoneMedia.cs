using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Phone;

/// <summary>Nothing received was there to be played.</summary>
/// <param name="At">By the clock of the ticks.</param>
public readonly record struct Interruption(TimeSpan At, TimeSpan Length);

/// <summary>What a phone heard and sent; totals.</summary>
/// <param name="Gaps">Interruptions: ticks in a row without a received frame, between two that had one.</param>
/// <param name="LongestGap">The longest of them.</param>
/// <param name="Early">Packets that came before the keys to open them.</param>
/// <param name="Ssrcs">Of the peer, in the order they came (at most 16).</param>
public sealed record PhoneStatistics(
    ulong PacketsSent, ulong PacketsReceived, ulong PacketsLost, ulong AuthFailures, ulong Replays, ulong Malformed, ulong UnknownMki,
    ulong LateOrDuplicate, ulong Concealed, ulong RtcpSent, ulong RtcpReceived, int Gaps, TimeSpan LongestGap, ulong Early,
    ImmutableArray<Ssrc> Ssrcs)
{
    /// <summary>How many sources were heard at once; 1: they were mixed, or there was one.</summary>
    public int Sources { get; init; } = 1;

    /// <summary>The longest time without a frame of one source, but for pauses of more than two seconds.</summary>
    public TimeSpan LongestSourceGap { get; init; }

    /// <summary>Different MKIs of packets that were opened.</summary>
    public int Mkis { get; init; }

    /// <summary>The first gaps, each with the time at which it began; totals are in <see cref="Gaps"/>.</summary>
    public ImmutableArray<Interruption> Interruptions { get; init; } = [];

    /// <summary>Sources that the mixer named, in the order they came (at most 16).</summary>
    public ImmutableArray<Ssrc> Contributors { get; init; } = [];

    /// <summary>Packets that said how loud each contributor is (RFC 6465).</summary>
    public ulong WithLevels { get; init; }

    /// <summary>How our stream arrives, by the peer's reports.</summary>
    public StreamQuality PeerReception { get; init; }

    /// <summary>Null: not measured yet.</summary>
    public TimeSpan? RoundTrip { get; init; }
}

/// <summary>
/// The audio of a phone: PCM to its codec, RTP and SRTP on the way out; SRTP, jitter buffer and PCM on the way in; RTCP both ways (RFC 3550
/// §6, RFC 3551 §4.5.14, RFC 3711 §3.3). It is the mixer's leg without a mixer. Media goes to the signalled address. No I/O, no clock.
/// </summary>
public sealed class PhoneMedia : IDisposable, ISsrcOwners
{
    private const int MaxPacket = 1024;
    private const int MaxSsrcs = 16;
    private const int MaxInterruptions = 64;
    private const int Slot = 0;

    private readonly MixerSettings _settings;
    private readonly DateTimeOffset _origin;
    private readonly SecretWriter _random;
    private readonly PhoneSources _in;
    private readonly OutputStream _out;
    private readonly byte[] _codes = new byte[Packetizer.MaxPayload];
    private readonly FrameSpread _saying = new();
    private readonly byte[] _packet = new byte[MaxPacket];
    private readonly byte[] _cname;
    private readonly List<Ssrc> _ssrcs = new(MaxSsrcs);
    private readonly HashSet<Mki> _mkis = [];
    private readonly List<Ssrc> _contributors = new(MaxSsrcs);
    private ulong _withLevels;
    private LegMedia? _media;
    private ulong _ticks;
    private TimeSpan? _nextReport;
    private bool _heard;
    private int _silentTicks;
    private ulong _slips;
    private int _gaps;
    private int _longestGap;
    private readonly List<Interruption> _interruptions = [];
    private ulong _early;

    /// <param name="origin">Wall clock at time zero, for NTP timestamps.</param>
    /// <param name="firstSequence">Of what it sends; null: drawn (RFC 3711 §3.3.1).</param>
    public PhoneMedia(MixerSettings settings, SecretWriter random, DateTimeOffset origin, ushort? firstSequence = null)
    {
        (_settings, _random, _origin) = (settings, random, origin);
        _in = new PhoneSources(settings, origin);
        _out = new OutputStream(random, settings.Codecs);
        Span<byte> bytes = stackalloc byte[16];
        random(bytes);
        _out.Packets.Use(new Ssrc(BinaryPrimitives.ReadUInt32BigEndian(bytes)), first: firstSequence);
        // RFC 7022 §4.2: 96 random bits.
        _cname = Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes[4..]));
    }

    public Ssrc Ssrc => _out.Packets.Ssrc;

    public bool IsReady => _media is not null;

    /// <summary>How often what was played was not what came: ticks without a frame to play, and packets that were too late or given up.</summary>
    public ulong Slips => _slips + _in.LateOrDuplicate;

    /// <summary>
    /// What offer and answer settled; takes ownership. The same keys go on with their indices; former ones open packets for two more seconds.
    /// </summary>
    public void Use(LegMedia media)
    {
        // RFC 4568 §7.1.4: a new address with a new key is a new context of the peer, whose ROC starts at 0.
        var moved = _media is null || _media.Remote != media.Remote;
        _in.Use(media, moved);
        _out.Use(media);
        if (!media.Direction.Send) _out.Packets.Pause();
        if (!media.Direction.Receive) Interrupt();
        _media = media;
    }

    /// <summary>How far sources are that run already (RFC 6043 §6.1.1), as we were told; the tag decides.</summary>
    public void Tell(ImmutableArray<UplinkIndex> streams)
    {
        foreach (var stream in streams) _in.Tell(stream);
    }

    /// <summary>One datagram, opened in place.</summary>
    /// <param name="rtcp">It came to the RTCP port.</param>
    public void Receive(bool rtcp, Span<byte> packet, TimeSpan now)
    {
        if (_media is null)
        {
            // RFC 4568 §5.1.2: media may come before the answer, and cannot be opened then.
            _early++;
            return;
        }

        if (rtcp || (_media.RtcpMux && RtpHeader.LooksLikeRtcp(packet)))
        {
            _in.Of(packet, rtcp: true).ReceiveRtcp(packet, now, Ssrc);
            return;
        }

        var source = _in.Of(packet, rtcp: false);
        var (mki, opened) = (MkiOf(packet), source.Counts.Packets);
        if (source.Receive(packet, now, this, this, _media.Direction.Receive)) Remember(source.Source, packet);
        if (source.Counts.Packets == opened) return;
        if (mki.IsPresent) _mkis.Add(mki);
        if (RtpHeader.TryRead(packet, out var header, out _)) _in.Came(header.Ssrc);
    }

    /// <summary>Every 20 ms: sends one frame, and yields the next one received (silence where there is none).</summary>
    /// <param name="now">The time at which this tick was due.</param>
    /// <param name="outgoing">20 ms at 8, 16 or 48 kHz, as <paramref name="incoming"/>; codecs with another rate are resampled.</param>
    /// <returns>True: <paramref name="incoming"/> has sound, received or concealed.</returns>
    public bool Tick(TimeSpan now, ReadOnlySpan<short> outgoing, Span<short> incoming, IMediaSink sink)
    {
        _ticks = Math.Max(_ticks + 1, (ulong)((now + AudioFrame.Duration / 2).Ticks / AudioFrame.Duration.Ticks));
        incoming.Clear();
        if (_media is null) return false;
        foreach (var source in _in.All) source.Uplink.Age(now);
        if (_media.Direction.Send && _media.Remote.IsPresent) Send(outgoing, sink);
        if (_media.RemoteRtcp.IsPresent) Report(now, sink);
        return _media.Direction.Receive && Hear(incoming, now);
    }

    /// <summary>RFC 3550 §6.6: the stream ends. To be called once, after the last tick.</summary>
    public void SayGoodbye(TimeSpan now, IMediaSink sink)
    {
        if (_media is { RemoteRtcp.IsPresent: true }) SendRtcp(now, goodbye: true, sink);
    }

    public PhoneStatistics Statistics()
    {
        var (first, all) = (_in.First.Uplink, _in.All.Select(s => s.Uplink).ToList());
        return new PhoneStatistics(
            _out.PacketsSent, Sum(u => u.Counts.Packets), Sum(u => u.Lost), Sum(u => u.Counts.AuthFailures), Sum(u => u.Counts.Replays),
            Sum(u => u.Counts.Malformed), Sum(u => u.Counts.UnknownMki), Sum(u => u.LateOrDuplicate), Sum(u => u.Counts.Concealed), _out.RtcpSent,
            Sum(u => u.Counts.Rtcp), _gaps, _longestGap * AudioFrame.Duration, _early, [.. _ssrcs])
        {
            Sources = _in.Count,
            LongestSourceGap = _in.All.Max(s => s.LongestGap),

            Mkis = _mkis.Count,
            Interruptions = [.. _interruptions],
            Contributors = [.. _contributors],
            WithLevels = _withLevels,
            PeerReception = new StreamQuality(first.Reports.Lost, first.Reports.FractionLost, (uint)first.Reports.Jitter.TotalMicroseconds),
            RoundTrip = first.Reports.RoundTrip,
        };

        ulong Sum(Func<Uplink, ulong> count) => all.Aggregate(0ul, (sum, uplink) => sum + count(uplink));
    }

    /// <summary>RFC 3550 §8.2: our own SSRC comes back from a loop only.</summary>
    bool ISsrcOwners.TryClaim(Ssrc ssrc, object claimant) => ssrc != Ssrc;

    public void Dispose()
    {
        _in.Dispose();
        _out.Dispose();
        _media = null;
    }

    /// <summary>None: its keys have none, or the packet is too short for one.</summary>
    private Mki MkiOf(ReadOnlySpan<byte> packet)
    {
        var (profile, length) = (_media!.Uplink[0].Profile, _media.Uplink[0].Mki.Length);
        var tail = SrtpTail.Rtp(profile, length);
        return packet.Length >= tail.Length && Mki.TryRead(packet.Slice(packet.Length - tail.Length + tail.Mki, length), out var mki) ? mki : Mki.None;
    }

    private uint Clock => unchecked((uint)(_ticks * AudioFrame.Samples));

    private void Send(ReadOnlySpan<short> samples, IMediaSink sink)
    {
        _saying.Set(samples, 50 * samples.Length, silent: false);
        if (_media!.Extensions.AudioLevel is not 0 and var id) _out.Packets.Head.Spoken(id, AudioLevel.Of(samples), _out.Packets.IsEmpty);
        var coded = _out.Packets.Encode(_saying.AtRate(_out.Packets.Format.SampleRate), _codes);
        var length = _out.Write(_codes.AsSpan(0, coded), Clock, _packet);
        if (length > 0) sink.Send(Slot, rtcp: false, _packet.AsSpan(0, length), _media.Remote);
    }

    private bool Hear(Span<short> incoming, TimeSpan now)
    {
        var (sound, received) = (false, false);
        foreach (var source in _in.All)
        {
            sound |= source.Play(incoming, out var came);
            received |= came;
        }

        if (received)
        {
            if (_heard && _silentTicks > 0)
            {
                (_gaps, _longestGap) = (_gaps + 1, Math.Max(_longestGap, _silentTicks));
                if (_interruptions.Count < MaxInterruptions)
                    _interruptions.Add(new Interruption(now - _silentTicks * AudioFrame.Duration, _silentTicks * AudioFrame.Duration));
            }

            (_heard, _silentTicks) = (true, 0);
        }
        else
        {
            _silentTicks++;
            _slips++;
        }

        return sound;
    }

    /// <summary>A pause that was agreed on is no gap.</summary>
    private void Interrupt()
    {
        (_heard, _silentTicks) = (false, 0);
        foreach (var source in _in.All) source.Interrupt();
    }

    /// <param name="packet">Authentic and open.</param>
    private void Remember(Ssrc source, ReadOnlySpan<byte> packet)
    {
        Remember(_ssrcs, source);
        if (!RtpHeader.TryRead(packet, out var header, out _)) return;
        for (var i = 0; i < header.CsrcCount; i++) Remember(_contributors, header.Csrc(packet, i));
        if (_media!.Extensions.MixedLevels is not 0 and var id && MixedAudioLevels.TryRead(header, packet, id, 0, out _)) _withLevels++;
    }

    private static void Remember(List<Ssrc> list, Ssrc ssrc)
    {
        if (list.Count < MaxSsrcs && !list.Contains(ssrc)) list.Add(ssrc);
    }

    private void Report(TimeSpan now, IMediaSink sink)
    {
        if (now < _nextReport) return;
        if (_nextReport is not null) SendRtcp(now, goodbye: false, sink);
        Span<byte> bytes = stackalloc byte[4];
        _random(bytes);
        // RFC 3550 §6.2: the first interval is half as long; each is varied by 0.5 to 1.5.
        var factor = 0.5 + BinaryPrimitives.ReadUInt32BigEndian(bytes) / (double)uint.MaxValue;
        _nextReport = now + _settings.RtcpInterval * (_nextReport is null ? factor / 2 : factor);
    }

    private void SendRtcp(TimeSpan now, bool goodbye, IMediaSink sink)
    {
        var length = _out.WriteRtcp(_packet, NtpTime.From(_origin + now), Clock, _in.Report(now), _cname, goodbye);
        if (length > 0) sink.Send(Slot, rtcp: !_media!.RtcpMux, _packet.AsSpan(0, length), _media.RemoteRtcp);
    }
}
