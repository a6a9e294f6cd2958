using System.Net;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>The node is gone that alone could reach the peer: it stays in the conference and comes by itself.</summary>
public sealed class ParticipantCutOffTests
{
    private static readonly SessionTimerPolicy Policy = new(TimeSpan.FromMinutes(30), SessionExpires.DefaultMinimum);
    private static readonly SipFlow Nat = Flow with { Remote = new IPEndPoint(IPAddress.Parse("203.0.113.5"), 3456), Node = "n1" };
    private static readonly SipFlow Tcp = new(SipTransport.Tcp, Flow.Local, new IPEndPoint(IPAddress.Loopback, 41234), 9) { Node = "n1" };
    private static readonly SipFlow Tls = Tcp with { Transport = SipTransport.Tls };

    /// <summary>As it comes by another node.</summary>
    private static readonly SipFlow Other = new(SipTransport.Tls, Flow.Local, new IPEndPoint(IPAddress.Loopback, 41300), 3) { Node = "n2" };

    [Fact]
    [Trait("RFC", "3581 §4")]
    public void A_peer_behind_a_NAT_is_asked_once_at_the_address_that_it_had()
    {
        var scene = Member(Nat);
        Gone(scene);
        var asked = scene.Only<SendRequest>();
        Assert.Equal(("UPDATE", "n2", Nat.Remote), (asked.Request.Method.Name, asked.Flow.Node, asked.Flow.Remote));
        Assert.True(asked.KeepsTransport);
        scene.Reply(asked.Request, 200);
        Assert.False(Participation(scene).IsCutOff);

        // It is there, so keys reach it.
        scene.OfferKey(2, 1);
        Assert.Equal("n2", scene.Only<SendRequest>().Flow.Node);
    }

    [Fact]
    public void A_peer_whose_NAT_lets_in_nobody_else_is_not_hung_up_on_and_told_nothing_until_it_comes()
    {
        var scene = Member(Nat);
        Gone(scene);
        var asked = scene.Only<SendRequest>().Request;
        scene.Do(new ParticipantInput.TransactionFailed(TransactionKey.OfSent(Viaed(asked)), TransactionFailure.Timeout));
        Assert.True(Participation(scene).IsCutOff);
        scene.None<Leave>();
        foreach (var timer in new[] { ParticipantTimer.Refresh, ParticipantTimer.Retry })
        {
            scene.Fire(timer);
            scene.None<SendRequest>();
        }

        scene.OfferKey(2, 1);
        scene.None<SendRequest>();
        scene.None<ReportKey>();

        // The conference may have begun another key by then, so it is asked.
        scene.Receive(Later("UPDATE", 2), Nat with { Node = "n3" });
        Assert.Equal(200, scene.Response.StatusCode);
        var report = scene.Only<ReportKey>();
        Assert.Equal((LegKeyAnswer.NotNow, 2u, TimeSpan.Zero), (report.Answer, report.Epoch.Number, report.Wait));
        scene.OfferKey(3, 1);
        Assert.Equal((Nat.Remote, "n3"), (scene.Only<SendRequest>().Flow.Remote, scene.Only<SendRequest>().Flow.Node));
        scene.Reply(Sent(scene), 200, Offer(1, mki: "|1:4"));
        Assert.Equal(LegKeyAnswer.Took, scene.Only<ReportKey>().Answer);
    }

    [Fact]
    public void A_peer_that_comes_while_it_is_asked_is_not_asked_any_more()
    {
        var scene = Member(Nat);
        Gone(scene);
        var asked = scene.Only<SendRequest>().Request;
        scene.OfferKey(2, 1);
        scene.Receive(Later("OPTIONS", 2), Nat with { Node = "n3" });
        Assert.Equal(200, scene.Response.StatusCode);
        Assert.Equal(LegKeyAnswer.NotNow, scene.Only<ReportKey>().Answer);
        Assert.False(Participation(scene).IsCutOff);

        // OPTIONS tells it no address of ours: a refresh does.
        Assert.Contains(new Start(ParticipantTimer.Retry, TimeSpan.Zero), scene.Effects);
        scene.Fire(ParticipantTimer.Retry);
        Assert.Equal("n3", scene.Only<SendRequest>().Flow.Node);
        scene.Reply(asked, 200);
        Assert.IsType<ParticipantState.Asking>(scene.State);
    }

    [Theory]
    [InlineData(TakesUpdate)]
    [InlineData("")]
    public void A_key_that_was_on_its_way_to_a_peer_over_TLS_waits_for_its_next_connection(string allow)
    {
        var scene = Member(Tls, allow);
        scene.OfferKey(2, 1);
        var lost = Sent(scene);
        Gone(scene);
        scene.None<SendRequest>();
        Assert.Equal(LegKeyAnswer.NotNow, scene.Only<ReportKey>().Answer);
        Assert.True(Participation(scene).IsCutOff);

        scene.OfferKey(2, 1);
        scene.None<SendRequest>();
        scene.Receive(Later("UPDATE", 2), Other);
        Assert.Equal(LegKeyAnswer.NotNow, scene.Only<ReportKey>().Answer);
        Assert.Equal(Other, Participation(scene).Flow);
        // RFC 3261 §13.3.1.4: if it answered the re-INVITE, it repeats that 2xx until its ACK and would end the call without.
        if (allow.Length > 0) scene.None<SendAck>();
        else Assert.Equal((lost.Headers.CSeq.Number, Other.Node), (scene.Only<SendAck>().Request.Headers.CSeq.Number, scene.Only<SendAck>().Flow.Node));
        scene.OfferKey(2, 1);
        Assert.Equal("n2", scene.Only<SendRequest>().Flow.Node);
    }

