namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Who of many is mixed: the loudest few, asked anew every tick. Who is in stays unless somebody is clearly louder, and in the half second
/// after he came in unless somebody is very much louder, so that neither two voices of one loudness nor a cough make the mix flutter
/// (RFC 6464 §5). A free place is taken at once: a voice is never cut at its beginning. Begin, offer each who has sound, then ask.
/// </summary>
/// <param name="most">Places.</param>
public sealed class LoudestSpeakers(int most)
{
    /// <summary>Decibels that a newcomer must be louder by.</summary>
    public const int Margin = 6;

    /// <summary>The same against somebody who came in less than <see cref="SettlingTicks"/> ago.</summary>
    public const int SettlingMargin = 12;

    public const int SettlingTicks = 25;

    private Place[] _chosen = new Place[most];
    private Place[] _next = new Place[most];
    private int _count;
    private int _offered;

    /// <summary>How many are chosen.</summary>
    public int Count => _count;

    /// <summary>Slots in use, the loudest first.</summary>
    public int this[int place] => _chosen[place].Slot;

    public void Begin() => _offered = 0;

    /// <param name="loudness">Decibels above digital silence.</param>
    public void Offer(int slot, float loudness)
    {
        var age = AgeOf(slot);
        var weight = loudness + (age is not { } ticks ? 0 : ticks < SettlingTicks ? SettlingMargin : Margin);
        var at = _offered;
        while (at > 0 && _next[at - 1].Weight < weight) at--;
        if (at == _next.Length) return;
        if (_offered < _next.Length) _offered++;
        for (var i = _offered - 1; i > at; i--) _next[i] = _next[i - 1];
        _next[at] = new Place(slot, weight, (age ?? -1) + 1);
    }

    public void End() => (_chosen, _next, _count) = (_next, _chosen, _offered);

    public bool Contains(int slot) => AgeOf(slot) is not null;

    /// <summary>Its slot is somebody else's from now on.</summary>
    public void Forget(int slot)
    {
        for (var i = 0; i < _count; i++)
            if (_chosen[i].Slot == slot)
                _chosen[i] = _chosen[i] with { Slot = -1 };
    }

    private int? AgeOf(int slot)
    {
        for (var i = 0; i < _count; i++)
            if (_chosen[i].Slot == slot)
                return _chosen[i].Age;
        return null;
    }

    private readonly record struct Place(int Slot, float Weight, int Age);
}
