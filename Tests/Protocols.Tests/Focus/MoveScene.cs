using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Legs that are told of another mixer.</summary>
internal static class MoveScene
{
    public static readonly MixerId Second = Mixer with { Incarnation = 2 };
    public static readonly MixerId Third = Mixer with { Incarnation = 3 };

    public static void Ends(ParticipantScene scene, MixerId mixer)
    {
        Assert.Equal(LeaveReason.MediaFailed, scene.Only<Leave>().Reason);
        Assert.Equal(mixer, scene.Only<CloseLeg>().Mixer);
        Assert.Equal("BYE", Sent(scene).Method.Name);
    }

    /// <summary>Ports at the new mixer, and leave to say so.</summary>
    public static void Place(ParticipantScene scene, MixerId mixer)
    {
        Move(scene, mixer, mayOffer: true);
        Open(scene, mixer);
        foreach (var set in scene.Effects.OfType<SetLegMedia>()) set.Media.Dispose();
    }

    public static void Move(ParticipantScene scene, MixerId mixer, bool mayOffer, long incarnation = 1) =>
        scene.Do(new ParticipantInput.MoveRequested(Room, mixer, new Incarnation(incarnation), mayOffer));

    public static int PortOf(MixerId mixer) => 40000 + (int)mixer.Incarnation * 100;

    public static void Open(ParticipantScene scene, MixerId mixer) =>
        scene.Do(new ParticipantInput.LegOpened(mixer, Ports.WithPort(PortOf(mixer)), Ports.WithPort(PortOf(mixer) + 1)));
}
