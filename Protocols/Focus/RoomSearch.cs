using ConfCluster.Protocols.Conference;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// A mixer had no room for the leg, so the conference is asked for another, which is told as any move is. The participant stays in all the while. After
/// <see cref="MaxMixers"/> in a row it gives up, as it does when the conference knows of no room.
/// </summary>
/// <param name="Seating">How often the conference has given the leg another place; a lower one is old.</param>
/// <param name="Refused">Mixers in a row that had no room.</param>
/// <param name="Waits">The last of them said so, and the conference is to name another.</param>
public readonly record struct RoomSearch(int Seating, int Refused, bool Waits)
{
    /// <summary>So many are tried.</summary>
    public const int MaxMixers = 4;

    internal bool MayAsk(Rejection reason) => reason == Rejection.NoMediaCapacity && (Waits || Refused + 1 < MaxMixers);

    /// <summary>Whether another mixer is newer than the one that it is to be at.</summary>
    internal bool Accepts(MixerId current, MixerId other, int seating) =>
        seating > Seating || seating == Seating && other.Incarnation > current.Incarnation;

    internal RoomSearch Without() => this with { Refused = Refused + 1, Waits = true };

    internal RoomSearch Told(int seating) => this with { Seating = Math.Max(Seating, seating), Waits = false };

    /// <summary>There are ports.</summary>
    internal RoomSearch Found() => this with { Refused = 0, Waits = false };

    /// <summary>What was asked for there may have come after all, and nobody shall keep it.</summary>
    internal static ParticipantEffect[] Ask(ConferenceId conference, MixerId full, ParticipantContext context) =>
    [
        new ParticipantEffect.CloseLeg(full), new ParticipantEffect.AskPlace(conference) { Full = full },
        new ParticipantEffect.Start(ParticipantTimer.RepeatAsk, context.Timings.T2),
    ];
}
