using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>An offer of the peer that waits until there is a leg to answer it with.</summary>
internal sealed record HeldRequest(RequestArrived Arrived, SdpBody Body);

/// <summary>How far a restored dialog is on its way back.</summary>
/// <param name="Mixer">Which has the leg; null: the conference has not said.</param>
/// <param name="Obeys">The newest life of the conference that said it.</param>
/// <param name="MayOffer">The peer may be told a new place now.</param>
/// <param name="IsLost">The mixer has nothing, and was asked for ports.</param>
/// <param name="Asked">How often in a row; 0: nobody was asked.</param>
internal sealed record RecoveryState(MixerId? Mixer, Incarnation Obeys, bool MayOffer, bool IsLost, int Asked)
{
    public static readonly RecoveryState None = new(null, default, false, false, 0);

    /// <summary>What the conference says of a leg that sends under the group's key.</summary>
    public LegTerms Terms { get; init; } = LegTerms.None;

    /// <summary>With that: the newest epoch.</summary>
    public KeyEpoch Epoch { get; init; }

    /// <summary>Its bundle is lost, and another is to begin (<see cref="BundleAnew"/>).</summary>
    public bool WantsBundle { get; init; }

    /// <summary>The ticket for it was asked for, and nothing is heard yet.</summary>
    public bool IsTicketAsked { get; init; }

    /// <summary>The mixer has no leg of it.</summary>
    public bool IsGone { get; init; }

    /// <summary>For the new bundle; null: not yet.</summary>
    public OfferGrant? Granted { get; init; }

    /// <summary>The ports for it; null: not yet.</summary>
    public LegPlace? Place { get; init; }

    /// <summary>As in <see cref="Relocation"/>, as the conference said last.</summary>
    public bool IsGentle { get; init; }

    /// <summary>For a copy of the INVITE.</summary>
    public bool HasWaited { get; init; }

    /// <summary>The conference knows that the peer acknowledged.</summary>
    public bool IsConfirmed { get; init; }

    public HeldRequest? Held { get; init; }

    public WaitingKey? Waiting { get; init; }

    public RoomSearch Search { get; init; }

    public IEnumerable<IDisposable> Secrets => [.. new IDisposable?[] { Held?.Body, Waiting?.Key }.OfType<IDisposable>(), .. Granted?.Secrets ?? []];
}

/// <summary>
/// A dialog whose participant died with its node is taken up again on another: the conference says which mixer has the leg, the mixer says what it was left of
/// it (<see cref="LegRecord"/>), and the dialog goes on as if nothing had happened. A mixer that has nothing is asked for ports, and the peer is offered new keys
/// (RFC 4568 §7.1.4). What comes meanwhile waits. A leg whose keys travel in MIKEY messages and of which the mixer has nothing, as where media is forwarded
/// unopened, begins a new bundle (<see cref="BundleAnew"/>).
/// </summary>
internal static class Recovering
{
    /// <summary>After that many questions without an answer it stays as it is until something comes again.</summary>
    private const int MaxQuestions = 8;

    /// <summary>An INVITE that nobody has answered is handed on again within four times T1 (2 s).</summary>
    public const int UntilCopy = 5;

    /// <summary>A refresh that was due in the former life may be overdue: the next comes within so many seconds.</summary>
    private const int RefreshWithin = 60;

    public static bool Concerns(Restored state, ParticipantInput input, ParticipantContext context) =>
        context.Settings.CallsOutliveNode && input switch
        {
            MoveRequested or JoinAccepted or KeyOffered or LegFound => true,
            RequestArrived arrived => IsOffer(arrived.Request) && Restoring.IsInDialog(state, arrived.Request),
            LegOpened opened => state.Recovery is { IsLost: true, Mixer: { } mixer, Search.Waits: false } && opened.Mixer == mixer,
            LegRefused refused => state.Recovery is { IsLost: true, Mixer: { } mixer } && refused.Mixer == mixer && state.Recovery.Search.MayAsk(refused.Reason),
            TicketGranted => state.Recovery is { IsTicketAsked: true, Granted: null },
            Fired { Timer: ParticipantTimer.RepeatAsk } => true,
            _ => false,
        };