    [Theory]
    [InlineData(SipTransport.Udp, "n2", 9, 0)]
    [InlineData(SipTransport.Tls, "n2", 9, 0)]
    [InlineData(SipTransport.Tls, "n1", 10, 0)]
    [InlineData(SipTransport.Udp, "n1", 0, 1)]
    public void Who_comes_another_way_before_we_miss_the_one_of_before_is_told_again_what_went_there(SipTransport transport, string node, long connection, int port)
    {
        var before = transport == SipTransport.Udp ? Nat : Tls;
        var scene = Member(before);
        scene.OfferKey(2, 1);
        var lost = Sent(scene);
        var now = before with { Node = node, Connection = connection, Remote = new IPEndPoint(before.Remote.Address, before.Remote.Port + port) };
        scene.Receive(Later("UPDATE", 2), now);
        var report = scene.Only<ReportKey>();
        Assert.Equal((LegKeyAnswer.NotNow, 2u), (report.Answer, report.Epoch.Number));
        scene.OfferKey(2, 1);
        var again = scene.Only<SendRequest>().Flow;
        Assert.Equal((node, now.Connection), (again.Node, again.Connection));
        if (transport == SipTransport.Udp) Assert.Equal(now.Remote, again.Remote);

        // The answer to the first is nobody's, and its end ends nothing.
        scene.Reply(lost, 200, Offer(1, mki: "|1:4"));
        scene.None<ReportKey>();
        Assert.IsType<ParticipantState.Asking>(scene.State);
    }

    [Fact]
    public void Who_comes_the_way_that_is_known_does_not_disturb_what_is_out()
    {
        var scene = Member(Tls);
        scene.OfferKey(2, 1);
        var sent = Sent(scene);
        scene.Receive(Later("UPDATE", 2), Tls);
        scene.None<ReportKey>();
        scene.Reply(sent, 200, Offer(1, mki: "|1:4"));
        Assert.Equal(LegKeyAnswer.Took, scene.Only<ReportKey>().Answer);
    }

    [Theory]
    [Trait("RFC", "3261 §12.2.1.2")]
    [InlineData(SipTransport.Tcp, TransactionFailure.Transport, true)]
    [InlineData(SipTransport.Tls, TransactionFailure.Transport, true)]
    [InlineData(SipTransport.Tcp, TransactionFailure.Timeout, false)]
    [InlineData(SipTransport.Udp, TransactionFailure.Transport, false)]
    [InlineData(SipTransport.Udp, TransactionFailure.Timeout, false)]
    public void A_connection_that_nobody_takes_cuts_off_and_silence_ends_the_call(SipTransport transport, TransactionFailure failure, bool isKept)
    {
        var scene = Member(transport == SipTransport.Udp ? Flow with { Node = "n1" } : Tcp with { Transport = transport });
        scene.OfferKey(2, 1);
        scene.Do(new ParticipantInput.TransactionFailed(TransactionKey.OfSent(Viaed(Sent(scene))), failure));
        Assert.Equal(isKept, scene.State is ParticipantState.Confirmed { Participation.IsCutOff: true });
        if (isKept) Assert.Equal(new Count(ParticipantRefusal.CutOff), scene.Only<Count>());
        else Assert.Equal(LeaveReason.Unreachable, scene.Only<Leave>().Reason);
    }

    [Fact]
    [Trait("RFC", "4028 §10")]
    public void Who_never_comes_leaves_with_its_session()
    {
        var scene = Member(Tls);
        Gone(scene);
        scene.Fire(ParticipantTimer.SessionExpired);
        Assert.Equal(LeaveReason.SessionExpired, scene.Only<Leave>().Reason);
    }

    [Fact]
    public void Who_is_moved_to_another_mixer_meanwhile_hears_it_when_it_comes()
    {
        var scene = Member(Tls);
        Gone(scene);
        var mixer = new MixerId(Room, 0, 2);
        scene.Do(new ParticipantInput.MoveRequested(Room, mixer, new Incarnation(1), MayOffer: true));
        scene.Do(new ParticipantInput.LegOpened(mixer, Ports.WithPort(40100), Ports.WithPort(40101)));

        // Media is there at once, for a phone that takes it from anywhere.
        scene.Only<SetLegMedia>().Media.Dispose();
        scene.None<SendRequest>();
        scene.Receive(Later("UPDATE", 2), Other);
        var told = scene.Only<SendRequest>().Request;
        using var session = Description(told.Body);
        Assert.Equal(40100, session.Media[0].Line.Port);
        scene.Reply(told, 200, Offer(1, mki: "|1:4"));
        Assert.Equal(mixer, scene.Only<ReportMoved>().Mixer);
    }

    [Fact]
    public void A_stranger_is_not_taken_for_it()
    {
        var scene = Member(Tls);
        Gone(scene);
        scene.Receive(Request("UPDATE", "z9hG4bKx", 2, Id.Value, fromTag: "mallory"), Other);
        Assert.Equal(481, scene.Response.StatusCode);
        Assert.True(Participation(scene).IsCutOff);
    }

    private static ParticipantScene Member(SipFlow flow, string allow = TakesUpdate)
    {
        var scene = new ParticipantScene(Policy);
        scene.Receive(Request("INVITE", sdp: Offer(mki: "|1:4"), extra: allow), flow);
        scene.Accept(Group(1));
        scene.Open();
        scene.Ack();
        return scene;
    }

    private static Participation Participation(ParticipantScene scene) => scene.State switch
    {
        ParticipantState.Confirmed s => s.Participation,
        _ => Assert.IsType<ParticipantState.Asking>(scene.State).Participation,
    };

    private static SipRequest Viaed(SipRequest request) =>
        request with { Headers = request.Headers.Prepend("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours") };

    private static void Gone(ParticipantScene scene) => scene.Do(new ParticipantInput.SipNodeGone("n2"));
}
