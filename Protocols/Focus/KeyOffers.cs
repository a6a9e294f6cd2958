using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Srtp;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>A group key that waits until the dialog is free for an offer.</summary>
/// <param name="InUse">As in <see cref="ParticipantInput.KeyOffered"/>.</param>
/// <param name="Taken">As there.</param>
/// <param name="Switches">As there.</param>
public sealed record WaitingKey(GroupKey Key, KeyEpoch? InUse, KeyEpoch? Taken, bool Switches = false)
{
    /// <summary>As there.</summary>
    public ImmutableArray<UplinkIndex> Streams { get; init; } = [];
}

/// <summary>
/// New group keys for a leg: one offer at a time, in a confirmed dialog only (RFC 3261 §14.1, RFC 3311 §5.1), the newest first. When and whether is the
/// conference's to decide; it hears of every outcome but the end of the call, which is a leave.
/// </summary>
internal static class KeyOffers
{
    /// <summary>Before the dialog is ours to use it is nobody's turn; the key is let go then.</summary>
    public static ParticipantStep Wanted(ParticipantState state, ParticipantInput.KeyOffered offered)
    {
        var waiting = new WaitingKey(offered.Key, offered.InUse, offered.Taken, offered.Switches) { Streams = offered.Streams };
        return state switch
        {
            Renewing s => Steps.To(s with { Participation = s.Participation with { Waiting = waiting } }),
            Unacknowledged s => Steps.To(InDialog.With(s, s.Participation with { Waiting = waiting })),
            Early s => Steps.To(s with { Participation = s.Participation with { Waiting = waiting } }),
            Asking s => Steps.To(s with { Participation = s.Participation with { Waiting = waiting } }),
            Confirmed s => Steps.To(new Confirmed(s.Participation with { Waiting = waiting })),
            _ => Steps.To(state),
        };
    }

    /// <summary>Whatever led to a dialog without an open transaction: the key that waits goes out, and where the leg is now.</summary>
    public static ParticipantStep Proceed(ParticipantStep step, ParticipantContext context)
    {
        if (step.State is not Confirmed { Participation: var participation }) return step;
        if (Relocating.HasArrived(participation))
        {
            var begun = Relocating.Begun(participation, context);
            participation = participation with { Relocation = null };
            step = new ParticipantStep(new Confirmed(participation), [.. step.Effects, .. begun, Relocating.Report(participation)]);
        }

        // What is offered says where the leg is, so it waits for the ports; and for a peer that can get it.
        if (participation.Relocation is { IsOpen: false } || participation.IsCutOff) return step;
        // Keys of its own go first when all were lost; a group key comes after them.
        var isKeyless = participation.Leg.Remote is null;
        if (participation.Waiting is not { } waiting || isKeyless)
        {
            return participation.Relocation is { MayOffer: true } || isKeyless && participation.Waiting is not null
                ? Refreshing.Offer(participation, LegOffers.OfferPlace(participation.Leg, context), null, context).Before(step.Effects.AsSpan())
                : step;
        }

        participation = participation with { Waiting = null };
        // It joined with an MKI and has none any more, or the other way round: the mixer's packets would not be what the SDP says.
        var next = participation.TakesMki == participation.Leg.Key.Mki.IsPresent && !MikeyNegotiation.IsBarred(participation.Leg)
            ? Refreshing.Offer(
                participation, LegOffers.OfferKey(participation.Leg, waiting, context), waiting.Key.Epoch, context)
            : Proceed(Steps.To(new Confirmed(participation), Report(participation, LegKeyAnswer.Refused, waiting.Key.Epoch)), context);
        return next.Before(step.Effects.AsSpan());
    }

    /// <summary>
    /// The first ACK: what our answer held is taken, and from now on it can be sent offers. A conference that never heard it would leave the leg without group keys.
    /// </summary>
    public static (Participation Participation, ImmutableArray<ParticipantEffect> Effects) Ready(Participation participation, ParticipantContext context) =>
        Ready(participation, context.Timings.T2);

    /// <summary>Said again. One that has heard it does not listen.</summary>
    public static ParticipantStep ReadyAgain(ParticipantState state, ParticipantContext context)
    {
        if (state is not (Confirmed or Asking or Renewing or Renegotiating)) return Steps.To(state);
        var participation = InDialog.Of(state);
        var (next, effects) = Ready(participation, participation.ReadyAgain * 2);
        return Steps.To(InDialog.With(state, next), next.ReadyAgain < context.Timings.TransactionTimeout ? [.. effects] : [effects[0]]);
    }

    private static (Participation Participation, ImmutableArray<ParticipantEffect> Effects) Ready(Participation participation, TimeSpan again) =>
    (
        participation with { ReadyAgain = again },
        [
            Report(participation, LegKeyAnswer.Ready, participation.Leg.Group is [.., var told] ? told.Epoch : default),
            new ParticipantEffect.Start(ParticipantTimer.RepeatReady, again),
        ]
    );

    /// <summary>The peer wants time: so does a key that came meanwhile.</summary>
    public static (Participation Participation, ImmutableArray<ParticipantEffect> Effects) NotNow(
        Participation participation, KeyEpoch? epoch, TimeSpan wait)
    {
        ImmutableArray<ParticipantEffect> reports =
        [
            .. new[] { epoch, participation.Waiting?.Key.Epoch }.OfType<KeyEpoch>().Select(e => Report(participation, LegKeyAnswer.NotNow, e, wait)),
        ];
        return (participation with { Waiting = null }, reports);
    }

    public static ParticipantEffect Report(Participation participation, LegKeyAnswer answer, KeyEpoch epoch, TimeSpan wait = default) =>
        new ParticipantEffect.ReportKey(participation.Conference, answer, epoch, wait);
}
