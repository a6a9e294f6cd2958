using System.Buffers.Binary;
using System.Text;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// The RTP mixer of one conference (RFC 3550 §7.1): opens what the legs send, sums it every 20 ms, and sends each leg the sum of the
/// others, protected with the leg's key. Which legs are in and under which SSRC is desired state; who is not in it is silent and unheard.
/// One thread; no I/O, no clock. Left out: CSRC lists, loudest-speaker selection, streams shared between legs.
/// </summary>
/// <param name="random">Fills with random bytes: first sequence numbers, timestamps, the CNAME, report intervals.</param>
/// <param name="origin">Wall clock at time zero, for NTP timestamps.</param>
public sealed class ConferenceMixer(MixerSettings settings, SecretWriter random, DateTimeOffset origin) : IDisposable
{
    /// <summary>A packet of 60 ms with header, the longest MKI and tag fits; so does every report of ours.</summary>
    private const int MaxPacket = 1024;

    /// <summary>Keys that wait to be taken; more than a conference presses in a tick.</summary>
    private const int MaxPressed = 256;

    private readonly Dictionary<ParticipantId, Leg> _byParticipant = [];
    private readonly Dictionary<ParticipantId, OutputStream> _ended = [];
    private readonly List<Leg?> _legs = [];
    private readonly RateMix[] _mixes = [.. AudioFrame.Rates.Select(r => new RateMix(r))];
    private readonly byte[] _codes = new byte[OutputStream.MaxPayload];
    private readonly byte[][] _groupCodes = [new byte[AudioFrame.Samples], new byte[AudioFrame.Samples]];
    private readonly bool[] _groupReady = new bool[2];
    private readonly byte[] _packet = new byte[MaxPacket];
    private readonly byte[] _cname = NewCname(random);
    private readonly Queue<(ParticipantId Participant, Digit Digit)> _pressed = [];
    private ulong _ticks;

    /// <summary>The newest state taken, or null.</summary>
    public MixerState? State { get; private set; }

    public int LegCount => _byParticipant.Count;

    /// <summary>Packets for a slot without a leg, or for a leg that is not admitted or has no media yet: not even opened.</summary>
    public ulong Unexpected { get; private set; }

    /// <returns>False: not newer than the state there is; nothing changed.</returns>
    public bool SetState(MixerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (!state.IsNewerThan(State)) return false;
        State = state;
        foreach (var leg in _byParticipant.Values)
        {
            if (TryFindAdmitted(leg.Participant, out var ssrc)) leg.Admit(ssrc);
            else leg.Expel();
        }

        return true;
    }

    /// <summary>A place for the participant; the one it has, if it has one. Its media follows by <see cref="SetLeg"/>.</summary>
    public int OpenLeg(ParticipantId participant)
    {
        if (_byParticipant.TryGetValue(participant, out var open)) return open.Slot;
        var slot = _legs.IndexOf(null);
        if (slot < 0)
        {
            slot = _legs.Count;
            _legs.Add(null);
        }

        if (!_ended.Remove(participant, out var output)) output = new OutputStream(random, settings.Codecs);
        var leg = new Leg(participant, slot, output, settings);
        _legs[slot] = _byParticipant[participant] = leg;
        if (TryFindAdmitted(participant, out var ssrc)) leg.Admit(ssrc);
        return slot;
    }

    /// <summary>Takes ownership of the media and its keys.</summary>
    /// <returns>False: no such leg, or its generation is not higher; the keys are zeroed and nothing changed.</returns>
    public bool SetLeg(LegMedia media)
    {
        ArgumentNullException.ThrowIfNull(media);
        if (_byParticipant.TryGetValue(media.Participant, out var leg)) return leg.Use(media);
        media.Dispose();
        return false;
    }

    /// <summary>The slot is free, the keys are zeroed. The numbers used are remembered (RFC 3711 §9.1).</summary>
    public bool CloseLeg(ParticipantId participant)
    {
        if (!_byParticipant.Remove(participant, out var leg)) return false;
        leg.Dispose();
        if (leg.Output.HasSsrc) _ended[participant] = leg.Output;
        _legs[leg.Slot] = null;
        return true;
    }

    /// <summary>One datagram, opened in place.</summary>
    /// <param name="rtcp">It came to the leg's RTCP port.</param>
    public void Receive(int slot, bool rtcp, Span<byte> packet, in MediaAddress from, TimeSpan now)
    {
        if ((uint)slot < (uint)_legs.Count && _legs[slot] is { IsLive: true } leg)
            Receive(leg, rtcp || leg.Media!.RtcpMux && RtpHeader.LooksLikeRtcp(packet), packet, from, now);
        else
            Unexpected++;
    }

    /// <summary>The next key that somebody pressed, each once.</summary>
    public bool TryTakeDigit(out ParticipantId participant, out Digit digit)
    {
        var any = _pressed.TryDequeue(out var next);
        (participant, digit) = next;
        return any;
    }

