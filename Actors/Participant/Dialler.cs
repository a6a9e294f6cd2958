using System.Security.Cryptography;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Participant;

/// <summary>Begins a participant that is called: its Call-ID (RFC 3261 §8.1.1.4) and its tag, which is its id.</summary>
public sealed class Dialler(LocalTag tags, EntityRegions regions)
{
    public ParticipantId Dial(ConferenceId conference, SipUri target)
    {
        ArgumentNullException.ThrowIfNull(target);
        var callId = tags.NewCallId(RandomNumberGenerator.GetBytes(8));
        var participant = tags.ForOutgoing(RandomNumberGenerator.GetBytes(8), callId);
        regions.Participants.Tell(new DialParticipant(participant, conference, callId, target.ToString()), Akka.Actor.ActorRefs.NoSender);
        return participant;
    }
}
