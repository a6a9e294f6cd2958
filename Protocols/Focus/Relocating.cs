using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Srtp;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>The way of a leg to another mixer.</summary>
/// <param name="IsOpen">Its ports are there, and media comes from them; what is left is to tell the peer.</param>
/// <param name="MayOffer">That may be done now; a group key that is told takes it along without.</param>
/// <param name="Waits">The peer wanted time.</param>
public sealed record Relocation(MixerId Mixer, bool IsOpen, bool MayOffer, bool Waits = false)
{
    /// <summary>The mixer before works: media comes from the new one when the peer knows of it, and not before.</summary>
    public bool IsGentle { get; init; }
}

/// <summary>
/// The mixer of a leg was lost and another has taken its place. The leg has ports there and is sent media from them at once, as its keys allow it (a peer takes
/// it from wherever it comes, or after the offer); every SDP of ours says where the leg is from then on, and an offer does so when the conference allows it, or
/// with a group key (RFC 3264 §8.3.1). A newer mixer may come at any time: an older one than the leg's is refused. The call ends only when the peer refuses the
/// address, or no mixer has room (<see cref="RoomSearch"/>).
/// </summary>
internal static class Relocating
{
    /// <summary>After glare on an offer with a key the conference brings the key again; then both go together.</summary>
    private static readonly TimeSpan KeyFirst = TimeSpan.FromMilliseconds(500);

    public static bool Concerns(ParticipantState state, ParticipantInput input) => Of(state) is { } participation && input switch
    {
        MoveRequested => true,
        JoinAccepted joined => joined.Mixer != participation.Mixer,
        LegOpened opened => participation.Relocation is { IsOpen: false } to && opened.Mixer == to.Mixer && !participation.Search.Waits,
        LegRefused refused => participation.Relocation is { IsOpen: false } to && refused.Mixer == to.Mixer && participation.Search.MayAsk(refused.Reason),
        Fired { Timer: ParticipantTimer.RepeatAsk } => participation.Relocation is { IsOpen: false },
        Fired { Timer: ParticipantTimer.Retry } => participation.Relocation is { Waits: true },
        _ => false,
    };

    public static ParticipantStep Next(ParticipantState state, ParticipantInput input, ParticipantContext context)
    {
        var participation = Of(state)!;
        return input switch
        {
            MoveRequested move when move.Incarnation < participation.Obeys => Steps.To(state),
            MoveRequested move => Wanted(state, participation with { Obeys = move.Incarnation }, move, context),
            JoinAccepted joined => Wanted(
                state, participation, new MoveRequested(participation.Conference, joined.Mixer, participation.Obeys, MayOffer: true), context),
            LegOpened opened => Opened(state, participation, opened, context),
            LegRefused when participation.Search.Waits => Steps.To(state),
            LegRefused refused => Steps.To(
                InDialog.With(state, participation with { Search = participation.Search.Without() }), RoomSearch.Ask(participation.Conference, refused.Mixer, context)),
            Fired { Timer: ParticipantTimer.RepeatAsk } when participation.Search.Waits =>
                Steps.To(state, RoomSearch.Ask(participation.Conference, participation.Mixer, context)),
            Fired { Timer: ParticipantTimer.RepeatAsk } => Steps.To(state, Open(participation, participation.Relocation!.Mixer), Again(context)),
            _ => Steps.To(InDialog.With(state, participation with { Relocation = participation.Relocation! with { MayOffer = true, Waits = false } })),
        };
    }

    /// <summary>A call of ours that was answered while its mixer was replaced.</summary>
    public static (Participation Participation, ParticipantEffect[] Effects) Begin(
        Participation participation, MixerId mixer, bool mayOffer, ParticipantContext context) =>
        (participation with { Relocation = new Relocation(mixer, IsOpen: false, mayOffer) }, [Open(participation, mixer), Again(context)]);

    /// <summary>Nothing is left to tell.</summary>
    public static bool HasArrived(Participation participation) =>
        participation is { Relocation.IsOpen: true, Leg.Remote: not null } && ToldPlace.IsNow(participation.Leg);