    public static ParticipantStep Next(Restored state, ParticipantInput input, ParticipantContext context) => input switch
    {
        MoveRequested move when move.Incarnation < state.Recovery.Obeys => Steps.To(state),
        MoveRequested move => Told(
            With(state, state.Recovery with
            {
                Terms = TermsOf(move.Uplink),
                Epoch = move.Uplink?.Epoch ?? default,
                IsGentle = move.IsGentle,
                IsConfirmed = move.IsConfirmed || state.Recovery.IsConfirmed,
            }),
            move, context),
        JoinAccepted joined => Told(
            With(state, state.Recovery with { Terms = new LegTerms(joined.Keying, joined.Uplink.Value, MediaTerms.TryRead(joined.Media)) }),
            new MoveRequested(joined.Conference, joined.Mixer, state.Recovery.Obeys, MayOffer: true), context),
        KeyOffered offered => Begin(
            With(state, state.Recovery with { Waiting = new WaitingKey(offered.Key, offered.InUse, offered.Taken) }), context),
        RequestArrived arrived => Hold(state, arrived, context),
        LegFound found => Found(state, found, context),
        LegOpened opened when state.Recovery.WantsBundle => BundleAnew.Opened(state, opened, context),
        LegOpened opened => Offer(state, opened, context),
        TicketGranted granted => BundleAnew.Granted(state, granted, context),
        LegRefused when state.Recovery.Search.Waits => Steps.To(state),
        LegRefused refused => Ask(With(state, state.Recovery with { Search = state.Recovery.Search.Without(), Asked = 0 }), context)
            .Before(new ParticipantEffect.CloseLeg(refused.Mixer)),
        _ => Again(state, context),
    };

    private static LegTerms TermsOf(GroupUplink? uplink) =>
        uplink is null ? LegTerms.None : new LegTerms(uplink.Keying, uplink.Ssrc.Value, MediaTerms.TryRead(uplink.Media));

    /// <summary>The dialog ends, and with it what waited to be answered in it (RFC 3261 §15.1.2: 487).</summary>
    public static ParticipantStep Released(Restored state, ParticipantStep step, ParticipantContext context) =>
        state.Recovery.Held is { Arrived: var arrived } && step.State is not Restored
            ? step.Before(new ParticipantEffect.Respond(arrived.Key, FocusResponses.Refuse(arrived.Request, ParticipantRefusal.Ended, context)))
            : step;

    private static ParticipantStep Told(Restored state, MoveRequested move, ParticipantContext context)
    {
        var (mixer, before) = (move.Mixer, state.Recovery);
        var recovery = before with { Obeys = move.Incarnation, MayOffer = move.MayOffer || before.MayOffer && mixer == before.Mixer };
        return mixer == recovery.Mixer && recovery.Asked > 0
            ? Steps.To(With(state, recovery))
            : Ask(With(state, recovery with
            {
                Mixer = mixer,
                IsLost = false,
                IsGone = false,
                WantsBundle = false,
                Place = null,
                Asked = 0,
                Search = before.Search.Told(move.Seating),
            }), context);
    }

    /// <summary>Something is to be done, so it has to be known where the leg is.</summary>
    private static ParticipantStep Begin(Restored state, ParticipantContext context) => state.Recovery.Asked > 0 ? Steps.To(state) : Ask(state, context);

    public static ParticipantStep Ask(Restored state, ParticipantContext context)
    {
        var recovery = state.Recovery;
        ParticipantEffect question = recovery switch
        {
            { Mixer: null } => new ParticipantEffect.AskPlace(state.Fact.Conference),
            { Search.Waits: true } => new ParticipantEffect.AskPlace(state.Fact.Conference) { Full = recovery.Mixer },
            { IsLost: true } => new ParticipantEffect.OpenLeg(recovery.Mixer.Value, FamilyOf(state.Fact, context)),
            _ => new ParticipantEffect.AskLeg(recovery.Mixer.Value),
        };
        return Steps.To(
            With(state, recovery with { Asked = recovery.Asked + 1, IsTicketAsked = recovery.IsTicketAsked || recovery.WantsBundle }),
            [question, .. BundleAnew.Ask(state, context), new ParticipantEffect.Start(ParticipantTimer.RepeatAsk, Patience(recovery.Asked, context))]);
    }

