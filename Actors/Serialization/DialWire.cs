using System.Runtime.Serialization;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Serialization;

/// <summary>What participants and conferences say to each other about calls that a conference makes.</summary>
internal static class DialWire
{
    public static readonly WireEntry[] Entries =
    [
        WireEntry.Of<DialParticipant, DialParticipantProto>(
            "m.dial.1",
            m => new DialParticipantProto
            {
                Participant = m.Participant.Value, Conference = m.Conference.Value, CallId = m.CallId, Target = m.Target,
            },
            p => new DialParticipant(new ParticipantId(p.Participant), new ConferenceId(p.Conference), p.CallId, p.Target)),
        WireEntry.Of<DialGranted, DialGrantedProto>(
            "m.dialgranted.1",
            m => new DialGrantedProto
            {
                Participant = m.Participant.Value, Conference = m.Conference.Value, Mixer = WireValues.Write(m.Mixer), Media = m.Media,
            },
            p => new DialGranted(new ParticipantId(p.Participant), new ConferenceId(p.Conference), WireValues.Read(p.Mixer)) { Media = p.Media }),
        WireEntry.Of<ServersLocated, ServersLocatedProto>(
            "m.located.1",
            m => new ServersLocatedProto { Participant = m.Participant.Value, Hops = { m.Hops.Select(DialogFactWire.Write) }, Reason = m.Reason },
            p => new ServersLocated(new ParticipantId(p.Participant), [.. p.Hops.Select(DialogFactWire.Read)], p.Reason)),
        WireEntry.Of<LocateServers, LocateServersProto>(
            "m.locate.1",
            m => new LocateServersProto { Participant = m.Participant.Value, NextHop = SipWriter.Write(m.NextHop), IsSecure = m.IsSecure },
            p => new LocateServers(
                new ParticipantId(p.Participant),
                SipReader.TryReadUri(p.NextHop, out var uri) ? uri! : throw new SerializationException("there is no readable URI to find"), p.IsSecure)),
        WireEntry.Of<DialogOver, DialogOverProto>(
            "m.over.1",
            m => new DialogOverProto { Participant = m.Participant.Value, Node = m.Node },
            p => new DialogOver(new ParticipantId(p.Participant), p.Node)),
        WireEntry.Of<AskToDial, AskToDialProto>(
            "m.asktodial.1",
            m => new AskToDialProto { Conference = m.Conference.Value, Participant = m.Participant.Value, Target = m.Target },
            p => new AskToDial(new ConferenceId(p.Conference), new ParticipantId(p.Participant), p.Target)),
        WireEntry.Of<DialReport, DialReportProto>(
            "m.dialreport.1",
            m => new DialReportProto
            {
                Conference = m.Conference.Value, Participant = m.Participant.Value, Target = m.Target, State = (uint)m.State, Status = m.Status,
                Reason = m.Reason,
            },
            p => new DialReport(
                new ConferenceId(p.Conference), new ParticipantId(p.Participant), p.Target, (CalloutState)p.State, p.Status, p.Reason)),
    ];
}
