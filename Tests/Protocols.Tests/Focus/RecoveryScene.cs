using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Sessions;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Participants whose node died, and their next lives.</summary>
internal static class RecoveryScene
{
    public static readonly MixerId Second = Mixer with { Incarnation = 2 };

    /// <summary>The peer has had a group key; the fact and the record of a former life, and a life that knows only the fact.</summary>
    public static (ParticipantScene Scene, LegRecord Record) Recovering(SessionTimerPolicy? timer = null)
    {
        var before = InCluster(timer);
        return (NextLife(before, timer), before.Only<KeepLeg>().Record);
    }

    public static ParticipantScene NextLife(ParticipantScene before, SessionTimerPolicy? timer)
    {
        var fact = Aged(before.All.OfType<Store>().Single().Fact, 60, before.Context.Now);
        var scene = new ParticipantScene(timer);
        Cluster(scene);
        byte draws = 0;
        scene.Context = scene.Context with
        {
            Random = s => System.Security.Cryptography.SHA256.HashData([++draws, 99]).AsSpan(0, s.Length).CopyTo(s),
        };
        scene.Do(new ParticipantInput.Recovered([fact]));
        Assert.IsType<ParticipantState.Restored>(scene.State);
        Assert.Empty(scene.Effects);
        return scene;
    }

    public static ParticipantScene InCluster(SessionTimerPolicy? timer = null)
    {
        var scene = new ParticipantScene(timer);
        Cluster(scene);
        scene.Receive(Request("INVITE", sdp: Offer(mki: "|1:4"), extra: TakesUpdate));
        scene.Accept(Group(1));
        scene.Open();
        scene.Ack();
        return scene;
    }

    public static void Cluster(ParticipantScene scene) =>
        scene.Context = scene.Context with { Settings = scene.Context.Settings with { CallsOutliveNode = true } };

    public static void Lose(ParticipantScene scene)
    {
        Move(scene, Second);
        Find(scene, null, Second);
        scene.Do(new ParticipantInput.LegOpened(Second, Ports.WithPort(41000), Ports.WithPort(41001)));
    }

    public static void Move(ParticipantScene scene, MixerId mixer, bool mayOffer = false, long incarnation = 1) =>
        scene.Do(new ParticipantInput.MoveRequested(Room, mixer, new Incarnation(incarnation), mayOffer));

    public static void Find(ParticipantScene scene, LegRecord? record, MixerId? mixer = null) => scene.Do(new ParticipantInput.LegFound(mixer ?? Mixer, record));
}