    /// <summary>What is lost is lost while a node dies, so the first questions are asked again soon: after 2*T1, twice as long, and so on up to T2.</summary>
    private static TimeSpan Patience(int asked, ParticipantContext context)
    {
        var wait = context.Timings.T1 * (2 << Math.Min(asked, MaxQuestions));
        return wait < context.Timings.T2 ? wait : context.Timings.T2;
    }

    private static ParticipantStep Again(Restored state, ParticipantContext context) =>
        state.Recovery.Asked < MaxQuestions ? Ask(With(state, state.Recovery with { IsTicketAsked = false }), context) : NotHeard(state, context);

    /// <summary>It stays as the journal has it until something comes again; but without media there is no call.</summary>
    public static ParticipantStep NotHeard(Restored state, ParticipantContext context) =>
        state.Recovery is { WantsBundle: true, IsGone: true } ? Closing.HangUp(state.Fact, LeaveReason.NodeLost, context) : GiveUp(state, context);

    private static ParticipantStep GiveUp(Restored state, ParticipantContext context)
    {
        var (held, waiting) = (state.Recovery.Held, state.Recovery.Waiting);
        var left = With(state, RecoveryState.None with { Obeys = state.Recovery.Obeys });
        ParticipantEffect[] report = waiting is null
            ? []
            : [new ParticipantEffect.ReportKey(state.Fact.Conference, LegKeyAnswer.Refused, waiting.Key.Epoch, TimeSpan.Zero)];
        return (held is null ? Steps.To(left) : Restoring.Keep(left, held.Arrived, context)).Before(report);
    }

    /// <summary>An offer is answered when the leg is back; a second one comes too early (RFC 3261 §14.2).</summary>
    private static ParticipantStep Hold(Restored state, RequestArrived arrived, ParticipantContext context)
    {
        if (state.Recovery.Held is not null) return Steps.Refuse(state, arrived, ParticipantRefusal.RequestPending, context);
        return Begin(With(state, state.Recovery with { Held = new HeldRequest(arrived, new SdpBody(arrived.Request.Body)) }), context);
    }

    private static ParticipantStep Found(Restored state, LegFound found, ParticipantContext context)
    {
        if (found.Mixer != state.Recovery.Mixer || state.Recovery.IsLost) return Steps.To(state);
        if (found.Record is { } record && record.Place.Mixer == found.Mixer && record.TryRevive(state.Fact.Conference, out var participation))
            return GoOn(state, participation!, found.Mixer, context);
        // Nothing is kept of who has not acknowledged: perhaps nobody has answered it, and its INVITE is handed on again before the next question.
        if (state.Recovery is { HasWaited: false, IsConfirmed: false } && state.Fact.Invite?.MayBeOpen(context) == true)
            return Steps.To(
                With(state, state.Recovery with { HasWaited = true }), new ParticipantEffect.Start(ParticipantTimer.RepeatAsk, UntilCopy * context.Timings.T1));
        var lost = With(state, state.Recovery with { IsLost = true, IsGone = found.IsGone, Asked = 0 });
        // The conference may think that it still has the group's keys.
        var anew = new ParticipantEffect.ReportKey(state.Fact.Conference, LegKeyAnswer.Anew, default, TimeSpan.Zero);
        if (!state.Fact.IsByTicket) return Ask(lost, context).Before(anew);
        return BundleAnew.IsDue(lost, context) ? Ask(With(lost, lost.Recovery with { WantsBundle = true }), context).Before(anew)
            : found.IsGone ? Closing.HangUp(state.Fact, LeaveReason.NodeLost, context)
            : GiveUp(state, context).Before(StopAsking);
    }

