using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Wire;
using Xunit;
using static ConfCluster.Protocols.Tests.Focus.DialScene;

namespace ConfCluster.Protocols.Tests.Focus;

[Trait("RFC", "3261 §22.2")]
public sealed class DialChallengeTests
{
    private const string Callee = "WWW-Authenticate: Digest realm=\"callee\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n";
    private const string Proxy = "Proxy-Authenticate: Digest realm=\"proxy\", nonce=\"n2\", qop=\"auth\"\r\n";

    [Fact]
    public void A_challenge_is_answered_with_the_next_CSeq_and_the_same_offer()
    {
        var scene = Challenged();
        scene.Respond(401, extra: Callee);
        Assert.Equal(["INVITE 1 - 192.0.2.5:5060", "INVITE 2 - 192.0.2.5:5060"], scene.Sent);
        Assert.Contains("realm=\"callee\"", scene.Invite.Headers.First("Authorization"), StringComparison.Ordinal);
        Assert.Single(scene.Offers.Select(o => o.Origin).Distinct());
    }

    [Fact]
    [Trait("RFC", "7616 §3.4")]
    public void A_nonce_that_is_used_again_is_counted_on()
    {
        var scene = Challenged();
        scene.Respond(401, extra: Callee);
        scene.Respond(407, extra: Proxy);
        var headers = scene.Invite.Headers;
        Assert.Contains("nc=00000002", headers.First("Authorization"), StringComparison.Ordinal);
        Assert.Contains("nc=00000001", headers.First("Proxy-Authorization"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_realm_that_refuses_our_password_is_not_told_again()
    {
        var scene = Challenged();
        scene.Respond(401, extra: Callee);
        scene.Respond(401, extra: Callee.Replace("n1", "n3", StringComparison.Ordinal));
        Assert.Equal((CalloutState.Failed, 401), (scene.Report.State, scene.Report.Status));
    }

    [Fact]
    public void An_old_nonce_is_no_refusal()
    {
        var scene = Challenged();
        scene.Respond(401, extra: Callee);
        scene.Respond(401, extra: Callee.Replace("n1", "n3\", stale=true, opaque=\"", StringComparison.Ordinal));
        Assert.Contains("nonce=\"n3\"", scene.Invite.Headers.First("Authorization"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_asks_for_ever_is_left()
    {
        var scene = Challenged();
        for (var i = 0; i < 20 && scene.State is ParticipantState.Calling; i++)
            scene.Respond(401, extra: Callee.Replace("n1", $"n{i}\", stale=true, opaque=\"", StringComparison.Ordinal));
        Assert.Equal(5, scene.Sent.Count());
    }

    [Fact]
    public void A_realm_that_we_have_no_password_for_has_refused_us()
    {
        var scene = Challenged();
        scene.Respond(401, extra: Callee.Replace("callee", "stranger", StringComparison.Ordinal));
        Assert.Single(scene.Sent);
        Assert.Equal(401, scene.Report.Status);
    }

    [Fact]
    [Trait("RFC", "3261 §13.2.2.4")]
    public void The_ACK_has_the_credentials_of_its_INVITE()
    {
        var scene = Challenged();
        scene.Respond(401, extra: Callee);
        scene.Respond(200, sdp: Answer());
        scene.Accept();
        var ack = scene.Effects.OfType<ParticipantEffect.SendAck>().Single().Request;
        Assert.Equal(scene.Invite.Headers.First("Authorization"), ack.Headers.First("Authorization"));
    }

    private static DialScene Challenged() => Calling(new OutboundPolicy
    {
        Allow = [new CalleePattern("*", "*")],
        Credentials =
        [
            new DigestAccount("callee", "focus", SecretBytes.CopyOf("one"u8)), new DigestAccount("proxy", "focus", SecretBytes.CopyOf("two"u8)),
        ],
    });
}
