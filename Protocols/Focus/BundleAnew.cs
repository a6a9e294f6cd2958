using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Srtp;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// A leg whose keys travel in MIKEY messages and whose bundle died with its node: a new one takes its place by Ticket Transfer (RFC 6043 §4.2.2) in an offer of
/// ours within the dialog, with a ticket that the KMS gives the focus in the name that the phone called, or under the key that both share (RFC 3830 §3.1). CSB ID,
/// RAND and every key in it are new. Where media is forwarded unopened the phone keeps what it sends and hears under until the group's next key, which only phones know.
/// </summary>
internal static class BundleAnew
{
    /// <summary>
    /// Where the leg plays on, the next key of the group is its turn (the conference paces those); without a leg the way to the new mixer is.
    /// </summary>
    public static bool IsDue(Restored state, ParticipantContext context) =>
        state.Fact.Keyed is { } keyed && SrtpProfile.Find(keyed.Suite) is not null && (context.Settings.TakesTickets || context.Settings.TakesPreShared)
        && (state.Recovery.IsGone || state.Recovery.Waiting is not null);

    /// <summary>What goes with the question for ports.</summary>
    public static ParticipantEffect[] Ask(Restored state, ParticipantContext context) =>
        state is { Recovery: { WantsBundle: true, IsTicketAsked: false, Granted: null }, Fact.Keyed: { } keyed }
            ? [new ParticipantEffect.RequestTicket(keyed.Peer, SuiteOf(state)) { As = keyed.Self }]
            : [];

    public static ParticipantStep Opened(Restored state, LegOpened opened, ParticipantContext context) => Proceed(
        Recovering.With(state, state.Recovery with { Place = new LegPlace(opened.Mixer, opened.Rtp, opened.Rtcp) }), context);

    /// <summary>A KMS that is away is asked again; one that gives no ticket has said so.</summary>
    public static ParticipantStep Granted(Restored state, TicketGranted granted, ParticipantContext context) =>
        granted.Grant is { } grant ? Proceed(Recovering.With(state, state.Recovery with { Granted = grant }), context)
        : granted.IsUnreachable || !state.Recovery.WantsBundle ? Steps.To(Recovering.With(state, state.Recovery with { IsTicketAsked = granted.IsUnreachable }))
        : Recovering.NotHeard(state, context).Before(Recovering.StopAsking);

    private static ParticipantStep Proceed(Restored state, ParticipantContext context)
    {
        if (state.Recovery is not { WantsBundle: true, Place: { } place, Granted: { } granted, Terms: var terms }) return Steps.To(state);
        if (LegOffers.OfferAnew(state.Fact, place, context) is not { } leg) return Closing.HangUp(state.Fact, LeaveReason.NodeLost, context);
        Mki? under = terms.Keying == Keys.Rekeying.LegKeying.Switched && state.Recovery.Epoch.Number > 0 ? GroupKey.MkiOf(state.Recovery.Epoch) : null;
        terms = terms with { Renewal = new LegRenewal(SuiteOf(state), LegOffers.NumberAt(context), under) };
        leg = MikeyNegotiation.Offer(leg with { Keying = terms.Keying, RegisteredSsrc = terms.Uplink }, granted, terms, context);
        return Recovering.Offer(Recovering.With(state, state.Recovery with { Granted = null }), leg, context);
    }

    private static SrtpProfile SuiteOf(Restored state) => state.Recovery.Terms.Media?.Profile ?? SrtpProfile.Find(state.Fact.Keyed!.Suite)!;
}
