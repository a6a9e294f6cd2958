using System.Collections.Immutable;
using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// What a participant leaves at its mixer each time that an offer is settled, so that its next life on another node goes on where this one was: its leg with
/// the keys, and of its dialog what the journal has an older word of. In memory only. Owns its secrets; left out: legs of a conference whose media is forwarded
/// unopened, since no media node has its keys.
/// </summary>
/// <param name="Media">What the mixer was told: the peer's side, its keys and our own one.</param>
/// <param name="Local">Our newest SDP with its keys.</param>
/// <param name="RemoteText">The peer's without.</param>
public sealed record LegRecord(LegPlace Place, LegMedia Media, SdpBody Local, string RemoteText, DialogFacts Dialog, SipFlow Flow) : IDisposable
{
    /// <summary>Requests that went out after the record was made have numbers that the peer knows already (RFC 3261 §12.2.2 lets numbers leap).</summary>
    private const uint SequenceLeap = 1000;

    /// <summary>The same of o= (RFC 3264 §8 wants steps of one; a number that comes again with another content would be worse).</summary>
    private const uint VersionLeap = 100;

    /// <summary>November 2023.</summary>
    private const long ClockOrigin = 1_700_000_000;

    /// <summary>More requests and offers than a dialog has in a second.</summary>
    private const long PerSecond = 4;

    /// <summary>The mixer may have been told of an offer that was never settled.</summary>
    private const long GenerationLeap = 4;

    public bool LocalIsAnswer { get; init; }

    /// <summary>Of the stream in the SDP of both.</summary>
    public int Index { get; init; }

    /// <summary>Of the a=crypto line in use.</summary>
    public uint CryptoTag { get; init; }

    public LevelSide Levels { get; init; }

    public AddressFamily Family { get; init; } = AddressFamily.InterNetwork;

    /// <summary>The keys of the group that the peer was told, oldest first.</summary>
    public ImmutableArray<GroupKey> Group { get; init; } = [];

    /// <summary>Null: its keys stand in a=crypto.</summary>
    public KeptBundle? Mikey { get; init; }

    /// <summary>Of a leg that is keyed by MIKEY: what we said last, as it went out.</summary>
    public SdpBody Sent { get; init; } = SdpBody.Nothing;

    public LegKeying Keying { get; init; }

    /// <summary>As in <see cref="Leg"/>.</summary>
    public uint RegisteredSsrc { get; init; }

    /// <summary>The peer is behind a NAT: only the flow reaches it.</summary>
    public bool Hidden { get; init; }

    /// <summary>Who joined; null: the conference called it.</summary>
    public CallerIdentity? Caller { get; init; }

    public SessionTimer Session { get; init; } = SessionTimer.None;

    public bool TakesUpdate { get; init; }

    public bool TakesMki { get; init; }

    public bool OwnsCallId { get; init; }

    /// <summary>With copies of all secrets.</summary>
    internal static LegRecord Of(Participation p, ParticipantId participant)
    {
        var (leg, remote) = (p.Leg, p.Leg.Remote!);
        return new LegRecord(
            leg.Place, remote.ToLegMedia(participant, leg.Generation, leg.Key), LegNegotiation.Octets(leg.Local), leg.RemoteText, DialogFacts.Of(p.Dialog), p.Flow)
        {
            LocalIsAnswer = leg.LocalIsAnswer,
            Index = remote.Index,
            CryptoTag = remote.CryptoTag,
            Levels = remote.Levels,
            Family = remote.Family,
            Group = [.. leg.Group.Select(g => g.Copy())],
            Mikey = leg.Mikey is { } mikey ? KeptBundle.Of(mikey) : null,
            Sent = leg.Mikey is null ? SdpBody.Nothing : new SdpBody(leg.Sent.Body.Copy()),
            Keying = leg.Keying,
            RegisteredSsrc = leg.RegisteredSsrc,
            Hidden = p.Hidden,
            Caller = p.Caller,
            Session = p.Session,
            TakesUpdate = p.TakesUpdate,
            TakesMki = p.TakesMki,
            OwnsCallId = p.OwnsCallId,
        };
    }

    /// <summary>For another owner.</summary>
    public LegRecord Copy() => this with
    {
        Media = Media.Copy(),
        Local = new SdpBody(Local.Body.Copy()),
        Group = [.. Group.Select(g => g.Copy())],
        Mikey = Mikey?.Copy(),
        Sent = Mikey is null ? Sent : new SdpBody(Sent.Body.Copy()),
    };

