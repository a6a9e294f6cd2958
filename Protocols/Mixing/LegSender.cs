using System.Buffers.Binary;
using System.Text;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// What goes out to a leg in a tick: a packet of a stream that it shares, or one of its own, and reports (RFC 3550 §6.4). Streams are changed where a
/// packet of both ends, so that nothing is heard twice or not at all.
/// </summary>
/// <param name="origin">Wall clock at time zero, for NTP timestamps.</param>
/// <param name="buffers">Hold the mixes of the tick and who is in them.</param>
internal sealed class LegSender(MixerSettings settings, SecretWriter random, DateTimeOffset origin, MixerBuffers buffers) : IDisposable
{
    /// <summary>Of a leg that neither hears nor is heard; with the factor of at most 1.5 less than five.</summary>
    private const int IntervalsAtRest = 3;

    private readonly byte[] _codes = buffers.Codes;
    private readonly byte[][] _wholeCodes = buffers.WholeCodes;
    private readonly bool[] _wholeReady = new bool[2];
    private readonly byte[] _packet = buffers.Packet;
    private readonly byte[] _withoutMki = buffers.WithoutMki;
    private readonly byte[] _cname = NewCname(random);
    private ulong _ownEncodes;
    private ulong _ownEncrypts;
    private ulong _ownSends;
    private TimeSpan _now;
    private ulong _tick;
    private uint _clock;

    public SharedStreams Shared { get; } = new(random, settings.Codecs);

    public void AddWork(StreamTally tally)
    {
        tally.Add(default, new StreamWork(_ownEncodes, _ownEncrypts, _ownSends));
        foreach (var variant in Shared.All)
            tally.Add(new StreamName(variant.Format.Codec, variant.Suite), new StreamWork(variant.Encodes, variant.Encrypts, variant.Sends));
    }

    /// <param name="tick">RFC 3550 §5.1: the timestamp counts time, also while nothing is sent.</param>
    public void Begin(TimeSpan now, ulong tick)
    {
        (_now, _tick, _clock) = (now, tick, unchecked((uint)(tick * AudioFrame.Samples)));
        Array.Clear(_wholeReady);
        Shared.Renew();
    }

    public void SendAudio(Leg leg, IMediaSink sink)
    {
        var (output, down) = (leg.Output, leg.Downlink);
        if (leg.Heard || leg.Echo is not null) down.TalksUntil = _now + settings.TalkerHold;
        // A stream begins and ends with a whole packet, and packets of all streams of one length begin in the same ticks.
        if (_tick % (ulong)output.Packets.Format.FramesPerPacket == 0) Choose(leg, sink);
        if (down.Shared is { } variant) SendShared(leg, variant, sink);
        else SendOwn(leg, sink);
    }

    public void SendGoodbye(Leg leg, IMediaSink sink)
    {
        // Whoever was never told its own key cannot read it.
        if (leg.Output.HasKeys && leg.Downlink.Wanted.Mode != LegKeyMode.Plain) SendReport(leg, shared: false, goodbye: true, sink);
    }

    public void ReportWhenDue(Leg leg, IMediaSink sink)
    {
        // RFC 3550 §6.2: the first interval is half as long; each is varied by 0.5 to 1.5 so that reports do not fall into step.
        var first = leg.NextReport == TimeSpan.Zero;
        if (!first && leg.Downlink.HasKey) SendReport(leg, leg.Downlink.Shared is not null, goodbye: false, sink);
        Span<byte> bytes = stackalloc byte[4];
        random(bytes);
        var factor = 0.5 + BinaryPrimitives.ReadUInt32BigEndian(bytes) / (double)uint.MaxValue;
        // RFC 3550 §6.2: the interval grows as the bandwidth of the session shrinks, which here is none. §6.3.5: who is silent for five intervals is gone.
        var interval = leg.MaySend || leg.MayBeHeard ? settings.RtcpInterval : IntervalsAtRest * settings.RtcpInterval;
        leg.NextReport = _now + interval * (first ? factor / 2 : factor);
    }

    public void Dispose() => Shared.Dispose();

    private void Choose(Leg leg, IMediaSink sink)
    {
        var down = leg.Downlink;
        var before = down.Shared;
        Variant? next = null;
        if (down.Group is not null && _now >= down.TalksUntil) next = Shared.Find(leg.Output.Packets.Format, leg.Output.Profile);
        if (next is not null && !down.CanFollow(next))
        {
            next.WantSsrc();
            next = null;
        }

        // RFC 3550 §8.2: who heard the stream under another SSRC is told that it ends.
        if (before is not null && ReferenceEquals(before, next) && down.SharedSsrc != next!.Packets.Ssrc) SayEnd(leg, down.SharedSsrc, sink);
        if (before is null && next is not null) leg.Output.Packets.Pause();
        down.Follow(next);
    }

