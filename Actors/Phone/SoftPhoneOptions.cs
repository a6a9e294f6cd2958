using System.Collections.Immutable;
using System.Net;
using ConfCluster.Actors.Keys;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Phone;

/// <summary>One call of the softphone.</summary>
/// <param name="Target">A sip: URI, or over TLS a sips: URI; its host may be a name.</param>
/// <param name="Suites">Offered in this order; empty: RTP/AVP without keys (a server that is asked so should refuse).</param>
/// <param name="UseMki">Our keys have an MKI (RFC 4568 §6.1).</param>
public sealed record SoftPhoneOptions(SipUri Target, SipTransport Transport, ImmutableArray<SrtpProfile> Suites, bool UseMki)
{
    /// <summary>Wait here, over UDP, for the one call to be answered; null: call <see cref="Target"/>.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Offered in this order; the preferred first.</summary>
    public ImmutableArray<AudioCodec> Codecs { get; init; } = [AudioCodec.Pcmu, AudioCodec.Pcma];

    /// <summary>Hertz; silence without it and without <see cref="Play"/>.</summary>
    public double? Tone { get; init; }

    /// <summary>A WAV file (16-bit PCM, mono, 8 kHz), repeated until the call ends.</summary>
    public string? Play { get; init; }

    /// <summary>Where to write what is heard, as a WAV file.</summary>
    public string? Record { get; init; }

    /// <summary>How long to talk from the 200 on; then BYE.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long to let it ring; then CANCEL.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>PEM file with the roots that the server's certificate must lead to; null: those of the system.</summary>
    public string? TlsTrust { get; init; }

    /// <summary>Any certificate is good enough: for tries, not for calls that matter.</summary>
    public bool TlsInsecure { get; init; }

    /// <summary>False: changes of the server come by re-INVITE.</summary>
    public bool TakesUpdate { get; init; } = true;

    /// <summary>It says that it takes new keys and installs none, as phones do that are deaf after a rekeying: to try a server with.</summary>
    public bool IgnoresNewKeys { get; init; }

    /// <summary>Keys travel in MIKEY messages under a ticket from here; null: in a=crypto.</summary>
    public PhoneKmsOptions? Kms { get; init; }

    /// <summary>Keys travel in MIKEY messages under a key that the phone, known by this name, shares with the other side; null: not so.</summary>
    public SipUri? PreShared { get; init; }

    /// <summary>User part of From and Contact.</summary>
    public string User { get; init; } = "phone";

    /// <summary>Share of the media's packets that are thrown away, each way: to try a bridge on a bad network.</summary>
    public double Drop { get; init; }

    /// <summary>How long every packet of media that is sent waits first.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Sequence number of the first packet; null: drawn. Near 65,535 the rollover counter is soon 1 (RFC 3711 §3.3.1), which no packet tells.</summary>
    public ushort? FirstSequence { get; init; }

    /// <summary>Other servers of the same conference, for when the one that has the call is gone.</summary>
    public ImmutableArray<SipUri> Also { get; init; } = [];

    /// <summary>So often it looks whether its server is there, which also keeps a NAT open; null: a connection says so by itself, and over UDP nothing does.</summary>
    public TimeSpan? ProbeEvery { get; init; }

    /// <summary>Where to bind; null: the address that leads to the target.</summary>
    public IPAddress? Local { get; init; }
}

/// <param name="At">Seconds.</param>
public sealed record PhoneInterruption(double At, double Milliseconds);

/// <summary>The phone as a user of a KMS.</summary>
/// <param name="Identity">Of the phone; it is in From as well.</param>
/// <param name="Kms">Of the KMS.</param>
public sealed record PhoneKmsOptions(Uri Url, SipUri Identity, string Kms)
{
    /// <summary>Other nodes of the KMS, asked in this order where one does not answer.</summary>
    public ImmutableArray<Uri> Others { get; init; } = [];

    /// <summary>Of a KMS over HTTPS.</summary>
    public KmsTrust Trust { get; init; } = KmsTrust.OfSystem;
}

/// <summary>What came of a call; fields are plain, for a table or a JSON document.</summary>
/// <param name="Problem">Why there was no call at all (a file, a name, a socket); null when there was one.</param>
/// <param name="Status">The final status of the INVITE; 408 or 503 when none came (RFC 3261 §8.1.3.1); 0 when none was sent.</param>
/// <param name="EndedBy">us, peer, refused, cancelled, noanswer, transportfailed, noack, badanswer.</param>
/// <param name="SetupSeconds">From the INVITE to its final response.</param>
/// <param name="Malformed">Media packets that are none, or whose protection is not the agreed one.</param>
/// <param name="Gaps">Interruptions of what was heard, of 20 ms or more; concealed ones as well.</param>
/// <param name="Ssrcs">Sources heard, in their order.</param>
public sealed record PhoneReport(
    string Target, string Transport, string? Problem, int Status, string Reason, string? Warning, string EndedBy, bool Answered,
    double SetupSeconds, double TalkSeconds, string? Suite, bool Mki, string? Codec, ulong PacketsSent, ulong PacketsReceived,
    ulong PacketsLost, ulong AuthFailures, ulong Replays, ulong Malformed, ulong UnknownMki, ulong LateOrDuplicate, ulong Concealed,
    ulong RtcpSent, ulong RtcpReceived, int Gaps, double LongestGapMilliseconds, IReadOnlyList<string> Ssrcs)
{
    /// <summary>Different MKIs of the packets that were heard.</summary>
    public int MkisHeard { get; init; }

    /// <summary>Sources heard at once, which the phone mixed itself; 1: they were mixed for it, or there was one.</summary>
    public int Sources { get; init; } = 1;

    /// <summary>The longest time without a frame of one of them, but for pauses of more than two seconds.</summary>
    public double LongestSourceGapMilliseconds { get; init; }

    /// <summary>The first gaps: seconds from the INVITE on, and how long each was.</summary>
    public IReadOnlyList<PhoneInterruption> Interruptions { get; init; } = [];

    /// <summary>Packets that no key opened: of a wrong tag, or with an MKI that nobody told.</summary>
    public ulong Undecryptable => AuthFailures + UnknownMki;

    /// <summary>Sources that the mixer named in its packets (RFC 3550 §7.1).</summary>
    public IReadOnlyList<string> Contributors { get; init; } = [];

    /// <summary>Packets that said how loud each of them is (RFC 6465).</summary>
    public ulong PacketsWithLevels { get; init; }

    /// <summary>Packets of ours that the peer reports as lost.</summary>
    public ulong ReportedLost { get; init; }

    /// <summary>How often the call went on through another server.</summary>
    public int Reroutes { get; init; }

    /// <summary>By RTCP; null: not measured.</summary>
    public double? RoundTripMilliseconds { get; init; }

    /// <summary>The call was answered, ended by BYE, and something was heard or nothing was to be.</summary>
    public bool Succeeded => Problem is null && Answered && EndedBy is "us" or "peer";
}
