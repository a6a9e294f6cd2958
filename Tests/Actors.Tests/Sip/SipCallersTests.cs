using System.Text;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

public sealed class SipCallersTests : SipEndpointScene
{
    /// <param name="isNew">It is added between the challenge and its answer.</param>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("RFC", "3261 §22.2")]
    public void A_caller_is_asked_and_nothing_is_kept_until_it_has_answered(bool isNew)
    {
        var path = Path.Combine(Path.GetTempPath(), $"users-{Guid.NewGuid():N}");
        using var password = SecretBytes.CopyOf("secret"u8);
        using var users = UserTable.Empty.With("alice", "realm", password);
        if (!isNew) Assert.Null(UserFile.Save(path, users));
        var policy = new AuthenticationPolicy(true, "realm", [DigestAlgorithm.Sha256]);
        var endpoint = Start(Settings with { Auth = new AuthSettings(policy, path) });
        var phone = Udp(endpoint);
        phone.Send(phone.Request("INVITE"));
        var challenge = phone.Answer();
        Assert.Equal(401, challenge.StatusCode);
        Assert.Equal(0, Listening(endpoint).Transactions);
        ExpectSilence();

        if (isNew) Assert.Null(UserFile.Save(path, users));
        Assert.True(DigestClient.Of(new DigestAccount("realm", "alice", password)).TryLearn(challenge, out var client));
        Assert.True(SipReader.TryRead(Encoding.UTF8.GetBytes(phone.Request("INVITE", "z9hG4bKb", cseq: 2)), out var read, out _));
        var (_, request) = client.Authorize((SipRequest)read!, bytes => bytes.Fill(1));
        var text = phone.Request("INVITE", "z9hG4bKb", cseq: 2, extra: $"Authorization: {request.Headers.First("Authorization")}\r\n");
        phone.Send(text);
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Assert.Equal(new CallerIdentity("alice", IdentityProof.Digest, false), arrived.Caller);
        // A copy is its transaction's: its nonce count is not judged again.
        phone.Send(text);
        Assert.Equal(100, phone.Response().StatusCode);
        Assert.Equal(100, phone.Response().StatusCode);
        ExpectSilence();
        File.Delete(path);
    }
}