    /// <summary>A participation with copies of the secrets. Its numbers have leapt. False: a node of another version wrote what is not understood here.</summary>
    internal bool TryRevive(ConferenceId conference, out Participation? participation)
    {
        participation = null;
        if (!Sip.Dialogs.Dialog.TryFromFacts(Dialog, out var dialog) || !TryLines(out var lines, out var origin)) return false;
        if (!SdpReader.TryRead(Local.Body.Span, out var said, out _)) return false;
        KeyedLeg? mikey = null;
        if (Mikey is not null && !Mikey.TryRevive(out mikey))
        {
            said!.Dispose();
            return false;
        }

        var local = said! with { Origin = Leapt(said.Origin) };
        var remote = new AcceptedMedia(
            Index, lines, origin!, Media.Remote, Media.RemoteRtcp, Media.RtcpMux, Media.Codec, Media.PayloadType, Media.TelephoneEvent, Media.Direction,
            Media.PacketTime, CryptoTag, Media.Downlink.Profile, [.. Media.Uplink.Select(k => k.Copy())])
        {
            TelephoneEventRate = Media.TelephoneEventRate,
            Receive = Media.Receive,
            Extensions = Media.Extensions,
            Levels = Levels,
            Family = Family,
        };
        var sent = mikey is null ? LegNegotiation.Octets(local) : new SdpBody(Sent.Body.Copy());
        var leg = new Leg(Place, [Media.Downlink.Copy()], remote, RemoteText, local, LocalIsAnswer, sent, Media.Generation + GenerationLeap)
        {
            Group = [.. Group.Select(g => g.Copy())],
            Mikey = mikey,
            Keying = Keying,
            RegisteredSsrc = RegisteredSsrc,
        };
        participation = new Participation(conference, Leapt(dialog!), Flow, Hidden, NoInvite, leg, Stored: true)
        {
            Caller = Caller,
            Session = Session,
            TakesUpdate = TakesUpdate,
            TakesMki = TakesMki,
            OwnsCallId = OwnsCallId,
        };
        return true;
    }

    /// <summary>Copies of the INVITE and its CANCEL came to the life before.</summary>
    internal static TransactionKey NoInvite => new(true, "", "", SipMethod.Invite);

    /// <summary>
    /// Of a dialog of which only the fact is left: several lives may have gone on from it, each with numbers of its own, so seconds of a clock make them.
    /// </summary>
    internal static Dialog Leapt(Dialog dialog, DateTimeOffset now) => Leapt(dialog) is var leapt && SequenceAt(now) > leapt.LocalSequence
        ? leapt with { LocalSequence = SequenceAt(now) }
        : leapt;

    /// <summary>The same.</summary>
    /// <param name="number">Seconds of a clock.</param>
    internal static SdpOrigin Leapt(SdpOrigin origin, long number) =>
        Leapt(origin) is var leapt && (ulong)(number * PerSecond) is var version && version > leapt.Version ? leapt with { Version = version } : leapt;

    /// <summary>Below 2^31 (RFC 3261 §8.1.1.5) until the year 2040.</summary>
    private static uint SequenceAt(DateTimeOffset now) => (uint)Math.Clamp((now.ToUnixTimeSeconds() - ClockOrigin) * PerSecond, 0, int.MaxValue / 2 * 2);

    internal static Dialog Leapt(Dialog dialog) => dialog with { LocalSequence = (dialog.LocalSequence ?? 0) + SequenceLeap };

    internal static SdpOrigin Leapt(SdpOrigin origin) => origin with { Version = origin.Version + VersionLeap };

    private bool TryLines(out ImmutableArray<MediaLine> lines, out SdpOrigin? origin)
    {
        (lines, origin) = ([], null);
        if (!SdpReader.TryRead(System.Text.Encoding.UTF8.GetBytes(RemoteText), out var session, out _)) return false;
        (lines, origin) = (session!.Lines, session.Origin);
        session.Dispose();
        return Index < lines.Length;
    }

    public void Dispose()
    {
        Media.Dispose();
        Local.Dispose();
        Sent.Dispose();
        Mikey?.Dispose();
        foreach (var key in Group) key.Dispose();
    }

    public override string ToString() => $"<leg of {Media.Participant} at {Place.Mixer}, offer and answer {Media.Generation}>";
}
