using System.Text;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Sessions;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Sessions;

public sealed class SessionTimerTests
{
    private static readonly SessionTimerPolicy Policy = new(TimeSpan.FromMinutes(30), SessionExpires.DefaultMinimum);

    /// <summary>RFC 4028 §9, table 2.</summary>
    [Theory]
    [Trait("RFC", "4028 §9")]
    [InlineData("", "", "1800;refresher=uas", null)]
    [InlineData("", "600", "600;refresher=uas", null)]
    [InlineData("timer", "", "1800;refresher=uas", "timer")]
    [InlineData("timer", "600", "600;refresher=uac", "timer")]
    [InlineData("timer", "600;refresher=uac", "600;refresher=uac", "timer")]
    [InlineData("timer", "600;refresher=uas", "600;refresher=uas", "timer")]
    [InlineData("replaces, TIMER", "600 ; refresher = UAS", "600;refresher=uas", "timer")]
    public void Who_refreshes_follows_the_table(string supported, string asked, string answered, string? required)
    {
        Assert.Equal(SessionTimerError.None, Agree(supported, asked, "", Policy, out var timer));
        var headers = timer.InResponse(SipHeaders.Empty);
        Assert.Equal(answered, headers.First("Session-Expires"));
        Assert.Equal(required, headers.First("Require"));
    }

    [Fact]
    [Trait("RFC", "4028 §9")]
    public void An_interval_is_never_raised_above_what_was_asked_nor_cut_below_Min_SE() =>
        Gen.Select(Gen.UInt[90, 100_000], Gen.UInt[90, 100_000], Gen.UInt[90, 100_000]).Sample((asked, least, ours) =>
        {
            var policy = Policy with { Interval = TimeSpan.FromSeconds(ours) };
            if (least > asked) return;
            Assert.Equal(SessionTimerError.None, Agree("timer", $"{asked}", $"{least}", policy, out var timer));
            Assert.InRange(timer.Interval.TotalSeconds, least, asked);
        });

    [Theory]
    [Trait("RFC", "4028 §9")]
    [InlineData("timer", "89", SessionTimerError.IntervalTooSmall)]
    [InlineData("timer", "0;refresher=uac", SessionTimerError.IntervalTooSmall)]
    [InlineData("", "89", SessionTimerError.None)]
    [InlineData("timer", "90", SessionTimerError.None)]
    public void Only_a_peer_that_knows_timers_is_told_that_its_interval_is_too_small(string supported, string asked, SessionTimerError expected)
    {
        Assert.Equal(expected, Agree(supported, asked, "", Policy, out var timer));
        if (expected == SessionTimerError.None && asked == "89") Assert.False(timer.IsRunning);
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("-1")]
    [InlineData("600;refresher")]
    [InlineData("600;refresher=me")]
    [InlineData("600;refresher=uac;refresher=uas")]
    [InlineData("4294967296")]
    [InlineData("")]
    public void A_field_that_cannot_be_read_is_refused(string asked)
    {
        var headers = SipHeaders.Empty.Append("Session-Expires", asked);
        Assert.False(SessionExpires.TryRead(headers, out _));
    }

    [Fact]
    public void Unknown_parameters_are_let_be()
    {
        Assert.True(SessionExpires.TryRead(SipHeaders.Empty.Append("Session-Expires", "600;x=1;refresher=uas;y"), out var value));
        Assert.Equal(new SessionExpires(TimeSpan.FromMinutes(10), Refresher.Server), value);
    }

    [Fact]
    public void A_peer_that_asks_for_a_timer_gets_one_though_we_ask_for_none()
    {
        Assert.Equal(SessionTimerError.None, Agree("timer", "", "", SessionTimerPolicy.Passive, out var none));
        Assert.False(none.IsRunning);
        Assert.Equal(SessionTimerError.None, Agree("timer", "7200", "", SessionTimerPolicy.Passive, out var asked));
        Assert.Equal(TimeSpan.FromHours(2), asked.Interval);
    }

    [Fact]
    [Trait("RFC", "4028 §7.2")]
    public void A_response_says_who_refreshes_and_without_one_we_do()
    {
        var ours = new SessionTimer(TimeSpan.FromMinutes(30), true, false, TimeSpan.Zero);
        Assert.Equal(ours, ours.Agree(Response()));
        var theirs = ours.Agree(Response(("Session-Expires", "900;refresher=uas")));
        Assert.Equal((TimeSpan.FromMinutes(15), false, true), (theirs.Interval, theirs.WeRefresh, theirs.PeerSupports));
        Assert.True(theirs.Agree(Response(("Session-Expires", "900;refresher=uac"))).WeRefresh);
    }

    [Fact]
    [Trait("RFC", "4028 §7.4")]
    public void After_a_422_the_next_request_asks_for_what_it_said()
    {
        var ours = new SessionTimer(TimeSpan.FromMinutes(30), true, false, TimeSpan.Zero);
        Assert.False(ours.TryLengthen(Response(("Min-SE", "1800")), out _));
        Assert.False(ours.TryLengthen(Response(), out _));
        Assert.True(ours.TryLengthen(Response(("Min-SE", "3600")), out var longer));
        var headers = longer.InRequest(SipHeaders.Empty);
        Assert.Equal(("3600;refresher=uac", "3600"), (headers.First("Session-Expires"), headers.First("Min-SE")));
        Assert.Equal(ours.Interval, longer.Interval);
    }

    [Theory]
    [Trait("RFC", "4028 §10")]
    [InlineData(90, 45, 60)]
    [InlineData(1800, 900, 1768)]
    public void The_refresh_comes_at_half_and_the_end_before_the_expiration(int interval, int refresh, int end)
    {
        var timer = new SessionTimer(TimeSpan.FromSeconds(interval), true, true, TimeSpan.Zero);
        Assert.Equal((refresh, end), (timer.UntilRefresh.TotalSeconds, timer.UntilGivenUp.TotalSeconds));
    }

    private static SessionTimerError Agree(string supported, string asked, string least, SessionTimerPolicy policy, out SessionTimer timer)
    {
        var text = "INVITE sip:room@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:room@b>\r\n" +
            "Call-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:a@192.0.2.7>\r\n" +
            (supported.Length > 0 ? $"k: {supported}\r\n" : "") + (asked.Length > 0 ? $"x: {asked}\r\n" : "") +
            (least.Length > 0 ? $"Min-SE: {least}\r\n" : "") + "\r\n";
        Assert.True(SipReader.TryRead(Encoding.UTF8.GetBytes(text), out var message, out var error), error.Detail);
        return SessionTimer.Agree((SipRequest)message!, SessionTimer.None, policy, out timer);
    }

    private static SipResponse Response(params (string Name, string Value)[] extra) => new(200, "OK")
    {
        Headers = extra.Aggregate(SipHeaders.Empty, (h, e) => h.Append(e.Name, e.Value)),
    };
}