    /// <summary>Every 20 ms: plays one frame of every leg into the mix and sends each leg what it is due.</summary>
    /// <param name="now">The time at which this tick was due; timestamps follow it.</param>
    public void Tick(TimeSpan now, IMediaSink sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        // RFC 3550 §5.1: the timestamp counts time, also while nothing is sent. A tick that came late does not come twice.
        _ticks = Math.Max(_ticks + 1, (ulong)((now + AudioFrame.Duration / 2).Ticks / AudioFrame.Duration.Ticks));
        var clock = unchecked((uint)(_ticks * AudioFrame.Samples));
        Mix();
        foreach (var leg in _legs)
        {
            if (leg is null) continue;
            if (leg.Leaving) SayGoodbye(leg, now, clock, sink);
            if (leg.MaySend) SendAudio(leg, clock, sink);
            if (leg.IsLive && now >= leg.NextReport) Report(leg, now, clock, sink);
        }
    }

    public LegStatistics Statistics(int slot) =>
        (_legs[slot] ?? throw new InvalidOperationException($"no leg in slot {slot}")).Statistics();

    public bool TryGetStatistics(ParticipantId participant, out LegStatistics statistics)
    {
        var found = _byParticipant.TryGetValue(participant, out var leg);
        statistics = found ? leg!.Statistics() : default;
        return found;
    }

    public void Dispose()
    {
        foreach (var leg in _byParticipant.Values) leg.Dispose();
        _byParticipant.Clear();
        _legs.Clear();
    }

    private void Receive(Leg leg, bool rtcp, Span<byte> packet, in MediaAddress from, TimeSpan now)
    {
        leg.Receive(rtcp, packet, from, now);
        if (leg.Uplink.TryTakeDigit(out var digit) && _pressed.Count < MaxPressed) _pressed.Enqueue((leg.Participant, digit));
    }

    /// <summary>At every rate that somebody listens at, each talker in all the quality that it has there.</summary>
    private void Mix()
    {
        Array.Clear(_groupReady);
        foreach (var mix in _mixes) mix.IsUsed = false;
        foreach (var leg in _legs)
            if (leg is { MaySend: true })
                MixFor(leg).IsUsed = true;
        foreach (var mix in _mixes)
            if (mix.IsUsed)
                mix.Clear();
        foreach (var leg in _legs)
        {
            if (leg is null) continue;
            leg.Heard = leg.MayBeHeard && leg.Uplink.Decode();
            if (!leg.Heard) continue;
            foreach (var mix in _mixes)
                if (mix.IsUsed)
                    mix.Add(leg.Uplink.Frame);
        }
    }

    private RateMix MixFor(Leg leg) => _mixes[AudioFrame.PlaceOf(leg.Output.SampleRate)];

    private void SendAudio(Leg leg, uint clock, IMediaSink sink)
    {
        var length = leg.Output.Write(CodesFor(leg), clock, _packet);
        if (length > 0) sink.Send(leg.Slot, rtcp: false, _packet.AsSpan(0, length), leg.Remote);
    }

    /// <summary>All who are silent hear the same: in G.711, which has no memory, it is encoded once for all of them.</summary>
    private ReadOnlySpan<byte> CodesFor(Leg leg)
    {
        var (codec, mix) = (leg.Output.Codec, MixFor(leg));
        if (leg.Heard || codec is not (AudioCodec.Pcmu or AudioCodec.Pcma))
            return _codes.AsSpan(0, leg.Output.Encode(leg.Heard ? mix.Without(leg.Uplink.Frame) : mix.Whole(), _codes));

        var group = _groupCodes[(int)codec];
        if (_groupReady[(int)codec]) return group;
        G711.Encode(codec, mix.Whole(), group);
        _groupReady[(int)codec] = true;
        return group;
    }

    private void SayGoodbye(Leg leg, TimeSpan now, uint clock, IMediaSink sink)
    {
        if (leg.Output.HasKeys) SendRtcp(leg, now, clock, goodbye: true, sink);
        leg.SaidGoodbye();
    }

    private void Report(Leg leg, TimeSpan now, uint clock, IMediaSink sink)
    {
        // RFC 3550 §6.2: the first interval is half as long; each is varied by 0.5 to 1.5 so that reports do not fall into step.
        var first = leg.NextReport == TimeSpan.Zero;
        if (!first) SendRtcp(leg, now, clock, goodbye: false, sink);
        Span<byte> bytes = stackalloc byte[4];
        random(bytes);
        var factor = 0.5 + BinaryPrimitives.ReadUInt32BigEndian(bytes) / (double)uint.MaxValue;
        leg.NextReport = now + settings.RtcpInterval * (first ? factor / 2 : factor);
    }

    private void SendRtcp(Leg leg, TimeSpan now, uint clock, bool goodbye, IMediaSink sink)
    {
        var ntp = NtpTime.From(origin + now);
        var length = leg.Output.WriteRtcp(_packet, ntp, clock, leg.Uplink.Report(now), _cname, goodbye);
        // RFC 5761 §5.1.1: with rtcp-mux everything leaves from the RTP port.
        if (length > 0) sink.Send(leg.Slot, rtcp: !leg.Media!.RtcpMux, _packet.AsSpan(0, length), leg.RemoteRtcp);
    }

    private bool TryFindAdmitted(ParticipantId participant, out Ssrc ssrc)
    {
        ssrc = default;
        if (State is null) return false;
        foreach (var leg in State.Legs)
        {
            if (leg.Participant != participant) continue;
            ssrc = leg.Ssrc;
            return true;
        }

        return false;
    }

    /// <summary>RFC 7022 §4.2: 96 random bits, in base64.</summary>
    private static byte[] NewCname(SecretWriter random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> bytes = stackalloc byte[12];
        random(bytes);
        return Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes));
    }
}
