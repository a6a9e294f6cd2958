using System.Buffers.Binary;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Tests.Codecs;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class ConferenceMixerTests
{
    /// <summary>Frames between saying and hearing with a jitter buffer of three packets.</summary>
    private const int Delay = 2;

    private readonly MixerScene _scene = new();

    [Fact]
    public void Each_hears_the_exact_sum_of_the_others_and_not_itself()
    {
        var phones = _scene.Conference(4);
        Talk(phones, 50);
        foreach (var phone in phones)
        {
            Assert.Equal(50, phone.Heard.Count);
            for (var t = Delay; t < 50; t++) Assert.Equal(SumOf(phones.Where(p => p != phone), t - Delay), phone.Heard[t].Codes);
        }
    }

    [Fact]
    public void A_mixer_sleeps_where_nobody_hears_or_is_heard_and_no_longer_than_to_the_next_report()
    {
        var phone = _scene.Conference(1)[0];
        for (var i = 0; i < 3; i++) _scene.Tick();
        Assert.False(_scene.Mixer.MaySleep(out _));
        phone.Direction = MediaDirection.ReceiveOnly;
        phone.Renegotiate();
        Assert.False(_scene.Mixer.MaySleep(out _));
        phone.Direction = MediaDirection.Inactive;
        phone.Renegotiate();
        var heard = phone.Heard.Count;
        Assert.True(_scene.Mixer.MaySleep(out var until));
        Assert.InRange(until, _scene.Now, _scene.Now + TimeSpan.FromSeconds(10));
        while (_scene.Now < until) _scene.Tick();
        _scene.Tick();
        Assert.Equal(heard, phone.Heard.Count);
        Assert.True(_scene.Mixer.MaySleep(out var next) && next > until);
        _scene.Admit();
        Assert.False(_scene.Mixer.MaySleep(out _));
        _scene.Tick();
        Assert.True(_scene.Mixer.MaySleep(out next));
        Assert.Equal(TimeSpan.MaxValue, next);
    }

    /// <summary>Reports at rest come seldom, but sooner than the five intervals after which the other end would think us gone.</summary>
    [Fact]
    [Trait("RFC", "3550 §6.3.5")]
    public void A_leg_that_neither_hears_nor_is_heard_is_told_every_quarter_of_a_minute_until_it_wakes()
    {
        var (phone, interval) = (_scene.Phone(), MixerScene.Settings.RtcpInterval);
        phone.Direction = MediaDirection.Inactive;
        phone.Renegotiate();
        _scene.Admit(phone);
        var times = Times(phone, 20 * interval);
        var gaps = times.Zip(times.Skip(1), (a, b) => b - a).ToList();
        Assert.InRange(gaps.Count, 5, 12);
        Assert.All(gaps, g => Assert.InRange(g, 1.4 * interval, 4.6 * interval));
        phone.Direction = MediaDirection.SendReceive;
        phone.Renegotiate();
        var woken = _scene.Now;
        Assert.InRange(Times(phone, interval)[0] - woken, TimeSpan.Zero, interval);
    }

    private List<TimeSpan> Times(MixerPhone phone, TimeSpan length)
    {
        var times = new List<TimeSpan>();
        for (var end = _scene.Now + length; _scene.Now < end;)
        {
            var (before, now) = (phone.Rtcp.Count, _scene.Now);
            _scene.Tick();
            if (phone.Rtcp.Count > before) times.Add(now);
        }

        return times;
    }

    [Fact]
    public void Codecs_and_packet_times_may_differ_between_the_legs()
    {
        var (talker, alaw, slow) = (_scene.Phone(), _scene.Phone(AudioCodec.Pcma), _scene.Phone(packetTime: 60));
        _scene.Admit(talker, alaw, slow);
        Talk([talker], 60);
        var samples = Enumerable.Range(0, 58).SelectMany(t => Frame(talker, t)).Select(c => G711.Decode(AudioCodec.Pcmu, c)).ToArray();
        Assert.Equal(samples.Select(s => G711.Encode(AudioCodec.Pcma, s)), alaw.Heard.Skip(Delay).SelectMany(p => p.Codes));
        Assert.Equal(20, slow.Heard.Count);
        Assert.All(slow.Heard, p => Assert.Equal(480, p.Codes.Length));
        Assert.Equal(samples.Select(s => G711.Encode(AudioCodec.Pcmu, s)), slow.Heard.SelectMany(p => p.Codes).Skip(Delay * 160));
    }

    [Fact]
    [Trait("RFC", "3550 §5.1")]
    public void Packets_count_up_by_one_and_160_under_the_registered_SSRC()
    {
        var phone = _scene.Conference(1)[0];
        for (var i = 0; i < 30; i++) _scene.Tick();
        var first = phone.Heard[0].Header;
        Assert.True(first.Marker);
        Assert.True(first.Sequence < 0x8000);
        for (var i = 0; i < 30; i++)
        {
            var header = phone.Heard[i].Header;
            Assert.Equal(phone.Ssrc, header.Ssrc);
            Assert.Equal((ushort)(first.Sequence + i), header.Sequence);
            Assert.Equal(first.Timestamp + (uint)(160 * i), header.Timestamp);
            Assert.Equal(i == 0, header.Marker);
        }
    }

    [Fact]
    public void Who_is_not_admitted_neither_hears_nor_is_heard()
    {
        var (inside, outside) = (_scene.Phone(), _scene.Phone());
        _scene.Admit(inside);
        Talk([outside], 20);
        Assert.Empty(outside.Heard);
        Assert.All(inside.Heard, p => Assert.All(p.Codes, c => Assert.Equal(0xFF, c)));
        Assert.Equal(20UL, _scene.Mixer.Unexpected);
    }

    [Fact]
    [Trait("RFC", "3550 §6.6")]
    public void From_the_state_without_it_a_departed_leg_gets_a_goodbye_and_nothing_else_and_is_unheard()
    {
        var phones = _scene.Conference(3);
        Talk(phones, 20);
        _scene.Admit(phones[0], phones[1]);
        _scene.Sent.Clear();
        phones[0].Heard.Clear();
        for (var t = 20; t < 60; t++)
        {
            foreach (var phone in phones) phone.Say(Frame(phone, t));
            _scene.Tick();
        }

        var last = Assert.Single(_scene.Sent, s => s.Slot == phones[2].Slot);
        Assert.True(RtpHeader.LooksLikeRtcp(last.Packet));
        Assert.Contains(TypesOf(phones[2].Rtcp[^1]), t => t == RtcpType.Goodbye);
        for (var t = 0; t < 40; t++) Assert.Equal(SumOf([phones[1]], t + 20 - Delay), phones[0].Heard[t].Codes);
    }

    [Fact]
    public void An_older_state_changes_nothing()
    {
        var phones = _scene.Conference(2);
        var state = _scene.Mixer.State!;
        _scene.Admit(phones[0]);
        Assert.False(_scene.Mixer.SetState(state));
        _scene.Tick();
        Assert.Empty(phones[1].Heard);
    }

    [Fact]
    [Trait("RFC", "3264 §8.4")]
    public void A_held_leg_is_not_sent_to_but_time_goes_on_and_the_marker_tells_the_return()
    {
        var phone = _scene.Conference(2)[0];
        for (var i = 0; i < 10; i++) _scene.Tick();
        phone.Direction = MediaDirection.Inactive;
        phone.Renegotiate();
        for (var i = 0; i < 500; i++) _scene.Tick();
        Assert.Equal(10, phone.Heard.Count);
        Assert.NotEmpty(phone.Rtcp);
        phone.Direction = MediaDirection.SendReceive;
        phone.Renegotiate();
        _scene.Tick();
        var (before, after) = (phone.Heard[9].Header, phone.Heard[10].Header);
        Assert.True(after.Marker);
        Assert.Equal((ushort)(before.Sequence + 1), after.Sequence);
        Assert.Equal(before.Timestamp + 501 * 160, after.Timestamp);
    }

    [Fact]
    public void A_leg_that_may_not_be_heard_is_not_mixed()
    {
        var phones = _scene.Conference(2);
        phones[0].Direction = MediaDirection.SendOnly;
        phones[0].Renegotiate();
        Talk(phones, 20);
        Assert.All(phones[1].Heard, p => Assert.All(p.Codes, c => Assert.Equal(0xFF, c)));
        Assert.Equal(SumOf([phones[1]], 10 - Delay), phones[0].Heard[10].Codes);
    }

    [Fact]
    public void A_lost_packet_of_a_tone_is_concealed_as_if_it_had_come()
    {
        var phones = _scene.Conference(2);
        var tone = Signals.Tone(200, 8000, 160 * 20, 8000);
        for (var t = 0; t < 20; t++)
        {
            if (t == 10) phones[0].NextIndex++;
            else phones[0].Say([.. tone.AsSpan(160 * t, 160).ToArray().Select(s => G711.Encode(AudioCodec.Pcmu, s))]);
            _scene.Tick();
        }

        var heard = phones[1].Heard[10 + Delay].Codes.Select(c => G711.Decode(AudioCodec.Pcmu, c)).ToArray();
        Assert.True(Signals.Snr(tone.AsSpan(1600, 160), heard) > 15);
        Assert.Equal((1UL, 1UL), (phones[0].Statistics.PacketsLost, phones[0].Statistics.Concealed));
    }

    [Fact]
    public void A_forged_packet_changes_nothing_but_its_counter()
    {
        var phones = _scene.Conference(2);
        Talk(phones, 10);
        var before = phones[0].Statistics;
        var forged = phones[0].Packet(Frame(phones[0], 10));
        phones[0].NextIndex--;
        forged[20] ^= 1;
        _scene.Mixer.Receive(phones[0].Slot, false, forged, phones[0].Address.WithPort(6666), _scene.Now);
        Assert.Equal(before with { AuthFailures = before.AuthFailures + 1 }, phones[0].Statistics);
    }

    [Fact]
    public void A_replayed_packet_is_counted_and_does_not_move_the_leg()
    {
        var phone = _scene.Conference(1)[0];
        var packet = phone.Packet(Frame(phone, 0));
        _scene.Mixer.Receive(phone.Slot, false, packet.ToArray(), phone.Address, _scene.Now);
        _scene.Mixer.Receive(phone.Slot, false, packet, phone.Address.WithPort(6666), _scene.Now);
        Assert.Equal((1UL, phone.Address), (phone.Statistics.Replays, phone.Statistics.Remote));
    }

    [Fact]
    public void Media_follows_the_newest_authentic_packet_and_a_late_one_does_not_call_it_back()
    {
        var phone = _scene.Conference(1)[0];
        var (old, moved) = (phone.Address, phone.Address.WithPort(31000));
        var late = phone.Packet(Frame(phone, 0));
        _scene.Mixer.Receive(phone.Slot, false, phone.Packet(Frame(phone, 1)), moved, _scene.Now);
        _scene.Mixer.Receive(phone.Slot, false, late, old, _scene.Now);
        _scene.Tick();
        Assert.Equal(moved, _scene.Sent[^1].To);
        Assert.Equal(2UL, phone.Statistics.PacketsReceived);
    }

    [Fact]
    public void A_repeated_offer_does_not_move_a_latched_leg()
    {
        var phone = _scene.Conference(1)[0];
        var moved = phone.Address.WithPort(31000);
        _scene.Mixer.Receive(phone.Slot, false, phone.Packet(Frame(phone, 0)), moved, _scene.Now);
        phone.Renegotiate();
        Assert.Equal(moved, phone.Statistics.Remote);
    }

    [Fact]
    [Trait("RFC", "3711 §3.3.1")]
    public void A_key_change_keeps_the_rollover_counter_of_both_directions()
    {
        var phones = _scene.Conference(2);
        phones[0].NextIndex = 65530;
        Talk(phones, 20);
        phones[0].Rekey();
        phones[0].Heard.Clear();
        for (var t = 20; t < 40; t++)
        {
            foreach (var phone in phones) phone.Say(Frame(phone, t));
            _scene.Tick();
        }

        Assert.Equal((0, 0UL), (phones[0].Unreadable, phones[0].Statistics.AuthFailures));
        Assert.Equal(20, phones[0].Heard.Count);
        Assert.Equal(SumOf([phones[0]], 39 - Delay), phones[1].Heard[^1].Codes);
    }

    [Fact]
    public void An_older_generation_of_media_is_ignored()
    {
        var phone = _scene.Conference(1)[0];
        var old = phone.Media();
        phone.Renegotiate();
        Assert.False(_scene.Mixer.SetLeg(old));
        Assert.Throws<ObjectDisposedException>(() => old.Downlink.RevealKey().Length);
    }

    [Fact]
    [Trait("RFC", "4733 §2.5.1")]
    public void Digits_are_not_mixed_and_no_loss()
    {
        var phones = _scene.Conference(2);
        Talk(phones, 10);
        for (var i = 0; i < 10; i++)
        {
            _scene.Mixer.Receive(phones[0].Slot, false, phones[0].Packet([5, 10, 0, 160], payloadType: 101), phones[0].Address, _scene.Now);
            _scene.Tick();
        }

        Assert.All(phones[1].Heard[^1].Codes, c => Assert.Equal(0xFF, c));
        Assert.Equal((0UL, 0UL, 0UL), (phones[0].Statistics.Malformed, phones[0].Statistics.Concealed, phones[0].Statistics.PacketsLost));
    }

    [Fact]
    [Trait("RFC", "3550 §6.4.1")]
    public void Reports_tell_what_was_sent_and_received()
    {
        var phones = _scene.Conference(2);
        Talk(phones, 500);
        var compound = phones[0].Rtcp[0];
        Assert.Equal(RtcpError.None, CompoundPacket.Validate(compound));
        Assert.Equal([RtcpType.SenderReport, RtcpType.SourceDescription], TypesOf(compound));
        var packets = new CompoundPacket(compound);
        Assert.True(packets.Next(out var first));
        var report = SenderReport.Read(first);
        Assert.Equal(phones[0].Ssrc, report.Ssrc);
        Assert.Equal(160 * report.Packets, report.Octets);
        Assert.Equal(phones[0].Heard[(int)report.Packets - 1].Header.Timestamp, report.RtpTimestamp);
        Assert.True(ReceiverReport.TryFind(first, phones[0].UplinkSsrc, out var block));
        Assert.Equal((0, (byte)0), (block.CumulativeLost, block.FractionLost));
        Assert.InRange(phones[0].Rtcp.Count, 1, 5);
    }

    [Fact]
    public void Without_mux_reports_go_from_and_to_the_RTCP_ports_and_latch_by_themselves()
    {
        var phone = _scene.Phone();
        phone.Mux = false;
        phone.Renegotiate();
        _scene.Admit(phone);
        var from = phone.Address.WithPort(45001);
        var compound = new byte[32];
        var length = ReceiverReport.Write(compound, phone.UplinkSsrc, null);
        length += SourceDescription.Write(compound.AsSpan(length), phone.UplinkSsrc, "alice"u8);
        _scene.Mixer.Receive(phone.Slot, true, phone.ProtectRtcp(compound[..length]), from, _scene.Now);
        for (var i = 0; i < 500; i++) _scene.Tick();
        Assert.All(_scene.Sent.Where(s => s.Rtcp), s => Assert.Equal(from, s.To));
        Assert.All(_scene.Sent.Where(s => !s.Rtcp), s => Assert.Equal(phone.Address, s.To));
        Assert.Contains(_scene.Sent, s => s.Rtcp);
        Assert.Equal(1UL, phone.Statistics.RtcpReceived);
    }

    [Fact]
    public void A_new_SSRC_from_the_conference_begins_a_new_sequence_after_a_goodbye_of_the_old()
    {
        var phone = _scene.Conference(1)[0];
        for (var i = 0; i < 5; i++) _scene.Tick();
        var old = phone.Ssrc;
        phone.Ssrc = new Ssrc(0xCAFE);
        _scene.Admit(phone);
        _scene.Tick();
        Assert.Equal(new Ssrc(0xCAFE), phone.Heard[^1].Header.Ssrc);
        Assert.Equal(old.Value, BinaryPrimitives.ReadUInt32BigEndian(phone.Rtcp[^1].AsSpan(4)));
        Assert.Contains(TypesOf(phone.Rtcp[^1]), t => t == RtcpType.Goodbye);
    }

    private static List<RtcpType> TypesOf(byte[] compound)
    {
        var types = new List<RtcpType>();
        var packets = new CompoundPacket(compound);
        while (packets.Next(out var packet)) types.Add(packet.Type);
        return types;
    }

    private void Talk(MixerPhone[] phones, int ticks)
    {
        for (var t = 0; t < ticks; t++)
        {
            foreach (var phone in phones) phone.Say(Frame(phone, t));
            _scene.Tick();
        }
    }

    /// <summary>Loud enough that sums saturate now and then, and different for every phone, tick and sample.</summary>
    private static byte[] Frame(MixerPhone phone, int tick) =>
        [.. Enumerable.Range(0, 160).Select(i => (byte)((i * 7 + tick * 31 + (int)phone.UplinkSsrc.Value * 53) * 2654435761L >> 8))];

    private static IEnumerable<byte> SumOf(IEnumerable<MixerPhone> phones, int tick)
    {
        var frames = phones.Select(p => Frame(p, tick)).ToArray();
        return Enumerable.Range(0, 160).Select(i => G711.Encode(AudioCodec.Pcmu, (short)Math.Clamp(
            frames.Sum(f => G711.Decode(AudioCodec.Pcmu, f[i])), short.MinValue, short.MaxValue)));
    }
}
