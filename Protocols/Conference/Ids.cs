namespace ConfCluster.Protocols.Conference;

/// <summary>The normalised user part of the conference URI (RFC 4353 §4.1): lower case, unescaped, 1 to 64 characters.</summary>
public readonly record struct ConferenceId(string Value)
{
    public override string ToString() => Value;
}

/// <summary>Opaque id of a participant, which is also the local tag of its dialog: r ‖ m, 32 hex digits (see Focus/LocalTag).</summary>
public readonly record struct ParticipantId(string Value)
{
    public override string ToString() => Value;
}

/// <summary>One life of a conference on a node; persisted by every recovery, and a lower one is refused. 0: none yet.</summary>
public readonly record struct Incarnation(long Number) : IComparable<Incarnation>
{
    public Incarnation Next => new(checked(Number + 1));

    public int CompareTo(Incarnation other) => Number.CompareTo(other.Number);

    public override string ToString() => $"incarnation {Number}";

    public static bool operator <(Incarnation left, Incarnation right) => left.CompareTo(right) < 0;

    public static bool operator >(Incarnation left, Incarnation right) => left.CompareTo(right) > 0;

    public static bool operator <=(Incarnation left, Incarnation right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Incarnation left, Incarnation right) => left.CompareTo(right) >= 0;
}

/// <summary>A mixer: <c>conference/n.i</c>, n = 0.. for cascades, i = its own incarnation; never used again after its end.</summary>
public readonly record struct MixerId(ConferenceId Conference, int Number, long Incarnation)
{
    public override string ToString() => $"{Conference}/{Number}.{Incarnation}";

    public static bool TryParse(string text, out MixerId id)
    {
        id = default;
        var slash = text.LastIndexOf('/');
        if (slash <= 0) return false;
        var parts = text[(slash + 1)..].Split('.');
        if (parts.Length != 2 || !int.TryParse(parts[0], out var n) || !long.TryParse(parts[1], out var i)) return false;
        id = new MixerId(new ConferenceId(text[..slash]), n, i);
        return true;
    }
}
