using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Akka.Actor;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Tests.Serialization;

/// <summary>One of each message with keys, every field filled with something that is not its default.</summary>
internal static class SecretSamples
{
    private static readonly ConferenceId Room = new("room-1");
    private static readonly ParticipantId Alice = new("0123456789abcdef0123456789abcdef");
    private static readonly MixerId Mixer = new(Room, 1, 3);
    private static readonly TransactionKey Key = new(true, "z9hG4bK1", "192.0.2.9:5060", SipMethod.Invite);

    private static readonly SipFlow Flow = new(
        SipTransport.Tls, new IPEndPoint(IPAddress.Loopback, 5061), new IPEndPoint(IPAddress.IPv6Loopback, 5080), 12)
    {
        Node = "192.0.2.1:4053",
    };

    public static ImmutableArray<string> Manifests { get; } = [.. Make(Nobody.Instance).Keys.Order(StringComparer.Ordinal)];

    public static IReadOnlyDictionary<string, object> Make(IActorRef endpoint) => new Dictionary<string, object>
    {
        ["s.request.1"] = new SipRequestArrived(Alice, Key, Request(), Flow, endpoint) { Caller = new CallerIdentity("alice", IdentityProof.Digest, true) },
        ["s.ack.1"] = new SipAckArrived(Alice, Request(), Flow),
        ["s.response.1"] = new SipResponseArrived(Alice, Key with { IsServer = false }, Response()),
        ["s.send.1"] = new SendRequest(Alice, Request(), Flow),
        ["s.sendack.1"] = new SendAck(Request(), Flow),
        ["s.respond.1"] = new Respond(Key, Response()),
        ["s.joined.1"] = new JoinedInGroup(new Joined(Alice, Room, Mixer, new Ssrc(7), new Incarnation(4)), Group()),
        ["s.offerkey.1"] = new OfferGroupKey(Alice, Room, Group(), new KeyEpoch(4)),
        ["s.groupkey.1"] = new SetGroupKey(Mixer, new Incarnation(4), Group()),
        ["s.trunk.1"] = new SetTrunkKeys(Mixer, new Incarnation(4), Trunk()),
        ["s.legmedia.1"] = new SetLegMedia(Mixer, Media()),
        ["s.keepleg.1"] = new KeepLeg(Record()),
        ["s.legfound.1"] = new LegFound(Alice, Mixer, Record()),
    };

    /// <summary>What was added since: with them the bytes are others than those that are kept.</summary>
    public static IEnumerable<object> WithMore()
    {
        yield return new LegFound(Alice, Mixer, null);
        yield return new LegFound(Alice, Mixer, null, IsGone: true);
        yield return new KeepLeg(Keyed(Octets.Empty));
        yield return new LegFound(Alice, Mixer, Keyed(Octets.CopyOf([1, 2])));
        yield return new OfferGroupKey(Alice, Room, Group().CopyWith([Group(6), Group(7)]), new KeyEpoch(4)) { Taken = new KeyEpoch(5) };
        yield return new OfferGroupKey(Alice, Room, Group(), null) { Switches = true, Streams = [new UplinkIndex(new Ssrc(9), 1ul << 47)] };
        yield return new JoinedInGroup(new Joined(Alice, Room, Mixer, new Ssrc(7), new Incarnation(4)), Group().CopyWith([Group(6)]));
    }

    /// <summary>As <see cref="Shape"/>, but with the secrets, which the shape of a key does not show.</summary>
    public static string ShapeOf(object message) => $"{Shape.Of(message)} {string.Join(' ', Secrets(message).Select(s => Convert.ToHexString(s)))}";

    private static IEnumerable<byte[]> Secrets(object message) => message switch
    {
        SipRequestArrived m => [m.Request.Body.Span.ToArray()],
        SipAckArrived m => [m.Request.Body.Span.ToArray()],
        SipResponseArrived m => [m.Response.Body.Span.ToArray()],
        SendRequest m => [m.Request.Body.Span.ToArray()],
        SendAck m => [m.Request.Body.Span.ToArray()],
        Respond m => [m.Response.Body.Span.ToArray()],
        JoinedInGroup m => All(m.Key),
        OfferGroupKey m => All(m.Key),
        SetGroupKey m => All(m.Key),
        SetTrunkKeys m => m.Keys.Keys.Select(k => Bytes(k.Key)),
        SetLegMedia m => m.Media.Uplink.Add(m.Media.Downlink).Select(Bytes),
        KeepLeg m => All(m.Record),
        LegFound m => m.Record is null ? [] : All(m.Record),
        _ => throw new InvalidOperationException($"{message.GetType().Name} has no sample"),
    };

    private static IEnumerable<byte[]> All(GroupKey key) => key.Keys.Select(Bytes).Concat(key.Rungs.SelectMany(All));

    private static IEnumerable<byte[]> All(LegRecord record) =>
        [
            .. record.Media.Uplink.Add(record.Media.Downlink).Select(Bytes), .. record.Group.SelectMany(All), record.Local.Body.Span.ToArray(),
            record.Sent.Body.Span.ToArray(), .. record.Mikey is { } mikey ? All(mikey) : [],
        ];

