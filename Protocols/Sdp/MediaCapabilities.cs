using System.Collections.Immutable;
using System.Net.Sockets;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Sdp;

/// <summary>What we can do with a stream.</summary>
/// <param name="RequireProtection">False: RTP/AVP without keys is taken as well (<see cref="AcceptedMedia.IsProtected"/> is then false).</param>
public sealed record MediaCapabilities(ImmutableArray<SrtpProfile> Suites, ImmutableArray<AudioCodec> Codecs, bool RequireProtection = true)
{
    public static readonly MediaCapabilities Default = new([SrtpProfile.AesCm128HmacSha1Tag80, SrtpProfile.AesCm128HmacSha1Tag32], [AudioCodec.Pcmu, AudioCodec.Pcma]);

    /// <summary>Which end of the audio levels we are.</summary>
    public LevelSide Levels { get; init; } = LevelSide.Mixer;

    /// <summary>Where we can have media, the one that we offer without a reason for the other first.</summary>
    public ImmutableArray<AddressFamily> Families { get; init; } = [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    /// <summary>For a peer of which no more is known than the way of its signalling.</summary>
    public AddressFamily FamilyTowards(AddressFamily signalling) => Families.Contains(signalling) ? signalling : Families[0];
}

/// <summary>
/// What an earlier offer/answer of the dialog fixed. <paramref name="Lines"/>: its m= lines, whose number never decreases (RFC 3264 §8).
/// <paramref name="Ours"/>: keys that we send with, borrowed; a peer that repeats one is refused (RFC 4568 §7.1.2, §8.2).
/// </summary>
public sealed record MediaHistory(ImmutableArray<MediaLine> Lines, ImmutableArray<MasterKey> Ours)
{
    public static readonly MediaHistory None = new([], []);
}

/// <summary>The outcome of reading a peer's offer or answer.</summary>
public abstract record OfferVerdict
{
    private OfferVerdict()
    {
    }

    /// <summary>The receiver owns <paramref name="Media"/> (it holds the peer's keys).</summary>
    public sealed record Acceptable(AcceptedMedia Media) : OfferVerdict;