    private void SendShared(Leg leg, Variant variant, IMediaSink sink)
    {
        if (variant.Tick != _tick) variant.Make(_tick, MixFor(variant.Format.SampleRate).Whole(), buffers.Contributors, _clock, _codes);
        var packet = variant.For(leg.Downlink.Group!, leg.Downlink.IsPlain);
        if (packet.IsEmpty) return;
        sink.Send(leg.Slot, rtcp: false, packet, leg.Remote);
        leg.Downlink.SentShared(variant, _now);
    }

    private void SendOwn(Leg leg, IMediaSink sink)
    {
        var (output, down) = (leg.Output, leg.Downlink);
        output.Packets.Head.Mixed(buffers.Contributors, except: leg.Heard ? leg.Slot : -1, output.Packets.Format.Extensions.MixedLevels);
        var length = output.Packets.Pack(CodesFor(leg), _clock, _packet, out var index);
        if (length == 0) return;
        length = down.Group is { } group ? group.Protect(_packet, length, index) : output.Protect(_packet, length, index);
        _ownEncrypts++;
        if (length == 0) return;
        sink.Send(leg.Slot, rtcp: false, Outgoing(leg, length, rtcp: false), leg.Remote);
        down.SentOwn(output.Packets.Ssrc, index, _now);
        _ownSends++;
    }

    /// <summary>All who are silent hear the same: in G.711, which has no memory, it is encoded once for all of them.</summary>
    private ReadOnlySpan<byte> CodesFor(Leg leg)
    {
        var (packets, codec) = (leg.Output.Packets, leg.Output.Packets.Format.Codec);
        var mix = MixFor(packets.Format.SampleRate);
        if (leg.Heard || leg.Echo is not null || codec is not (AudioCodec.Pcmu or AudioCodec.Pcma))
        {
            _ownEncodes++;
            return _codes.AsSpan(0, packets.Encode(Heard(leg, mix), _codes));
        }

        var whole = _wholeCodes[(int)codec];
        if (_wholeReady[(int)codec]) return whole;
        G711.Encode(codec, mix.Whole(), whole);
        _ownEncodes++;
        _wholeReady[(int)codec] = true;
        return whole;
    }

    private static ReadOnlySpan<short> Heard(Leg leg, RateMix mix) => (leg.Heard, leg.Echo) switch
    {
        (true, { } echo) => mix.Without(leg.Uplink.Frame, echo),
        (true, null) => mix.Without(leg.Uplink.Frame),
        (false, { } echo) => mix.Without(echo),
        _ => mix.Whole(),
    };

    private RateMix MixFor(int sampleRate) => buffers.Mixes[AudioFrame.PlaceOf(sampleRate)];

    private void SendReport(Leg leg, bool shared, bool goodbye, IMediaSink sink)
    {
        var down = leg.Downlink;
        var packets = shared ? down.Shared!.Packets : leg.Output.Packets;
        var sent = down.PacketsSent != down.ReportedPackets;
        down.ReportedPackets = down.PacketsSent;
        var length = packets.WriteRtcp(_packet, NtpTime.From(origin + _now), _clock, sent, leg.Uplink.Report(_now), _cname, goodbye);
        SendRtcp(leg, length, ownKey: goodbye, sink);
    }

    private void SayEnd(Leg leg, Ssrc old, IMediaSink sink) =>
        SendRtcp(leg, Packetizer.WriteGoodbye(_packet, old, _cname), ownKey: false, sink);

    private void SendRtcp(Leg leg, int length, bool ownKey, IMediaSink sink)
    {
        var down = leg.Downlink;
        var group = ownKey ? null : down.Group;
        length = group is not null ? group.ProtectRtcp(_packet, length) : leg.Output.ProtectRtcp(_packet, length);
        if (length == 0) return;
        // RFC 5761 §5.1.1: with rtcp-mux everything leaves from the RTP port.
        var packet = group is null ? _packet.AsSpan(0, length) : Outgoing(leg, length, rtcp: true);
        sink.Send(leg.Slot, rtcp: !leg.Media!.RtcpMux, packet, leg.RemoteRtcp);
        down.SentRtcp();
    }

    private ReadOnlySpan<byte> Outgoing(Leg leg, int length, bool rtcp) =>
        leg.Downlink is { Group: { } group, IsPlain: true }
            ? _withoutMki.AsSpan(0, group.WithoutMki(_packet.AsSpan(0, length), rtcp, _withoutMki))
            : _packet.AsSpan(0, length);

    /// <summary>RFC 7022 §4.2: 96 random bits, in base64.</summary>
    private static byte[] NewCname(SecretWriter random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> bytes = stackalloc byte[12];
        random(bytes);
        return Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes));
    }
}
