using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Loss, jitter and round trip of a leg in both directions, and media that stays away.</summary>
public class LegQualityTests
{
    private static readonly TimeSpan NoMedia = TimeSpan.FromSeconds(10);
    private readonly MixerScene _scene = new(settings: MixerScene.Settings with { NoMediaAfter = NoMedia });

    [Fact]
    [Trait("RFC", "3550 §6.4.1")]
    public void What_is_lost_on_the_way_here_is_counted_here()
    {
        var phone = _scene.Conference(1)[0];
        for (var i = 0; i < 1000; i++)
        {
            var packet = phone.Packet(new byte[160]);
            if (i % 4 != 3) _scene.Mixer.Receive(phone.Slot, false, packet, phone.Address, _scene.Now);
            _scene.Tick();
        }

        var quality = phone.Statistics.Reception;
        Assert.InRange(quality.Lost, 249ul, 250ul);
        Assert.InRange(quality.FractionLost, 60, 68);
        Assert.InRange(quality.JitterMicroseconds, 0u, 1000u);
    }

    [Fact]
    [Trait("RFC", "3550 §6.4.1")]
    public void What_is_lost_on_the_way_there_is_the_peer_s_word_and_its_round_trip_leaves_out_its_wait()
    {
        var phone = _scene.Conference(1)[0];
        while (phone.Rtcp.Count == 0) Talk(phone);
        var packets = new CompoundPacket(phone.Rtcp[0]);
        Assert.True(packets.Next(out var first));
        var sent = SenderReport.Read(first).Ntp.Middle;
        var wait = TimeSpan.FromMilliseconds(500);
        for (var t = TimeSpan.Zero; t < wait + TimeSpan.FromMilliseconds(80); t += AudioFrame.Duration) Talk(phone);
        // The tick that sent our report has moved the clock by one frame.
        Report(phone, new ReportBlock(phone.Ssrc, 26, 12, 500, 160, sent, (uint)(wait.TotalSeconds * 65536)));

        var statistics = phone.Statistics;
        Assert.Equal(new StreamQuality(12, 26, 20_000), statistics.PeerReception);
        Assert.InRange(statistics.RoundTripMicroseconds!.Value, 99_000u, 101_000u);
    }

    [Fact]
    public void A_report_about_somebody_else_and_one_that_is_not_authentic_change_nothing()
    {
        var phones = _scene.Conference(2);
        Report(phones[0], new ReportBlock(phones[1].Ssrc, 26, 12, 500, 160, 1, 1));
        var forged = Compound(phones[0], new ReportBlock(phones[0].Ssrc, 26, 12, 500, 160, 1, 1));
        _scene.Mixer.Receive(phones[0].Slot, false, phones[1].ProtectRtcp(forged), phones[0].Address, _scene.Now);
        Assert.Equal((default(StreamQuality), null), (phones[0].Statistics.PeerReception, phones[0].Statistics.RoundTripMicroseconds));
    }

    [Fact]
    public void Whoever_sends_nothing_is_told_of_once_and_again_when_it_is_back()
    {
        var phones = _scene.Conference(2);
        for (var t = TimeSpan.Zero; t < 2 * NoMedia; t += AudioFrame.Duration) Talk(phones[1]);
        Assert.Equal([(phones[0].Id, true)], Watched());
        Assert.Equal((true, false), (phones[0].Statistics.IsMediaMissing, phones[1].Statistics.IsMediaMissing));
        var before = phones[0].Statistics.Total;
        Talk(phones[0]);
        Assert.Equal([(phones[0].Id, false)], Watched());
        Assert.NotEqual(before, phones[0].Statistics.Total);
    }

    [Fact]
    public void Reports_count_as_media_and_forged_packets_do_not()
    {
        var phones = _scene.Conference(2);
        for (var t = TimeSpan.Zero; t < 2 * NoMedia; t += AudioFrame.Duration)
        {
            if (t.TotalSeconds % 5 == 0) Report(phones[0], new ReportBlock(phones[0].Ssrc, 0, 0, 0, 0, 0, 0));
            _scene.Mixer.Receive(phones[1].Slot, false, phones[0].Packet(new byte[160]), phones[1].Address, _scene.Now);
            _scene.Tick();
        }

        Assert.Equal([(phones[1].Id, true)], Watched());
    }

    [Fact]
    [Trait("RFC", "3264 §8.4")]
    public void Whoever_holds_is_not_missed()
    {
        var phone = _scene.Conference(1)[0];
        phone.Direction = MediaDirection.Inactive;
        phone.Renegotiate();
        for (var t = TimeSpan.Zero; t < 3 * NoMedia; t += AudioFrame.Duration) _scene.Tick();
        Assert.Empty(Watched());
        phone.Direction = MediaDirection.SendReceive;
        phone.Renegotiate();
        for (var t = TimeSpan.Zero; t < NoMedia; t += AudioFrame.Duration) _scene.Tick();
        Assert.Empty(Watched());
        _scene.Tick();
        Assert.Equal([(phone.Id, true)], Watched());
    }

    private void Talk(MixerPhone phone)
    {
        phone.Say(new byte[160]);
        _scene.Tick();
    }

    private void Report(MixerPhone phone, ReportBlock block) =>
        _scene.Mixer.Receive(phone.Slot, false, phone.ProtectRtcp(Compound(phone, block)), phone.Address, _scene.Now);

    private static byte[] Compound(MixerPhone phone, ReportBlock block)
    {
        var compound = new byte[100];
        var length = ReceiverReport.Write(compound, phone.UplinkSsrc, block);
        length += SourceDescription.Write(compound.AsSpan(length), phone.UplinkSsrc, "phone"u8);
        return compound[..length];
    }

    private List<(ParticipantId Who, bool IsMissing)> Watched()
    {
        List<(ParticipantId, bool)> all = [];
        while (_scene.Mixer.TryTakeWatched(out var who, out var missing)) all.Add((who, missing));
        return all;
    }
}
