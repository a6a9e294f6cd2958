using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// The node through which a dialog came and went is gone. Requests of ours go through another from now on; the peer, which knows the address of the one that is gone, is
/// told the other's at once by a target refresh (RFC 3261 §12.2): a session refresh (RFC 4028 §10) whose Contact that node writes. A request that was on its way
/// is repeated under a new CSeq, with the ACK that its 2xx, if there was one, has not had. A peer that only its own connection reaches, or only what it has sent to
/// (TLS, NAT), is cut off (<see cref="Participation.IsCutOff"/>): its leg plays on, nothing is sent to it but, over UDP, one refresh, since some NATs let in whoever
/// knows the port; and it is there again with the first request that it sends through any node. Left out: a 2xx of ours that waits for its ACK.
/// </summary>
internal static class Rehoming
{
    /// <summary>What it did not get is told it again so long after it is back.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.Zero;

    public static ParticipantStep Next(ParticipantState state, ParticipantInput.SipNodeGone gone, ParticipantContext context)
    {
        if (ParticipantFlow.Of(state) is not { } flow) return Steps.To(state);
        var moved = SipNodeChoice.Through(flow, gone.Instead);
        return state switch
        {
            Confirmed s when HasOneWay(s.Participation) => CutOff(s.Participation with { Flow = moved }, context),
            Confirmed s => Refreshing.Begin(s.Participation with { Flow = moved }, context),
            Asking s when HasOneWay(s.Participation) => Abandoned(s, moved, context),
            Asking s => Refreshing.Repeat(s with { Participation = s.Participation with { Flow = moved } }, context),
            Restored s => Steps.To(s with { Fact = s.Fact with { Flow = moved } }),
            _ => Steps.To(state),
        };
    }

    /// <summary>Nobody took the connection to a peer that calls over one, or nobody answers who was cut off: it has to come by itself.</summary>
    /// <param name="failure">Null: no answer in time.</param>
    public static bool CutsOff(Participation participation, TransactionFailure? failure) =>
        participation.IsCutOff || failure == TransactionFailure.Transport && participation.Flow.IsReliable;

    /// <summary>From now on it is, whatever it was asked.</summary>
    public static ParticipantStep Unheard(Asking state, ParticipantContext context)
    {
        var given = Given(state, state.Participation with { IsCutOff = true }, context);
        return state.Participation.IsCutOff ? given : given.Before(new ParticipantEffect.Count(ParticipantRefusal.CutOff));
    }

    /// <summary>
    /// It sent a request, so it is there. What went another way, and may never get there, is given up and brought again; unless that request is a refresh itself, one of
    /// ours follows and tells our address.
    /// </summary>
    /// <param name="flow">Over which it came.</param>
    public static ParticipantStep Back(ParticipantState state, Participation participation, SipFlow flow)
    {
        participation = Found(participation) with { Flow = flow };
        ParticipantEffect[] ack = participation.AckOwed is { } sequence ? [Refreshing.Ack(participation, sequence)] : [];
        participation = participation with { AckOwed = null };
        if (state is Asking asking) return Refreshing.Again(participation, asking.Pending, AtOnce).Before(ack);
        var (free, reports) = KeyOffers.NotNow(participation, null, AtOnce);
        return Steps.To(InDialog.With(state, free), [.. ack, new ParticipantEffect.Start(ParticipantTimer.Retry, AtOnce), .. reports]);
    }

    /// <summary>
    /// Before we know that a node or a connection is gone, the peer may: then it comes by another one, and an answer to what we sent by that of before is not to be
    /// waited for. If it comes all the same, it has a number that is over.
    /// </summary>
    public static bool IsAnotherWay(Participation participation, SipFlow flow) =>
        flow.Node != participation.Flow.Node
        || flow.Transport == participation.Flow.Transport
            && (flow.IsReliable ? flow.Connection != participation.Flow.Connection : participation.Hidden && !flow.Remote.Equals(participation.Flow.Remote));

    /// <summary>It is there; where its leg is now, if it does not know, it may be told.</summary>
    public static Participation Found(Participation participation) => participation with
    {
        IsCutOff = false,
        Relocation = participation.Relocation is { Waits: true } waits ? waits with { MayOffer = true, Waits = false } : participation.Relocation,
    };

    /// <summary>RFC 3581 §4 and RFC 5626 §1: what leads to it is what it has opened.</summary>
    private static bool HasOneWay(Participation participation) => participation.Hidden || participation.Flow.Transport == SipTransport.Tls;

    private static ParticipantStep CutOff(Participation participation, ParticipantContext context)
    {
        var step = participation.Flow.IsReliable
            ? Steps.To(new Confirmed(participation with { IsCutOff = true }))
            : Refreshing.Begin(participation with { IsCutOff = true }, context);
        return step.Before(new ParticipantEffect.Count(ParticipantRefusal.CutOff));
    }

    private static ParticipantStep Given(Asking state, Participation participation, ParticipantContext context) => Refreshing.Again(
        state.Pending.Method == SipMethod.Invite ? participation with { AckOwed = state.Pending.Sequence } : participation, state.Pending, context.Timings.T2);

    /// <summary>The request that went to the node that is gone is not sent again to who cannot get it; a key in it is brought again.</summary>
    private static ParticipantStep Abandoned(Asking state, SipFlow moved, ParticipantContext context)
    {
        var given = Given(state, state.Participation with { Flow = moved }, context);
        return CutOff(((Confirmed)given.State).Participation, context).Before(given.Effects.AsSpan());
    }
}

/// <summary>Where the requests of a dialog go.</summary>
public static class ParticipantFlow
{
    /// <summary>Null: there is no dialog, or it is not ours to use.</summary>
    public static SipFlow? Of(ParticipantState state) => state switch
    {
        Confirmed s => s.Participation.Flow,
        Asking s => s.Participation.Flow,
        Restored s => s.Fact.Flow,
        _ => null,
    };
}
