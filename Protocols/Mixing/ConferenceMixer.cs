using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// The RTP mixer of one conference (RFC 3550 §7.1): opens what the legs send, sums it every 20 ms, and sends each leg the sum of the
/// others. Which legs are in, under which SSRC and which key, is desired state; who is not in it is silent and unheard. Legs under a group key that do
/// not talk share a stream (<see cref="Variant"/>); who talks, or has a key of its own, has a stream of its own. The loudest are mixed,
/// and each packet names them. One thread; no I/O, no clock. Left out: the source descriptions of contributing sources.
/// </summary>
public sealed class ConferenceMixer : IDisposable
{
    /// <summary>Keys that wait to be taken; more than a conference presses in a tick.</summary>
    private const int MaxPressed = 256;

    /// <summary>Stands for no leg, but for the flows to and from other mixers.</summary>
    public const int TrunkSlot = -1;

    private readonly MixerSettings _settings;
    private readonly TickMix _mix;
    private readonly Queue<(ParticipantId Participant, Digit Digit)> _pressed = [];
    private readonly Queue<(ParticipantId Participant, bool IsMissing)> _watched = [];
    private readonly LegSender _sender;
    private readonly MixerLegs _legs;
    private readonly Trunks _trunks;
    private bool _speakerChanged;
    private bool _begun;
    private ulong _ticks;

    /// <param name="random">Fills with random bytes: first sequence numbers, timestamps, the CNAME, report intervals.</param>
    /// <param name="origin">Wall clock at time zero, for NTP timestamps.</param>
    /// <param name="buffers">Those of the thread; null: of its own.</param>
    public ConferenceMixer(MixerSettings settings, SecretWriter random, DateTimeOffset origin, MixerBuffers? buffers = null)
    {
        buffers ??= new MixerBuffers();
        (_settings, _mix) = (settings, new TickMix(settings, buffers));
        _sender = new LegSender(settings, random, origin, buffers);
        _legs = new MixerLegs(settings, random, origin, _mix, _sender.Shared);
        _trunks = new Trunks(settings, random);
    }

    /// <summary>The newest state taken, or null.</summary>
    public MixerState? State => _legs.State;

    public int LegCount => _legs.Count;

    /// <summary>Packets for a slot without a leg, or for a leg that is not admitted or has no media yet: not even opened.</summary>
    public ulong Unexpected { get; private set; }

    /// <summary>Where its packets are forwarded unopened; null: they are mixed.</summary>
    public Forwarder? Forwarder { get; private set; }

    /// <summary>SSRCs for shared streams that are not taken yet.</summary>
    public int SharedSsrcsLeft => _sender.Shared.Left;

    /// <summary>Packets under the newest group key.</summary>
    public ulong GroupKeyPackets => _legs.GroupKeyPackets;

    /// <summary>There are other mixers, so packets from them must have a way in.</summary>
    public bool WantsTrunk => _trunks.IsWanted;

    /// <summary>But for its address, which whoever has the sockets knows.</summary>
    public TrunkReport Trunk => _trunks.Report();

    /// <summary>What was done to send, since the mixer began.</summary>
    public void AddWork(StreamTally tally) => _sender.AddWork(tally);

    /// <returns>False: not newer than the state there is; nothing changed.</returns>
    public bool SetState(MixerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (!_legs.SetState(state)) return false;
        _trunks.Apply(state.Mixer, state.Trunk);
        if (state.ForwardsFrom is not null) Forwarding.SetState(state, p => _legs.Find(p)?.Slot ?? -1);
        return true;
    }

    /// <summary>Keys between mixers, before or after the state that uses them. Takes ownership.</summary>
    public void SetTrunkKeys(TrunkKeys keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        _trunks.Install(keys);
    }

    /// <summary>A group key, before or after the state that uses it. Takes ownership.</summary>
    public void SetGroupKey(GroupKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        _legs.SetGroupKey(key);
    }

    /// <summary>A place for the participant; the one it has, if it has one. Its media follows by <see cref="SetLeg"/>.</summary>
    public int OpenLeg(ParticipantId participant)
    {
        var slot = _legs.Open(participant, out var isNew);
        if (isNew && State is { ForwardsFrom: not null } && _legs.Admitted(participant) is { } wanted) Forwarding.Admit(slot, wanted);
        return slot;
    }

    /// <summary>Its packets are forwarded unopened; it has no key here.</summary>
    /// <returns>False: no such leg, or its generation is not higher; nothing changed.</returns>
    public bool SetForwarding(ForwardedLeg leg)
    {
        ArgumentNullException.ThrowIfNull(leg);
        return _legs.Find(leg.Participant) is { } open && Forwarding.SetLeg(open.Slot, leg);
    }

    private Forwarder Forwarding => Forwarder ??= new Forwarder(_settings);

    /// <summary>Before a leg is opened: the keys of its offer are its own from now on, until it is closed.</summary>
    /// <returns>False: one of them is another leg's, or the group's; nothing changed.</returns>
    public bool TryClaim(ParticipantId participant, ReadOnlySpan<KeyFingerprint> uplink) => _legs.TryClaim(participant, uplink);

    /// <summary>Nothing came of its leg.</summary>
    public void Disclaim(ParticipantId participant) => _legs.Disclaim(participant);

    /// <summary>The next leg whose media was not taken since its keys are another's, each once.</summary>
    public bool TryTakeRepeating(out ParticipantId participant) => _legs.TryTakeRepeating(out participant);

    /// <summary>Takes ownership of the media and its keys.</summary>
    /// <returns>False: no such leg, its generation is not higher, or it has keys of another; they are zeroed and nothing changed.</returns>
    public bool SetLeg(LegMedia media)
    {
        ArgumentNullException.ThrowIfNull(media);
        return _legs.Use(media);
    }

