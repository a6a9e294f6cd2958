using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Requests of the peer once its INVITE was answered (RFC 3261 §12.2.2): what is no part of the dialog, what is out of order, BYE, OPTIONS;
/// re-INVITE and UPDATE go on to <see cref="Renegotiation"/>.
/// </summary>
internal static class InDialog
{
    public static ParticipantStep Request(
        ParticipantState state, Participation participation, ParticipantInput.RequestArrived arrived, ParticipantContext context)
    {
        var request = arrived.Request;
        var cancelled = Cancels(arrived, participation.Reinvite) ? participation.Reinvite : participation.Invite;
        if (request.Method == SipMethod.Cancel || request.Headers.To.Tag is null) return NoDialogNeeded(state, cancelled, arrived, context);
        if (!Contains(participation.Dialog, request)) return Steps.Refuse(state, arrived, ParticipantRefusal.NoDialog, context);
        if (!participation.IsFrom(arrived.Caller)) return Steps.Refuse(state, arrived, ParticipantRefusal.OtherCaller, context);
        if (participation.Dialog.Receive(request, out var next) != DialogVerdict.InOrder)
            return Steps.Refuse(state, arrived, ParticipantRefusal.OutOfOrder, context);
        if (participation.IsCutOff || state is ParticipantState.Asking && Rehoming.IsAnotherWay(participation, arrived.Flow))
        {
            var back = Rehoming.Back(state, participation, arrived.Flow);
            return Request(back.State, Of(back.State), arrived, context).Before(back.Effects.AsSpan());
        }

        // The sequence number counts even when the request is refused; the remote target moves only with a 2xx.
        var counted = With(state, participation with { Dialog = participation.Dialog with { RemoteSequence = next.RemoteSequence } });
        if (!RequestRules.TryExtensions(request, out var unsupported))
            return Steps.Refuse(counted, arrived, ParticipantRefusal.UnsupportedExtension, context, unsupported);

        return request.Method.Name switch
        {
            "BYE" when counted is ParticipantState.Early early => EarlyDialogs.PeerLeft(early, arrived, context),
            "PRACK" when counted is ParticipantState.Early early => EarlyDialogs.Acknowledged(early, arrived, context),
            "BYE" => Closing.PeerLeft(participation, arrived, context),
            "OPTIONS" => Steps.To(
                counted,
                new ParticipantEffect.Respond(
                    arrived.Key, FocusResponses.Options(request, participation.Conference, arrived.Flow, context))),
            "INVITE" or "UPDATE" => Renegotiation.Begin(
                counted, participation with { Dialog = next, Flow = arrived.Flow }, arrived, context),
            // RFC 3262 §3: it acknowledges nothing that waits.
            "PRACK" => Steps.Refuse(counted, arrived, ParticipantRefusal.NoTransaction, context),
            _ => Steps.Refuse(counted, arrived, ParticipantRefusal.MethodNotAllowed, context),
        };
    }

    /// <summary>CANCEL, and a request without a To tag that was led here by its Call-ID, From tag and CSeq.</summary>
    /// <param name="invite">The INVITE that has its final response.</param>
    public static ParticipantStep NoDialogNeeded(
        ParticipantState state, TransactionKey? invite, ParticipantInput.RequestArrived arrived, ParticipantContext context)
    {
        if (arrived.Request.Method == SipMethod.Cancel)
        {
            // RFC 3261 §9.2: after the final response a CANCEL changes nothing; without its INVITE it gets 481.
            return Cancels(arrived, invite)
                ? Steps.To(state, new ParticipantEffect.Respond(arrived.Key, FocusResponses.Ok(arrived.Request, context)))
                : Steps.Refuse(state, arrived, ParticipantRefusal.NoTransaction, context);
        }

        if (arrived.Request.Method != SipMethod.Invite || arrived.Request.Headers.To.Tag is not null)
            return Steps.Refuse(state, arrived, ParticipantRefusal.NoDialog, context);

        // The same branch is a retransmission for which the transaction answers; another one came by a fork (RFC 3261 §8.2.2.2).
        return arrived.Key == invite ? Steps.To(state) : Steps.Refuse(state, arrived, ParticipantRefusal.Merged, context);
    }

    public static bool Cancels(ParticipantInput.RequestArrived cancel, TransactionKey? invite) =>
        invite is { } key && cancel.Request.Method == SipMethod.Cancel && cancel.Key == key with { Method = SipMethod.Cancel };

    public static bool Contains(Dialog dialog, SipRequest request) =>
        request.Headers.CallId == dialog.CallId && request.Headers.To.Tag == dialog.Local.Tag
        && request.Headers.From.Tag == dialog.Remote.Tag;

    /// <summary>Of a dialog that is not over.</summary>
    public static Participation Of(ParticipantState state) => state switch
    {
        ParticipantState.Confirmed s => s.Participation,
        ParticipantState.Asking s => s.Participation,
        ParticipantState.Unacknowledged s => s.Participation,
        ParticipantState.Renewing s => s.Participation,
        ParticipantState.Early s => s.Participation,
        _ => throw new System.Diagnostics.UnreachableException($"no dialog in {state.GetType().Name}"),
    };

    public static ParticipantState With(ParticipantState state, Participation participation) => state switch
    {
        ParticipantState.Answered answered => answered with { Participation = participation },
        ParticipantState.Renegotiating renegotiating => renegotiating with { Participation = participation },
        ParticipantState.Asking asking => asking with { Participation = participation },
        ParticipantState.Early early => early with { Participation = participation },
        ParticipantState.Renewing renewing => renewing with { Participation = participation },
        _ => new ParticipantState.Confirmed(participation),
    };
}
