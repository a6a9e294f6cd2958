using System.Collections.Immutable;

namespace ConfCluster.Actors.Nodes;

/// <summary>Which nodes said lately that they are being emptied (<see cref="DrainWatch"/>). For any thread.</summary>
public sealed class DrainingNodes(TimeProvider clock)
{
    /// <summary>A node that says it no longer is gone, or has begun anew.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private ImmutableDictionary<string, long> _heard = ImmutableDictionary.Create<string, long>(StringComparer.Ordinal);

    public void Heard(string node)
    {
        lock (_lock) _heard = _heard.SetItem(node, clock.GetTimestamp());
    }

    public bool Contains(string node)
    {
        lock (_lock) return _heard.TryGetValue(node, out var at) && clock.GetElapsedTime(at) < Kept;
    }
}
