using System.Collections.Immutable;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// Which mixers of a conference send to each other: all in charge, where there are several. Whenever the set is another, all keys between them are others, so that
/// who was replaced hears nothing more.
/// </summary>
internal static class MixerTrunks
{
    /// <summary>Before states are told.</summary>
    public static ConferenceLife Joined(ConferenceLife life)
    {
        // Not one that leaves gently: its legs are at its successor, too, and would hear themselves from there.
        ImmutableArray<MixerId> mixers = [.. life.State.Mixers.Keys.Select(n => life.State.MixerOf(n)!.Value)];
        if (life.Trunk.Mixers.AsSpan().SequenceEqual(mixers.AsSpan())) return life;
        return life with { Trunk = (mixers, Math.Max(life.Trunk.Generation, TrunkPlan.First(life.State.Incarnation)) + 1) };
    }

    /// <summary>For the state of a mixer; null: it is the only one.</summary>
    public static TrunkPlan? Of(ConferenceLife life, MixerId mixer) => life.Trunk.Mixers.Length < 2
        ? null
        : new TrunkPlan(life.Trunk.Generation, [.. life.Trunk.Mixers.Where(m => m != mixer).Select(m => new TrunkPeer(m, Known(life, m)?.Trunk))]);

    /// <summary>Where it takes packets is told to the others when it is news.</summary>
    public static ConferenceLife Heard(ConferenceLife life, KnownMixer known, TrunkReport report)
    {
        if (report.Address is not { } address || address == known.Trunk) return life;
        return life with { Known = life.Known.SetItem(known.Number, known with { Trunk = address }), Looked = default };
    }

    /// <summary>It does what it was told, but has not the keys for it.</summary>
    public static bool LacksKeys(KnownMixer known, TrunkReport report) => known.Published.Trunk is { } plan && report.Generation < plan.Generation;

    private static KnownMixer? Known(ConferenceLife life, MixerId mixer) =>
        life.Known.TryGetValue(mixer.Number, out var known) && known.Published.Mixer == mixer ? known : null;
}
