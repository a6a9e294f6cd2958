using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// The keys of one generation of flows between the mixers of a conference: one for each, under which it sends to all others. Owns its secrets; whoever gets one by
/// a message disposes it.
/// </summary>
public sealed class TrunkKeys(long generation, ImmutableArray<(MixerId Mixer, MasterKey Key)> keys) : IDisposable
{
    /// <summary>Both ends are ours, so the strongest there is.</summary>
    public static readonly SrtpProfile Suite = SrtpProfile.AeadAes256Gcm;

    public long Generation { get; } = generation;

    public ImmutableArray<(MixerId Mixer, MasterKey Key)> Keys { get; } = keys;

    /// <summary>For the mixers that a state joins.</summary>
    public static TrunkKeys Generate(long generation, IEnumerable<MixerId> mixers, SecretWriter random)
    {
        ArgumentNullException.ThrowIfNull(mixers);
        return new TrunkKeys(generation, [.. mixers.Select(m => (m, MasterKey.Generate(Suite, Mki.None, random)))]);
    }

    /// <summary>Borrowed; null: none for that mixer.</summary>
    public MasterKey? Of(MixerId mixer) => Keys.FirstOrDefault(k => k.Mixer == mixer).Key;

    public TrunkKeys Copy() => new(Generation, [.. Keys.Select(k => (k.Mixer, k.Key.Copy()))]);

    public void Dispose()
    {
        foreach (var (_, key) in Keys) key.Dispose();
    }
}