    public static ParticipantEffect Report(Participation participation) => new ParticipantEffect.ReportMoved(participation.Conference, participation.Leg.Place.Mixer);

    /// <summary>The peer wants time.</summary>
    public static (Participation Participation, ParticipantEffect[] Effects) NotNow(Participation participation, bool withKey, TimeSpan wait) =>
        participation.Relocation is not { } relocation
            ? (participation, [])
            : (participation with { Relocation = relocation with { MayOffer = false, Waits = true } },
                [new ParticipantEffect.Start(ParticipantTimer.Retry, withKey ? wait + KeyFirst : wait)]);

    private static ParticipantStep Wanted(ParticipantState state, Participation participation, MoveRequested move, ParticipantContext context)
    {
        var mayOffer = move.MayOffer;
        if (move.Mixer != participation.Mixer)
        {
            if (!participation.Search.Accepts(participation.Mixer, move.Mixer, move.Seating)) return Steps.To(state);
            var (moving, effects) = Begin(participation with { Search = participation.Search.Told(move.Seating) }, move.Mixer, mayOffer, context);
            return Steps.To(InDialog.With(state, moving with { Relocation = moving.Relocation! with { IsGentle = move.IsGentle } }), effects);
        }

        // Told again: it has arrived, or may do now what it could not, or the mixer before does not go on with it any more.
        if (participation.Relocation is not { } relocation) return Steps.To(InDialog.With(state, participation), Report(participation));
        var next = relocation with { MayOffer = relocation.MayOffer || mayOffer && !relocation.Waits, IsGentle = relocation.IsGentle && move.IsGentle };
        var after = InDialog.With(state, participation with { Relocation = next });
        return relocation is { IsGentle: true, IsOpen: true } && !move.IsGentle ? Steps.To(after, Media(after, participation.Leg, context)) : Steps.To(after);
    }

    /// <summary>From now on it is there, whatever the peer thinks.</summary>
    private static ParticipantStep Opened(ParticipantState state, Participation participation, LegOpened opened, ParticipantContext context)
    {
        var moved = participation with
        {
            Leg = participation.Leg with { Place = new LegPlace(opened.Mixer, opened.Rtp, opened.Rtcp) },
            Relocation = participation.Relocation! with { IsOpen = true },
            Search = participation.Search.Found(),
        };
        return Steps.To(InDialog.With(state, moved), [new ParticipantEffect.Cancel(ParticipantTimer.RepeatAsk), .. Media(state, moved.Leg, context)]);
    }

    /// <summary>As far as offer and answer have come: what our side said last may not be acknowledged yet.</summary>
    private static ParticipantEffect[] Media(ParticipantState state, Leg leg, ParticipantContext context) => state switch
    {
        Early => [],
        Unacknowledged { Pending: { OurOffer: false, MediaAtAck: true } } => [LegAtMixer.Reception(leg, null, context)],
        _ when leg.Remote is null => [],
        _ when Of(state) is { Relocation.IsGentle: true } => [LegAtMixer.Reception(leg, null, context)],
        _ => [LegAtMixer.Media(leg, context)],
    };

    /// <summary>The peer knows: now media comes from there.</summary>
    public static ParticipantEffect[] Begun(Participation participation, ParticipantContext context) =>
        participation.Relocation is { IsGentle: true } ? [LegAtMixer.Media(participation.Leg, context)] : [];

    private static ParticipantEffect.OpenLeg Open(Participation participation, MixerId mixer) => new(mixer, participation.Leg.Place.Rtp.Family)
    {
        Uplink = participation.Leg is { Remote: { } remote, Keying: not LegKeying.Switched } ? [.. remote.Uplink.Select(KeyFingerprint.Of)] : [],
    };

    private static ParticipantEffect.Start Again(ParticipantContext context) => new(ParticipantTimer.RepeatAsk, context.Timings.T2);

    private static Participation? Of(ParticipantState state) => state switch
    {
        Confirmed s => s.Participation,
        Asking s => s.Participation,
        Unacknowledged s => s.Participation,
        Renewing s => s.Participation,
        Early s => s.Participation,
        _ => null,
    };
}