    /// <summary>For an offer: the response's status, and its Warning (RFC 3261 §20.43: 300 to 399). For an answer: why it is not one.</summary>
    public sealed record Refused(int Status, int WarningCode, string Text) : OfferVerdict;
}

/// <summary>
/// The stream that offer and answer agree on, seen from our side; other m= lines are refused. Owns copies of the peer's keys.
/// </summary>
/// <param name="Index">Of the stream among <paramref name="Lines"/>.</param>
/// <param name="Lines">Every m= line of the peer's description, in order.</param>
/// <param name="Origin">The peer's o=.</param>
/// <param name="Remote">None while the peer holds with an unspecified address (RFC 3264 §8.4): nothing can be sent, RTCP neither.</param>
/// <param name="PacketTime">Milliseconds per packet that we send: 20, 40 or 60.</param>
/// <param name="CryptoTag">Tag of the a=crypto line in use.</param>
/// <param name="Profile">Null: not protected.</param>
/// <param name="Uplink">The keys the peer sends with.</param>
public sealed record AcceptedMedia(
    int Index, ImmutableArray<MediaLine> Lines, SdpOrigin Origin, MediaAddress Remote, MediaAddress RemoteRtcp, bool RtcpMux, AudioCodec Codec,
    byte PayloadType, byte? TelephoneEvent, MediaDirection Direction, int PacketTime, uint CryptoTag, SrtpProfile? Profile,
    ImmutableArray<MasterKey> Uplink) : IDisposable
{
    /// <summary>Of the telephone-event format.</summary>
    public int TelephoneEventRate { get; init; } = 8000;

    /// <summary>What the peer may send, under which payload types: one format after an answer of ours, all that both have after one of the peer.</summary>
    public ImmutableArray<OfferedCodec> Receive { get; init; } = [new OfferedCodec(Codec, PayloadType)];

    /// <summary>The header extensions that both have.</summary>
    public ExtensionIds Extensions { get; init; }

    /// <summary>Our end of them.</summary>
    public LevelSide Levels { get; init; }

    /// <summary>Of the peer's c=, also while it holds with an unspecified address.</summary>
    public AddressFamily Family { get; init; } = AddressFamily.InterNetwork;

    public bool IsProtected => Profile is not null;

    /// <summary>Octets of the MKI in the peer's packets; 0: it did not offer one, and then our key must not have one either.</summary>
    public byte MkiLength => Uplink.IsEmpty ? (byte)0 : Uplink[0].Mki.Length;

    public MediaLine Line => Lines[Index];

    /// <summary>For the mixer; with copies of the keys, which the receiver owns.</summary>
    public LegMedia ToLegMedia(ParticipantId participant, long generation, MasterKey downlink) => new(
        participant, generation, Remote, RemoteRtcp, RtcpMux, Codec, PayloadType, TelephoneEvent, Direction, PacketTime,
        [.. Uplink.Select(k => k.Copy())], downlink.Copy())
    {
        Receive = Receive,
        TelephoneEventRate = TelephoneEventRate,
        Extensions = Extensions,
    };

    /// <summary>For a node that forwards its packets unopened: no key is in it.</summary>
    public ForwardedLeg ToForwarded(ParticipantId participant, long generation) =>
        new(participant, generation, Remote, RemoteRtcp, RtcpMux, Direction, PayloadType, Profile!)
        {
            TelephoneEvent = TelephoneEvent,
            AudioLevel = Extensions.AudioLevel,
        };

    /// <summary>What must be the same for all whose packets are forwarded unopened.</summary>
    public string Terms => MediaTerms.Of(Codec, PayloadType, Extensions.AudioLevel, Profile, MkiLength).ToString();

    public void Dispose()
    {
        foreach (var key in Uplink) key.Dispose();
    }

    public override string ToString() => $"<{Codec} {PayloadType} {Direction}, {Profile?.Name ?? "no protection"}, {Uplink.Length} keys>";
}

/// <summary>Our side of a stream. Borrowed: the keys are copied into what is built from it.</summary>
/// <param name="Rtcp">Equal to <paramref name="Rtp"/> when RTCP shares the port.</param>
/// <param name="Keys">What we send with: one, or several with MKIs; empty for a stream without protection.</param>
public sealed record LocalMedia(SdpOrigin Origin, MediaAddress Rtp, MediaAddress Rtcp, ImmutableArray<MasterKey> Keys);

/// <summary>One a=crypto line to offer; its keys are of one suite and borrowed.</summary>
public readonly record struct OfferedCrypto(uint Tag, ImmutableArray<MasterKey> Keys);

/// <summary>Everything about an offer of ours. The defaults are those of a first offer.</summary>
public sealed record OfferPlan(SdpOrigin Origin, MediaAddress Rtp, MediaAddress Rtcp, ImmutableArray<OfferedCrypto> Crypto)
{
    private const byte WideEventType = 108;

    public ImmutableArray<OfferedCodec> Codecs { get; init; } = [OfferedCodec.Pcmu, OfferedCodec.Pcma];

    public byte? TelephoneEvent { get; init; } = 101;

    public int TelephoneEventRate { get; init; } = 8000;

    /// <summary>telephone-event for codecs with a clock of 48 kHz, where one is offered (RFC 4733 §2.1).</summary>
    public byte? WideTelephoneEvent => Lines.IsEmpty && TelephoneEvent is not null && Codecs.Any(c => c.Codec == AudioCodec.Opus) ? WideEventType : null;

    public bool RtcpMux { get; init; } = true;

    public int PacketTime { get; init; } = 20;

    /// <summary>As we see it: Send means that we send.</summary>
    public MediaDirection Direction { get; init; } = MediaDirection.SendReceive;

    /// <summary>Header extensions to offer, and our end of them.</summary>
    public ExtensionIds Extensions { get; init; }

    public LevelSide Levels { get; init; }

    /// <summary>Those of a first offer.</summary>
    public static ExtensionIds FirstExtensions(LevelSide side) => side == LevelSide.None ? default : new ExtensionIds(1, Voice: true, 2);

    /// <summary>The m= lines of the dialog so far: kept in number and order (RFC 3264 §8).</summary>
    public ImmutableArray<MediaLine> Lines { get; init; } = [];

    /// <summary>Which of <see cref="Lines"/> is the stream.</summary>
    public int Index { get; init; }
}

/// <summary>What an o= line says about the description before (RFC 3264 §8).</summary>
public enum OriginChange : byte { Unchanged, Changed, Violation }
