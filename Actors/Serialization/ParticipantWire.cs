using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Serialization;

/// <summary>What is said to participants, but for what may hold keys (<see cref="SecretMessageSerializer"/>).</summary>
internal static class ParticipantWire
{
    public static readonly WireEntry[] Entries =
    [
        WireEntry.Of<Joined, JoinedProto>("m.joined.1", Write, Read),
        WireEntry.Of<JoinRefused, JoinRefusedProto>(
            "m.refused.1",
            m => new JoinRefusedProto { Participant = m.Participant.Value, Conference = m.Conference.Value, Reason = (uint)m.Reason },
            p => new JoinRefused(Id(p.Participant), Name(p.Conference), (Rejection)p.Reason)),
        WireEntry.Of<LeaveAcknowledged, LeaveAcknowledgedProto>(
            "m.left.1",
            m => new LeaveAcknowledgedProto { Participant = m.Participant.Value, Conference = m.Conference.Value },
            p => new LeaveAcknowledged(Id(p.Participant), Name(p.Conference))),
        WireEntry.Of<EndDialog, EndDialogProto>(
            "m.hangup.1",
            m => new EndDialogProto { Participant = m.Participant.Value, Conference = m.Conference.Value, Reason = (uint)m.Reason },
            p => new EndDialog(Id(p.Participant), Name(p.Conference), (LeaveReason)p.Reason)),
        WireEntry.Of<MoveLeg, MoveLegProto>(
            "m.move.1",
            m => new MoveLegProto
            {
                Participant = m.Participant.Value, Conference = m.Conference.Value, Mixer = WireValues.Write(m.Mixer), Incarnation = m.Incarnation.Number,
                MayOffer = m.MayOffer, Gentle = m.IsGentle, Uplink = Write(m.Uplink), Seating = m.Seating, Confirmed = m.IsConfirmed,
            },
            p => new MoveLeg(Id(p.Participant), Name(p.Conference), WireValues.Read(p.Mixer), new Incarnation(p.Incarnation), p.MayOffer)
            {
                IsGentle = p.Gentle,
                Seating = p.Seating,
                IsConfirmed = p.Confirmed,
                Uplink = p.Uplink is { } u ? new GroupUplink((LegKeying)u.Keying, new Ssrc(u.Ssrc), u.Media, new KeyEpoch(u.Epoch)) : null,
            }),
        WireEntry.Of<LegOpened, LegOpenedProto>(
            "m.opened.1",
            m => new LegOpenedProto
            {
                Participant = m.Participant.Value, Mixer = WireValues.Write(m.Mixer), Rtp = WireValues.Write(m.Rtp),
                Rtcp = WireValues.Write(m.Rtcp),
            },
            p => new LegOpened(Id(p.Participant), WireValues.Read(p.Mixer), WireValues.Read(p.Rtp), WireValues.Read(p.Rtcp))),
        WireEntry.Of<LegRefused, LegRefusedProto>(
            "m.unopened.1",
            m => new LegRefusedProto { Participant = m.Participant.Value, Mixer = WireValues.Write(m.Mixer), Reason = (uint)m.Reason },
            p => new LegRefused(Id(p.Participant), WireValues.Read(p.Mixer), (Rejection)p.Reason)),
        WireEntry.Of<SipTransactionFailed, TransactionFailedProto>(
            "m.unsent.1",
            m => new TransactionFailedProto
            {
                Participant = m.Participant.Value, IsServer = m.Key.IsServer, Branch = m.Key.Branch, SentBy = m.Key.SentBy,
                Method = m.Key.Method.Name, Failure = (uint)m.Reason,
            },
            p => new SipTransactionFailed(
                Id(p.Participant), new TransactionKey(p.IsServer, p.Branch, p.SentBy, new SipMethod(p.Method)),
                (TransactionFailure)p.Failure)),
    ];

    internal static JoinedProto Write(Joined m) => new()
    {
        Participant = m.Participant.Value,
        Conference = m.Conference.Value,
        Mixer = WireValues.Write(m.Mixer),
        Ssrc = m.Ssrc.Value,
        Incarnation = m.Incarnation.Number,
        Keying = (uint)m.Keying,
        Uplink = m.Uplink.Value,
        Media = m.Media,
    };

    internal static Joined Read(JoinedProto p) =>
        new(Id(p.Participant), Name(p.Conference), WireValues.Read(p.Mixer), new Ssrc(p.Ssrc), new Incarnation(p.Incarnation))
        {
            Keying = (LegKeying)p.Keying,
            Uplink = new Ssrc(p.Uplink),
            Media = p.Media,
        };

    private static GroupUplinkProto? Write(GroupUplink? uplink) => uplink is null
        ? null
        : new GroupUplinkProto { Keying = (uint)uplink.Keying, Ssrc = uplink.Ssrc.Value, Media = uplink.Media, Epoch = uplink.Epoch.Number };

    private static ParticipantId Id(string value) => new(value);

    private static ConferenceId Name(string value) => new(value);
}
