using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Phones that say that they take a group key: one does, one does not, and both report what they hear (RFC 3550 §6.4.1).</summary>
[Trait("RFC", "3550 §6.4.1")]
public sealed class HearingWatchTests
{
    private static readonly KeyEpoch Two = new(2);
    private readonly GroupScene _scene = new();
    private readonly MixerPhone _talker;
    private readonly MixerPhone _good;
    private readonly MixerPhone _deaf;

    public HearingWatchTests()
    {
        if (_scene.Group(3) is not [var talker, var good, var deaf]) throw new InvalidOperationException("three phones");
        (_talker, _good, _deaf) = (talker, good, deaf);
        Run(TimeSpan.FromSeconds(3));
        Report(_good);
        Report(_deaf);
    }

    [Fact]
    public void Who_took_a_key_and_stands_still_in_its_reports_is_deaf_after_one_of_them()
    {
        Move();
        Run(TimeSpan.FromSeconds(2));
        Report(_good);
        Assert.Equal(default, _deaf.Statistics.DeafTo);
        Report(_deaf);
        Assert.Equal((default, Two), (_good.Statistics.DeafTo, _deaf.Statistics.DeafTo));
    }

    [Fact]
    public void A_report_that_was_on_its_way_at_the_move_says_nothing()
    {
        Move();
        Run(TimeSpan.FromSeconds(1));
        Report(_deaf);
        Assert.Equal(default, _deaf.Statistics.DeafTo);
    }

    [Fact]
    public void Who_hears_once_is_not_judged_again_before_the_next_move()
    {
        Move();
        Run(TimeSpan.FromSeconds(2));
        Report(_good);
        _good.Heard.Clear();
        Run(TimeSpan.FromSeconds(20));
        Report(_good, highest: 0);
        Assert.Equal(default, _good.Statistics.DeafTo);
    }

    [Fact]
    public void A_peer_that_never_said_a_word_of_us_is_believed_at_the_second_report()
    {
        var fresh = _scene.Mixer.Phone(AudioCodec.Pcmu);
        (fresh.Epoch, fresh.Mode, fresh.IsIn) = (1, LegKeyMode.ByMki, true);
        _scene.Wish();
        Run(TimeSpan.FromSeconds(3), fresh);
        Empty(fresh);
        Assert.Equal(default, fresh.Statistics.DeafTo);
        Empty(fresh);
        Assert.Equal(new KeyEpoch(1), fresh.Statistics.DeafTo);
    }

    [Fact]
    public void Another_move_does_not_give_a_silent_phone_more_time()
    {
        var fresh = _scene.Mixer.Phone(AudioCodec.Pcmu);
        (fresh.Epoch, fresh.Mode, fresh.IsIn) = (1, LegKeyMode.ByMki, true);
        _scene.Wish();
        Run(TimeSpan.FromSeconds(3), fresh);
        Empty(fresh);
        Move();
        Run(TimeSpan.FromSeconds(2), fresh);
        Empty(fresh);
        Assert.Equal(Two, fresh.Statistics.DeafTo);
    }

    [Fact]
    public void A_phone_that_falls_silent_with_the_move_is_deaf_and_one_that_was_silent_before_is_not()
    {
        Run(TimeSpan.FromSeconds(3));
        _deaf.Say(new byte[160]);
        Move();
        Run(TimeSpan.FromSeconds(13));
        Assert.Equal((Two, default), (_deaf.Statistics.DeafTo, _good.Statistics.DeafTo));
    }

    [Fact]
    public void A_listener_that_reported_just_before_the_move_is_not_silent_until_its_next_report()
    {
        Report(_good);
        Move();
        Run(TimeSpan.FromSeconds(7.5));
        Assert.Equal(default, _good.Statistics.DeafTo);
        Report(_good);
        Run(TimeSpan.FromSeconds(15));
        Assert.Equal(default, _good.Statistics.DeafTo);
    }

