using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>Collects the items of a list on the stack while they are few, so that a list costs the array that it ends in and nothing else.</summary>
internal ref struct FewOrMany<T>
{
    private Few _few;
    private ImmutableArray<T>.Builder? _many;

    public int Count { get; private set; }

    public readonly T this[int i] => _many is null ? _few[i] : _many[i];

    public void Add(T item)
    {
        if (_many is null && Count < Few.Size) _few[Count] = item;
        else (_many ??= Spill()).Add(item);
        Count++;
    }

    public readonly ImmutableArray<T> ToImmutable()
    {
        if (_many is not null) return _many.ToImmutable();
        ReadOnlySpan<T> few = _few;
        return [.. few[..Count]];
    }

    private readonly ImmutableArray<T>.Builder Spill()
    {
        var many = ImmutableArray.CreateBuilder<T>(4 * Few.Size);
        foreach (var item in _few) many.Add(item);
        return many;
    }

    [InlineArray(Size)]
    private struct Few
    {
        public const int Size = 4;
        private T _first;
    }
}