    /// <summary>The slot is free, the keys are zeroed. The numbers used are remembered (RFC 3711 §9.1).</summary>
    public bool CloseLeg(ParticipantId participant)
    {
        if (_legs.Close(participant) is not { } slot) return false;
        Forwarder?.Close(slot);
        return true;
    }

    /// <summary>One datagram, opened in place.</summary>
    /// <param name="rtcp">It came to the leg's RTCP port.</param>
    public void Receive(int slot, bool rtcp, Span<byte> packet, in MediaAddress from, TimeSpan now)
    {
        if (slot == TrunkSlot) _trunks.Receive(packet);
        else if (_legs.At(slot) is { IsLive: true } leg)
            Receive(leg, rtcp || leg.RtcpMux && RtpHeader.LooksLikeRtcp(packet), packet, from, now);
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

    /// <summary>Who has the word; null: nobody, or somebody at another mixer.</summary>
    public ParticipantId? Speaker => _mix.Talkers.Dominant.Speaker is { } speaker && _legs.Find(speaker) is not null ? speaker : null;

    /// <summary>Whether <see cref="Speaker"/> is another than at the last question.</summary>
    public bool TakeSpeakerChange()
    {
        var changed = _speakerChanged;
        _speakerChanged = false;
        return changed;
    }

    /// <summary>Whether a leg of our predecessor has been sent its first packet since the last question: that one waits for it.</summary>
    public bool TakeBegun()
    {
        var begun = _begun;
        _begun = false;
        return begun;
    }

    /// <summary>The next leg whose media is missing, or is back, each once.</summary>
    public bool TryTakeWatched(out ParticipantId participant, out bool isMissing)
    {
        var any = _watched.TryDequeue(out var next);
        (participant, isMissing) = next;
        return any;
    }

    /// <summary>Every 20 ms: plays one frame of every leg into the mix and sends each leg what it is due.</summary>
    /// <param name="now">The time at which this tick was due; timestamps follow it.</param>
    public void Tick(TimeSpan now, IMediaSink sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        // RFC 3550 §5.1: the timestamp counts time. A tick that came late does not come twice.
        _ticks = Math.Max(_ticks + 1, (ulong)((now + AudioFrame.Duration / 2).Ticks / AudioFrame.Duration.Ticks));
        _speakerChanged |= _mix.Make(_legs, _trunks, _ticks, now, sink);
        _sender.Begin(now, _ticks);
        foreach (var leg in _legs.All)
        {
            if (leg is null) continue;
            if (leg.Watch(now, _settings.NoMediaAfter)) _watched.Enqueue((leg.Participant, leg.IsMediaMissing));
            if (leg.Leaving)
            {
                _sender.SendGoodbye(leg, sink);
                leg.SaidGoodbye();
            }

            if (leg.MaySend) _sender.SendAudio(leg, sink);
            if (!leg.HasBegun && leg.Downlink.PacketsSent > 0)
            {
                leg.HasBegun = true;
                _begun |= _trunks.TakesOver;
            }

            if (leg.MayBeTold && now >= leg.NextReport) _sender.ReportWhenDue(leg, sink);
        }
    }

    /// <summary>
    /// Whether ticks have nothing to do as long as nothing comes in and nothing is changed: no leg hears or is heard. A tick left out is not made up for.
    /// </summary>
    /// <param name="until">When the next RTCP report is due at the latest.</param>
    public bool MaySleep(out TimeSpan until)
    {
        until = TimeSpan.MaxValue;
        if (Forwarder is { IsBusy: true }) return false;
        foreach (var leg in _legs.All)
        {
            if (leg is null) continue;
            if (leg.MaySend || leg.Leaving || leg.MayBeHeard || leg.IsMediaMissing) return false;
            if (leg.MayBeTold && leg.NextReport < until) until = leg.NextReport;
        }

        return _pressed.Count == 0 && _watched.Count == 0;
    }

    public LegStatistics Statistics(int slot) =>
        (_legs.At(slot) ?? throw new InvalidOperationException($"no leg in slot {slot}")).Statistics();

    public bool TryGetStatistics(ParticipantId participant, out LegStatistics statistics)
    {
        var leg = _legs.Find(participant);
        statistics = leg is null ? default : Forwarder?.Statistics(leg.Slot) ?? leg.Statistics();
        return leg is not null;
    }

    /// <summary>How far the sources of a leg have come, when that is news; for whoever takes over from this mixer.</summary>
    /// <param name="all">Also when it is none.</param>
    public ImmutableArray<UplinkIndex> TakeUplinks(ParticipantId participant, bool all) =>
        _legs.Find(participant) is not { } leg ? [] : Forwarder?.TakeNews(leg.Slot, all) ?? leg.Uplink.TakeNews(all);

    /// <summary>Under which keys a leg sends, when that is news: the conference finds who sends under the same at another mixer (RFC 4568 §6.1).</summary>
    /// <param name="all">Also when it is none.</param>
    public ImmutableArray<KeyMark> TakeKeys(ParticipantId participant, bool all) =>
        State is { } state ? [.. _legs.TakeKeys(participant, all).Select(k => k.MarkIn(state.Mixer.Conference.Value))] : [];

    public void Dispose()
    {
        _legs.Dispose();
        _sender.Dispose();
        _trunks.Dispose();
    }

    private void Receive(Leg leg, bool rtcp, Span<byte> packet, in MediaAddress from, TimeSpan now)
    {
        leg.Receive(rtcp, packet, from, now, _legs.Owners);
        if (leg.Uplink.TryTakeDigit(out var digit) && _pressed.Count < MaxPressed) _pressed.Enqueue((leg.Participant, digit));
    }
}