    [Fact]
    [Trait("RFC", "3550 §6.3.5")]
    public void A_phone_whose_reports_end_with_the_move_is_deaf_though_it_goes_on_sending()
    {
        Move();
        Run(TimeSpan.FromSeconds(24), _deaf);
        Assert.Equal(default, _deaf.Statistics.DeafTo);
        Run(TimeSpan.FromSeconds(2), _deaf);
        Assert.Equal(Two, _deaf.Statistics.DeafTo);
    }

    [Fact]
    public void A_phone_that_had_stopped_reporting_before_the_move_is_not_judged()
    {
        Run(TimeSpan.FromSeconds(16), _deaf);
        Move();
        Run(TimeSpan.FromSeconds(60), _deaf);
        Assert.Equal(default, _deaf.Statistics.DeafTo);
    }

    [Fact]
    public void Whether_a_phone_hears_is_known_of_one_that_reports_and_of_no_other()
    {
        var fresh = _scene.Mixer.Phone(AudioCodec.Pcmu);
        (fresh.Epoch, fresh.Mode, fresh.IsIn) = (1, LegKeyMode.ByMki, true);
        _scene.Wish();
        Run(TimeSpan.FromSeconds(3), fresh);
        Assert.False(fresh.Statistics.IsReported);
        Empty(fresh);
        Assert.Equal((false, true), (fresh.Statistics.IsReported, _good.Statistics.IsReported));
        Move();
        Run(TimeSpan.FromSeconds(20), fresh);
        Assert.Equal((false, true), (fresh.Statistics.IsReported, _good.Statistics.IsReported));
    }

    [Fact]
    public void Of_a_phone_that_never_reports_and_goes_on_sending_nothing_is_concluded()
    {
        var fresh = _scene.Mixer.Phone(AudioCodec.Pcmu);
        (fresh.Epoch, fresh.Mode, fresh.IsIn) = (1, LegKeyMode.ByMki, true);
        _scene.Wish();
        Run(TimeSpan.FromSeconds(3), fresh);
        Move();
        Run(TimeSpan.FromSeconds(120), fresh);
        Assert.Equal((default, false), (fresh.Statistics.DeafTo, fresh.Statistics.IsReported));
    }

    [Fact]
    public void Nobody_is_judged_on_a_key_of_its_own()
    {
        _deaf.Mode = LegKeyMode.Own;
        _scene.Wish();
        Run(TimeSpan.FromSeconds(3));
        Empty(_deaf);
        Empty(_deaf);
        Empty(_deaf);
        Assert.Equal(default, _deaf.Statistics.DeafTo);
    }

    /// <summary>All to epoch 2, whose key one of them does not install.</summary>
    private void Move()
    {
        var key = _scene.NewKey(2);
        foreach (var phone in _scene.Phones)
        {
            phone.Epoch = 2;
            phone.Heard.Clear();
            if (phone != _deaf) phone.Hold(key);
        }

        _scene.Wish();
    }

    private void Run(TimeSpan time, params MixerPhone[] more)
    {
        for (var t = TimeSpan.Zero; t < time; t += AudioFrame.Duration) _scene.Run(1, [_talker, .. more]);
    }

    /// <summary>What it heard last, as a phone tells it.</summary>
    private void Report(MixerPhone phone, uint? highest = null)
    {
        if (phone.Heard.Count == 0 && highest is null)
        {
            Empty(phone);
            return;
        }

        var last = phone.Heard.Count > 0 ? phone.Heard[^1].Header : default;
        Send(phone, new ReportBlock(last.Ssrc, 0, 0, highest ?? last.Sequence, 0, 0, 0));
    }

    private void Empty(MixerPhone phone) => Send(phone, null);

    private void Send(MixerPhone phone, ReportBlock? block)
    {
        var compound = new byte[100];
        var length = ReceiverReport.Write(compound, phone.UplinkSsrc, block);
        length += SourceDescription.Write(compound.AsSpan(length), phone.UplinkSsrc, "phone"u8);
        _scene.Mixer.Mixer.Receive(phone.Slot, false, phone.ProtectRtcp(compound[..length]), phone.Address, _scene.Mixer.Now);
    }
}