    private static ParticipantStep GoOn(Restored state, Participation participation, MixerId mixer, ParticipantContext context)
    {
        if (ToldPlace.IsNow(participation.Leg)) return Back(state, participation, [Relocating.Report(participation)], context);
        // The former life had no time to tell its peer, nor, perhaps, that mixer to send.
        var relocation = new Relocation(mixer, IsOpen: true, state.Recovery.MayOffer) { IsGentle = state.Recovery.IsGentle };
        return Back(
            state, participation with { Relocation = relocation }, relocation.IsGentle ? [] : [LegAtMixer.Media(participation.Leg, context)], context);
    }

    /// <summary>Nobody has the keys any more: new ones for all that the peer and we had agreed on.</summary>
    private static ParticipantStep Offer(Restored state, LegOpened opened, ParticipantContext context)
    {
        var place = new LegPlace(opened.Mixer, opened.Rtp, opened.Rtcp);
        return LegOffers.OfferAnew(state.Fact, place, context) is { } leg ? Offer(state, leg, context) : Closing.HangUp(state.Fact, LeaveReason.NodeLost, context);
    }

    /// <param name="leg">With an offer that is for nobody yet.</param>
    public static ParticipantStep Offer(Restored state, Leg leg, ParticipantContext context)
    {
        var fact = state.Fact;
        if (!Dialog.TryFromFacts(fact.Dialog, out var dialog)) return Closing.HangUp(fact, LeaveReason.NodeLost, context);
        var participation = new Participation(fact.Conference, LegRecord.Leapt(dialog!, context.Now), fact.Flow, fact.Hidden, LegRecord.NoInvite, leg, Stored: true)
        {
            TakesMki = fact.TakesMki,
            Relocation = new Relocation(leg.Place.Mixer, IsOpen: true, state.Recovery.MayOffer),
        };
        // Nothing is kept of who had not acknowledged yet either: the conference may be waiting for that.
        return Back(state, participation, [KeyOffers.Report(participation, LegKeyAnswer.Ready, default)], context);
    }

    private static ParticipantStep Back(Restored state, Participation participation, ParticipantEffect[] effects, ParticipantContext context)
    {
        var (recovery, seen) = (state.Recovery, state.Fact.Dialog.RemoteSequence);
        participation = participation with
        {
            Obeys = recovery.Obeys,
            Waiting = recovery.Waiting,
            Search = recovery.Search.Found(),
            Dialog = seen > participation.Dialog.RemoteSequence ? participation.Dialog with { RemoteSequence = seen } : participation.Dialog,
        };
        effects = [StopAsking, .. effects, .. Refreshing.Timers(participation.Session), .. Soon(participation, context)];
        var back = new Confirmed(participation);
        return (recovery.Held is { } held ? InDialog.Request(back, participation, held.Arrived, context) : Steps.To(back)).Before(effects);
    }

    private static ParticipantEffect[] Soon(Participation participation, ParticipantContext context)
    {
        if (participation.Session is not { IsRunning: true, WeRefresh: true } session) return [];
        var soon = TimeSpan.FromSeconds(1 + context.RandomBelow(RefreshWithin));
        return soon < session.UntilRefresh ? [new ParticipantEffect.Start(ParticipantTimer.Refresh, soon)] : [];
    }

    private static System.Net.Sockets.AddressFamily FamilyOf(DialogFact.DialogConfirmed fact, ParticipantContext context) =>
        SdpReader.TryRead(System.Text.Encoding.UTF8.GetBytes(fact.LocalSdp), out var local, out _)
        && (local!.Media[ToldPlace.FirstAudio(local)].Connection ?? local.Connection) is { } connection
            ? connection.Family
            : context.Settings.Media.Families[0];

    private static bool IsOffer(SipRequest request) => request.Method == SipMethod.Invite || request.Method == SipMethod.Update && !request.Body.IsEmpty;

    public static ParticipantEffect StopAsking => new ParticipantEffect.Cancel(ParticipantTimer.RepeatAsk);

    public static Restored With(Restored state, RecoveryState recovery) => state with { Recovery = recovery };
}
