using System.Collections.Immutable;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// Which mixers of a conference send to each other: all in charge, where there are several, and one that leaves gently as long as it has legs, so that those who
/// have gone on and those who have not hear each other. Whenever the set is another, all keys between them are others, so that who was replaced hears nothing more.
/// </summary>
internal static class MixerTrunks
{
    /// <summary>Before states are told.</summary>
    public static ConferenceLife Joined(ConferenceLife life)
    {
        // What is forwarded unopened cannot be sent on as a mix.
        var leaving = life.State.IsSwitching ? [] : life.Leaving.Values.Select(l => l.Published.Mixer);
        var charged = life.State.Mixers.Keys.Select(n => life.State.MixerOf(n)!.Value);
        var mixers = charged.Concat(leaving).OrderBy(m => m.Number).ThenBy(m => m.Incarnation).ToImmutableArray();
        if (life.Trunk.Mixers.AsSpan().SequenceEqual(mixers.AsSpan())) return life;
        return life with { Trunk = (mixers, Math.Max(life.Trunk.Generation, TrunkPlan.First(life.State.Incarnation)) + 1) };
    }

    /// <summary>For the state of a mixer; null: it is the only one.</summary>
    public static TrunkPlan? Of(ConferenceLife life, MixerId mixer) => life.Trunk.Mixers.Length < 2
        ? null
        : new TrunkPlan(life.Trunk.Generation, [.. life.Trunk.Mixers.Where(m => m != mixer).Select(m => new TrunkPeer(m, AddressOf(life, m)))]);

    /// <summary>Where it takes packets is told to the others when it is news.</summary>
    public static ConferenceLife Heard(ConferenceLife life, KnownMixer known, TrunkReport report)
    {
        if (report.Address is not { } address || address == known.Trunk) return life;
        return life with { Known = life.Known.SetItem(known.Number, known with { Trunk = address }), Looked = default };
    }

    /// <summary>It does what it was told, but has not the keys for it.</summary>
    public static bool LacksKeys(MixerState published, TrunkReport report) => published.Trunk is { } plan && report.Generation < plan.Generation;

    private static MediaAddress? AddressOf(ConferenceLife life, MixerId mixer)
    {
        if (life.Known.TryGetValue(mixer.Number, out var known) && known.Published.Mixer == mixer) return known.Trunk;
        return life.Leaving.TryGetValue(mixer.Number, out var leaving) && leaving.Published.Mixer == mixer ? leaving.Trunk : null;
    }
}
