using System.Buffers.Binary;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>RTCP of a leg, and who is no longer in.</summary>
public class MixerReportTests
{
    private readonly MixerScene _scene = new();

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
    [Trait("RFC", "3550 §6.6")]
    public void From_the_state_without_it_a_departed_leg_gets_a_goodbye_and_nothing_else_and_is_unheard()
    {
        var phones = _scene.Conference(3);
        _scene.Talk(phones, 20);
        _scene.Admit(phones[0], phones[1]);
        _scene.Sent.Clear();
        phones[0].Heard.Clear();
        for (var t = 20; t < 60; t++)
        {
            foreach (var phone in phones) phone.Say(MixerNoise.Frame(phone, t));
            _scene.Tick();
        }

        var last = Assert.Single(_scene.Sent, s => s.Slot == phones[2].Slot);
        Assert.True(RtpHeader.LooksLikeRtcp(last.Packet));
        Assert.Contains(TypesOf(phones[2].Rtcp[^1]), t => t == RtcpType.Goodbye);
        for (var t = 0; t < 40; t++) Assert.Equal(MixerNoise.SumOf([phones[1]], t + 20 - MixerNoise.Delay), phones[0].Heard[t].Codes);
    }

    [Fact]
    [Trait("RFC", "3550 §6.4.1")]
    public void Reports_tell_what_was_sent_and_received()
    {
        var phones = _scene.Conference(2);
        _scene.Talk(phones, 500);
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
}
