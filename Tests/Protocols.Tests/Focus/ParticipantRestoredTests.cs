using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A participant that came back on another node of a cluster, with nothing but the stored facts of its dialog, as long as it has no more than those.</summary>
public sealed class ParticipantRestoredTests
{
    [Fact]
    public void A_dialog_of_the_journal_on_a_node_alone_takes_no_new_key_and_says_so()
    {
        var scene = Restored(isCluster: false);
        Refuses(scene);
    }

    [Fact]
    public void A_dialog_that_is_keyed_by_tickets_takes_no_new_key_either_when_nothing_was_left_of_it()
    {
        var scene = Restored(byTicket: true);
        var key = GroupKey.Generate(new KeyEpoch(7), SrtpProfile.Usual, span => span.Fill(1));
        scene.Do(new ParticipantInput.KeyOffered(Room, key, null));
        scene.None<ReportKey>();
        NothingLeft(scene);
        Assert.Equal(new ReportKey(Room, LegKeyAnswer.Refused, new KeyEpoch(7), TimeSpan.Zero), scene.Only<ReportKey>());
        Assert.Same(key, scene.Only<Destroy>().Secrets);
    }

    [Fact]
    [Trait("RFC", "3261 §13.3.1.4")]
    public void A_2xx_to_an_offer_of_its_former_life_gets_its_ACK()
    {
        var former = ParticipantScene.Confirmed();
        former.Fire(ParticipantTimer.Refresh);
        var lost = former.Only<SendRequest>().Request;
        Assert.Equal(SipMethod.Invite, lost.Method);

        var scene = Restored();
        scene.Reply(lost, 200, Offer(1));
        var ack = scene.Only<SendAck>().Request;
        Assert.Equal((lost.Headers.CSeq.Number, $"{lost.RequestUri}"), (ack.Headers.CSeq.Number, $"{ack.RequestUri}"));
        scene.Reply(lost, 488);
        scene.None<SendAck>();
    }

    [Fact]
    [Trait("RFC", "4028 §9")]
    public void A_session_refresh_is_taken_and_watched()
    {
        var scene = Restored();
        scene.Receive(Later("UPDATE", 2, extra: "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n"));
        Assert.Equal((200, "1800;refresher=uac"), (scene.Response.StatusCode, scene.Response.Headers.First("Session-Expires")));
        Assert.Equal(ParticipantTimer.SessionExpired, scene.Only<Start>().Timer);
        scene.None<Leave>();
        scene.Receive(Later("UPDATE", 3, extra: "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n"));
        Assert.Equal(200, scene.Response.StatusCode);

        scene.Do(new ParticipantInput.Fired(ParticipantTimer.SessionExpired));
        Assert.Equal(SipMethod.Bye, scene.Only<SendRequest>().Request.Method);
        Assert.Equal(new Leave(Room, LeaveReason.SessionExpired), scene.Only<Leave>());
    }

    [Theory]
    [Trait("RFC", "3261 §14.1")]
    [InlineData("INVITE", true)]
    [InlineData("INVITE", false)]
    [InlineData("UPDATE", true)]
    public void A_change_of_the_session_is_refused_and_the_call_goes_on(string method, bool hasOffer)
    {
        var scene = Restored(byTicket: true);
        scene.Receive(Later(method, 2, hasOffer ? Offer(2, key: 9) : ""));
        NothingLeft(scene);
        Assert.Equal(488, scene.Response.StatusCode);
        Assert.Contains("goes on as it is", scene.Response.Headers.First("Warning"), StringComparison.Ordinal);
        scene.None<Leave>();
        scene.Receive(Later("BYE", 3));
        Assert.Equal(200, scene.Response.StatusCode);
        Assert.Equal(new Leave(Room, LeaveReason.Bye), scene.Only<Leave>());
    }

    [Fact]
    public void What_is_out_of_order_or_not_for_a_dialog_is_refused_as_in_any_other()
    {
        var scene = Restored();
        scene.Receive(Later("OPTIONS", 5));
        Assert.Equal(200, scene.Response.StatusCode);
        scene.Receive(Later("UPDATE", 4));
        Assert.Equal(500, scene.Response.StatusCode);
        scene.Receive(Later("UPDATE", 6, extra: "Require: magic\r\n"));
        Assert.Equal(420, scene.Response.StatusCode);
        scene.None<Leave>();
    }

    /// <summary>Its media is forwarded unopened.</summary>
    private static void NothingLeft(ParticipantScene scene)
    {
        scene.Do(new ParticipantInput.MoveRequested(Room, Mixer, new Incarnation(1), MayOffer: false));
        scene.Do(new ParticipantInput.LegFound(Mixer, null));
    }

    private static void Refuses(ParticipantScene scene)
    {
        var key = GroupKey.Generate(new KeyEpoch(7), SrtpProfile.Usual, span => span.Fill(1));
        scene.Do(new ParticipantInput.KeyOffered(Room, key, null));
        Assert.Equal(new ReportKey(Room, LegKeyAnswer.Refused, new KeyEpoch(7), TimeSpan.Zero), scene.Only<ReportKey>());
        Assert.Same(key, scene.Only<Destroy>().Secrets);
    }

    private static ParticipantScene Restored(bool isCluster = true, bool byTicket = false)
    {
        var fact = (DialogFact.DialogConfirmed)ParticipantScene.Confirmed().Only<Store>().Fact with { IsByTicket = byTicket };
        var scene = new ParticipantScene();
        scene.Context = scene.Context with { Settings = scene.Context.Settings with { CallsOutliveNode = isCluster } };
        scene.Do(new ParticipantInput.Recovered([fact]));
        return scene;
    }
}
