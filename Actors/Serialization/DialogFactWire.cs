using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Serialization;

/// <summary>The stored facts of a participant's dialog; their SDP comes without key lines.</summary>
internal static class DialogFactWire
{
    public static readonly WireEntry[] Entries =
    [
        WireEntry.Of<DialogFact.DialogConfirmed, DialogConfirmedProto>(
            "d.confirmed.1",
            f => new DialogConfirmedProto
            {
                Conference = f.Conference.Value, Dialog = Write(f.Dialog), Flow = Write(f.Flow), Hidden = f.Hidden, LocalSdp = f.LocalSdp,
                RemoteSdp = f.RemoteSdp, TakesMki = f.TakesMki, ByTicket = f.IsByTicket, KeyedAs = f.Keyed?.Self ?? "", KeyedWith = f.Keyed?.Peer ?? "",
                Suite = f.Keyed?.Suite ?? "", InviteBranch = f.Invite?.Key.Branch ?? "", InviteSentBy = f.Invite?.Key.SentBy ?? "",
                InviteAt = f.Invite is { } invite ? WireValues.Ticks(invite.At) : 0,
            },
            p => new DialogFact.DialogConfirmed(
                new ConferenceId(p.Conference), Read(p.Dialog), Read(p.Flow), p.Hidden, p.LocalSdp, p.RemoteSdp)
            {
                TakesMki = p.TakesMki,
                IsByTicket = p.ByTicket,
                Keyed = p.Suite.Length > 0 ? new KeyedDialog(p.KeyedAs, p.KeyedWith, p.Suite) : null,
                Invite = p.InviteBranch.Length > 0
                    ? new FirstInvite(new TransactionKey(true, p.InviteBranch, p.InviteSentBy, SipMethod.Invite), WireValues.Time(p.InviteAt))
                    : null,
            }),
        WireEntry.Of<DialogFact.DialogEnded, DialogEndedProto>(
            "d.ended.1",
            f => new DialogEndedProto { Reason = (uint)f.Reason },
            p => new DialogFact.DialogEnded((LeaveReason)p.Reason)),
    ];

    internal static DialogProto Write(DialogFacts facts)
    {
        var proto = new DialogProto
        {
            CallId = facts.CallId,
            Local = facts.Local,
            Remote = facts.Remote,
            RemoteTarget = facts.RemoteTarget,
            IsSecure = facts.IsSecure,
        };
        if (facts.LocalSequence is { } local) proto.LocalSequence = local;
        if (facts.RemoteSequence is { } remote) proto.RemoteSequence = remote;
        proto.RouteSet.AddRange(facts.RouteSet);
        return proto;
    }

    internal static DialogFacts Read(DialogProto p) => new(
        p.CallId, p.Local, p.Remote, p.HasLocalSequence ? p.LocalSequence : null, p.HasRemoteSequence ? p.RemoteSequence : null,
        p.RemoteTarget, [.. p.RouteSet], p.IsSecure);

    internal static FlowProto Write(SipFlow flow) => new()
    {
        Transport = (uint)flow.Transport,
        Local = flow.Local.ToString(),
        Remote = flow.Remote.ToString(),
        Connection = flow.Connection,
        Node = flow.Node,
    };

    internal static SipFlow Read(FlowProto p) =>
        new((SipTransport)p.Transport, WireValues.EndPoint(p.Local), WireValues.EndPoint(p.Remote), p.Connection) { Node = p.Node };
}
