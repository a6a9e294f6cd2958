using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// The node through which a dialog came and went is gone. Requests of ours go through another from now on; the peer, which knows the address of the one that is gone, is
/// told the other's at once by a target refresh (RFC 3261 §12.2): a session refresh (RFC 4028 §10) whose Contact that node writes. A request that was on its way
/// is repeated under a new CSeq, with the ACK that its 2xx, if there was one, has not had. Left out: a 2xx of ours that waits for its ACK, and a peer that only
/// its own connection reaches (TLS, NAT), to which no request is sent for this.
/// </summary>
internal static class Rehoming
{
    public static ParticipantStep Next(ParticipantState state, ParticipantInput.SipNodeGone gone, ParticipantContext context)
    {
        if (ParticipantFlow.Of(state) is not { } flow) return Steps.To(state);
        var moved = SipNodeChoice.Through(flow, gone.Instead);
        return state switch
        {
            Confirmed s when s.Participation.Hidden => Steps.To(new Confirmed(s.Participation with { Flow = moved })),
            Confirmed s => Refreshing.Begin(s.Participation with { Flow = moved }, context),
            Asking s => Refreshing.Repeat(s with { Participation = s.Participation with { Flow = moved } }, context),
            Restored s => Steps.To(s with { Fact = s.Fact with { Flow = moved } }),
            _ => Steps.To(state),
        };
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
