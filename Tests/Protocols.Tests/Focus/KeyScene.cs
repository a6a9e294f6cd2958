using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>What tests of group keys look at.</summary>
internal static class KeyScene
{
    public static void Take(ParticipantScene scene, uint epoch, uint inUse)
    {
        scene.OfferKey(epoch, inUse);
        scene.Reply(Sent(scene), 200, Offer(1, mki: "|1:4"));
        Assert.Equal(LegKeyAnswer.Took, scene.Only<ReportKey>().Answer);
    }

    public static SipRequest Sent(ParticipantScene scene) => scene.Only<SendRequest>().Request;

    public static uint[] MkisIn(SipBody body)
    {
        using var session = Description(body);
        return [.. session.Media[0].Crypto.SelectMany(c => c.Keys).Select(k => (uint)k.Mki.Value)];
    }
}