    private static IEnumerable<byte[]> All(KeptBundle bundle) =>
    [
        bundle.Said.Span.ToArray(), bundle.Began.Span.ToArray(), bundle.Keys.Encryption.Reveal().ToArray(), bundle.Keys.Authentication.Reveal().ToArray(),
        bundle.Keys.Salt.Reveal().ToArray(),
    ];

    /// <summary>A leg that is keyed by MIKEY.</summary>
    private static LegRecord Keyed(Octets began)
    {
        var keys = MessageKeys.Of(
            MikeySuite.Aes256, SecretBytes.Create(32, s => s.Fill(1)), SecretBytes.Create(32, s => s.Fill(2)), SecretBytes.Create(14, s => s.Fill(3)))!;
        return Record() with
        {
            Mikey = new KeptBundle(Octets.CopyOf([7, 8, 9]), began, BundleRole.Responder, SrtpProfile.AeadAes256Gcm, 2, true, 77, keys),
            Sent = new SdpBody(new SipBody(Encoding.ASCII.GetBytes("v=0\r\na=key-mgmt:mikey AQAA\r\n"))),
            Keying = LegKeying.GroupBothWays,
            RegisteredSsrc = 78,
        };
    }

    private static LegRecord Record() => new(
        new LegPlace(Mixer, MediaAddress.From(IPAddress.Parse("192.0.2.1"), 40000), MediaAddress.From(IPAddress.Parse("2001:db8::1"), 40001)), Media(),
        new SdpBody(new SipBody(Encoding.ASCII.GetBytes("v=0\r\na=crypto:1 X inline:AAAA\r\n"))), "v=0\r\n",
        new DialogFacts("c1", "<sip:a@example.com>;tag=1", "<sip:b@example.com>;tag=2", 7, 8, "sip:b@192.0.2.9", ["<sip:proxy@192.0.2.8;lr>"], true), Flow)
    {
        LocalIsAnswer = true,
        Index = 2,
        CryptoTag = 3,
        Levels = LevelSide.Client,
        Family = AddressFamily.InterNetworkV6,
        Group = [Group(), Group(6).CopyWith([Group(7)])],
        Hidden = true,
        Caller = new CallerIdentity("alice", IdentityProof.Digest, true),
        Session = new SessionTimer(TimeSpan.FromMinutes(30), true, true, TimeSpan.FromSeconds(90)),
        TakesUpdate = true,
        TakesMki = true,
        OwnsCallId = true,
    };

    private static byte[] Bytes(MasterKey key) => key.KeyAndSalt.Reveal().ToArray();

    private static SipRequest Request() => new(SipMethod.Invite, SipUri.Sip("room-1", "192.0.2.1", 5060) with
    {
        Parameters = SipParameters.Empty.With("transport", "tls"),
    })
    {
        Headers = SipHeaders.Empty.Append("Via", "SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK1").Append("From", "\"Älice\" <sip:a@example.com>;tag=1")
            .Append("To", "<sip:room-1@192.0.2.1>").Append("Call-ID", "c1").Append("CSeq", "1 INVITE").Append("X-Odd", "").Append("x-odd", "two"),
        Body = new SipBody(Encoding.ASCII.GetBytes("v=0\r\na=crypto:1 X inline:AAAA\r\n")),
    };

    private static SipResponse Response() => new(299, "Fine")
    {
        Headers = SipHeaders.Empty.Append("Via", "SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK1").Append("From", "<sip:a@example.com>;tag=1")
            .Append("To", "<sip:room-1@192.0.2.1>;tag=2").Append("Call-ID", "c1").Append("CSeq", "1 INVITE"),
        Body = new SipBody([1, 2, 3]),
    };

    private static TrunkKeys Trunk()
    {
        byte next = 0;
        return TrunkKeys.Generate(4 << 20 | 2, [Mixer, Mixer with { Number = 0, Incarnation = 1 }], span =>
        {
            foreach (ref var b in span) b = next++;
        });
    }

    private static GroupKey Group(uint epoch = 5)
    {
        byte next = 0;
        return GroupKey.Generate(new KeyEpoch(epoch), SrtpProfile.Usual, span =>
        {
            foreach (ref var b in span) b = ++next;
        });
    }

    private static MasterKey One(SrtpProfile profile, byte fill, Mki mki, ulong lifetime) =>
        new(profile, SecretBytes.Create(profile.MasterLength, span => span.Fill(fill)), mki, lifetime);

    private static LegMedia Media() => new(
        Alice, 9, MediaAddress.From(IPAddress.Parse("192.0.2.9"), 4000), MediaAddress.From(IPAddress.Parse("2001:db8::9"), 4001), true, AudioCodec.Pcma, 8,
        101, MediaDirection.SendOnly, 40,
        [
            One(SrtpProfile.AesCm128HmacSha1Tag32, 1, new Mki(1UL << 40, 8), 1000), One(SrtpProfile.AesCm128HmacSha1Tag32, 2, new Mki(2, 8), 1001),
        ], One(SrtpProfile.AeadAes256Gcm, 3, GroupKey.OwnMki(3), 1002))
    {
        Receive = [new OfferedCodec(AudioCodec.Pcma, 8), new OfferedCodec(AudioCodec.G722, 9)],
        TelephoneEventRate = 48000,
        IsConfirmed = false,
        Extensions = new ExtensionIds(3, true, 4),
    };
}
