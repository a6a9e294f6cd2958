using System.Diagnostics.Metrics;
using ConfCluster.Actors.Sip.Tls;
using ConfCluster.Protocols.Sip.Admission;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Sip;

/// <summary>What the endpoint counts, under a meter that the host exports.</summary>
public static class SipCounters
{
    public const string MeterName = "ConfCluster.Sip";

    private static readonly Meter Meter = new(MeterName);

    internal static readonly Counter<long> Requests = Meter.CreateCounter<long>(
        "confcluster_sip_requests", description: "Requests received, by method; unknown methods together.");

    internal static readonly Counter<long> Refusals = Meter.CreateCounter<long>(
        "confcluster_sip_refusals", description: "Requests refused at the node without waking a participant, by status.");

    internal static readonly Counter<long> Bad = Meter.CreateCounter<long>(
        "confcluster_sip_malformed", description: "Datagrams and frames that are no SIP message, by kind.");

    internal static readonly Counter<long> Dropped = Meter.CreateCounter<long>(
        "confcluster_sip_dropped", description: "Messages dropped because too many waited for the endpoint.");

    internal static readonly Counter<long> Strays = Meter.CreateCounter<long>(
        "confcluster_sip_stray_responses", description: "Responses that match no request of ours.");

    internal static readonly Counter<long> RefusedConnections = Meter.CreateCounter<long>(
        "confcluster_sip_refused_connections", description: "TCP and TLS connections closed because too many were open.");

    internal static readonly Counter<long> Handshakes = Meter.CreateCounter<long>(
        "confcluster_sip_tls_handshake_failures", description: "TLS handshakes that came to nothing, by reason.");

    internal static readonly Counter<long> HandedOnAgain = Meter.CreateCounter<long>(
        "confcluster_sip_handed_on_again", description: "INVITEs handed to their participant once more, since it had said nothing.");

    private static readonly Counter<long> LargeRequests = Meter.CreateCounter<long>(
        "confcluster_sip_large_requests",
        description: "Requests of ours over 1300 octets that went over TCP in place of UDP, and those that came back since nobody took them.");

    private static readonly Counter<long> Admission = Meter.CreateCounter<long>(
        "confcluster_sip_not_admitted", description: "Requests and malformed messages that were not let in, by reason.");

    internal static void NotAdmitted(AdmissionRefusal reason) =>
        Admission.Add(1, new KeyValuePair<string, object?>("reason", reason.ToString()));

    internal static void Lifted(bool isDelivered) =>
        LargeRequests.Add(1, new KeyValuePair<string, object?>("outcome", isDelivered ? "tcp" : "back"));

    internal static void Refused(int status) => Refusals.Add(1, new KeyValuePair<string, object?>("status", status));

    internal static void HandshakeFailed(HandshakeFailure reason) => Handshakes.Add(1, new KeyValuePair<string, object?>("reason", reason.ToString()));

    internal static void Malformed(SipErrorKind kind) => Bad.Add(1, new KeyValuePair<string, object?>("kind", kind.ToString()));
}
