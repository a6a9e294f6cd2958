using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A proxy in the route asks who we are when we send something in the dialog.</summary>
[Trait("RFC", "3261 §22.3")]
public sealed class ParticipantProofTests
{
    private static readonly SessionTimerPolicy Policy = new(TimeSpan.FromMinutes(30), SessionExpires.DefaultMinimum);

    [Fact]
    public void A_BYE_that_is_challenged_goes_out_again_with_the_next_CSeq_and_credentials()
    {
        var scene = Confirmed();
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        var first = scene.Only<SendRequest>().Request;
        Assert.Null(first.Headers.First("Proxy-Authorization"));

        scene.Reply(first, 407, "", Challenge("n1"));
        var second = scene.Only<SendRequest>().Request;
        Assert.Equal((SipMethod.Bye, first.Headers.CSeq.Number + 1), (second.Method, second.Headers.CSeq.Number));
        Assert.Contains("nonce=\"n1\"", second.Headers.First("Proxy-Authorization"), StringComparison.Ordinal);
        Assert.Equal(first.Headers.First("Reason"), second.Headers.First("Reason"));

        scene.Reply(second, 200);
        Assert.IsType<ParticipantState.Ended>(scene.State);
    }

    [Fact]
    public void A_BYE_that_no_password_helps_is_over()
    {
        var scene = Confirmed();
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        scene.Reply(scene.Only<SendRequest>().Request, 407, "", Challenge("n1"));
        scene.Reply(scene.Only<SendRequest>().Request, 407, "", Challenge("n2"));
        Assert.IsType<ParticipantState.Ended>(scene.State);
    }

    [Fact]
    public void A_server_whose_nonces_are_always_old_is_answered_four_times()
    {
        var scene = Confirmed();
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        for (var i = 0; i < 20 && scene.State is ParticipantState.Ending; i++)
            scene.Reply(scene.Only<SendRequest>().Request, 407, "", Challenge($"n{i}", ", stale=true"));
        Assert.IsType<ParticipantState.Ended>(scene.State);
        Assert.Equal(5, scene.All.OfType<SendRequest>().Count());
    }

    [Theory]
    [InlineData("Allow: INVITE, ACK, BYE, UPDATE\r\n", "UPDATE")]
    [InlineData("", "INVITE")]
    public void A_refresh_that_is_challenged_is_tried_again_and_the_next_one_has_the_credentials_at_once(string allow, string method)
    {
        var scene = new ParticipantScene(Policy);
        scene.Receive(Request("INVITE", sdp: Offer(), extra: allow));
        scene.Accept();
        scene.Open();
        scene.Ack();
        scene.Fire(ParticipantTimer.Refresh);
        scene.Reply(scene.Only<SendRequest>().Request, 407, "", Challenge("n1"));
        var again = scene.Only<SendRequest>().Request;
        Assert.Equal(method, again.Method.Name);
        Assert.Contains("nc=00000001", again.Headers.First("Proxy-Authorization"), StringComparison.Ordinal);

        scene.Reply(again, 200, method == "INVITE" ? Offer() : "");
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
        scene.Fire(ParticipantTimer.Refresh);
        Assert.Contains("nc=00000002", scene.Only<SendRequest>().Request.Headers.First("Proxy-Authorization"), StringComparison.Ordinal);
    }

    /// <summary>Whoever knows the tags of a dialog is not yet the one who joined.</summary>
    [Theory]
    [Trait("RFC", "3261 §22.1")]
    [InlineData("BYE", "mallory", IdentityProof.Digest, 403)]
    [InlineData("BYE", "alice", IdentityProof.Digest, 200)]
    [InlineData("BYE", "sip:proxy.example", IdentityProof.Asserted, 200)]
    [InlineData("UPDATE", "mallory", IdentityProof.Digest, 403)]
    [InlineData("INVITE", "mallory", IdentityProof.Certificate, 403)]
    public void A_request_of_another_caller_in_the_dialog_is_refused(string method, string name, IdentityProof proof, int status)
    {
        var scene = new ParticipantScene();
        Arrive(scene, Request("INVITE", sdp: Offer()), new CallerIdentity("alice", IdentityProof.Digest, false));
        scene.Accept();
        scene.Open();
        scene.Ack();
        Arrive(scene, Request(method, "z9hG4bK2", 2, Id.Value, method == "BYE" ? "" : Offer()), new CallerIdentity(name, proof, false));
        Assert.Equal(status, scene.Response.StatusCode);
        Assert.Equal(status == 403, scene.State is ParticipantState.Confirmed);
    }

    private static void Arrive(ParticipantScene scene, SipRequest request, CallerIdentity caller) =>
        scene.Do(new ParticipantInput.RequestArrived(TransactionKey.OfReceived(request), request, Flow) { Caller = caller });

    private static (string Name, string Value) Challenge(string nonce, string more = "") =>
        ("Proxy-Authenticate", $"Digest realm=\"proxy\", nonce=\"{nonce}\", qop=\"auth\", algorithm=SHA-256{more}");
}
