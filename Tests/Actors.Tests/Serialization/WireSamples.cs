using System.Net;
using System.Net.Sockets;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Nodes.Losses;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Nodes;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Tests.Serialization;

/// <summary>One of each that may be stored or sent, every field filled: the golden bytes hold exactly these. And some with gaps.</summary>
internal static class WireSamples
{
    private static readonly DateTimeOffset Noon = new DateTimeOffset(2026, 11, 23, 12, 34, 56, TimeSpan.Zero).AddTicks(7);
    private static readonly ConferenceId Room = new("room-1");
    private static readonly ParticipantId Alice = new("0123456789abcdef0123456789abcdef");
    private static readonly MixerId Mixer = new(Room, 1, 3);
    private static readonly Incarnation Life = new(4);
    private static readonly MediaAddress Ports = MediaAddress.From(IPAddress.Parse("192.0.2.1"), 40000);
    private static readonly MediaAddress Ports6 = MediaAddress.From(IPAddress.Parse("2001:db8::1"), 40001);

    private static readonly LegStatistics Statistics = new(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, new Ssrc(0xFFFFFFFE), Ports);

    private static readonly DialogFacts Dialog = new(
        "call-1", "<sip:room-1@192.0.2.1>;tag=l", "\"Alice\" <sip:alice@example.com>;tag=r", 7, 8, "sip:alice@192.0.2.9",
        ["<sip:p1;lr>", "<sip:p2;lr>"], IsSecure: true);

    private static readonly SipFlow Flow = new(
        SipTransport.Tcp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.IPv6Loopback, 5080), 12);

    private static readonly ConferencePlan Plan = new(
        "board", [new PolicySetting("rekey.min-interval", "0s")], [new PolicySetting("max-participants", "10"), new PolicySetting("rekey.min-interval", "0s")]);

    public static readonly IReadOnlyDictionary<string, object> Golden = new Dictionary<string, object>
    {
        ["c.created.1"] = new ConferenceEvent.Created(Room) { At = Noon },
        ["c.planned.1"] = new ConferenceEvent.Planned(Plan) { At = Noon },
        ["c.taken.1"] = new ConferenceEvent.Taken(Life) { At = Noon },
        ["c.joined.1"] = new ConferenceEvent.ParticipantJoined(Alice, "sip:alice@example.com", "Älice", new Ssrc(0x89ABCDEF)) { At = Noon },
        ["c.left.1"] = new ConferenceEvent.ParticipantLeft(Alice, LeaveReason.Evicted) { At = Noon },
        ["c.moved.1"] = new ConferenceEvent.ParticipantMoved(Alice, 2, new Ssrc(0x89ABCDEF)) { At = Noon },
        ["c.mixer.1"] = new ConferenceEvent.MixerPlaced(3) { At = Noon },
        ["c.ended.1"] = new ConferenceEvent.Ended(EndReason.Operator) { At = Noon },
        ["c.ssrcs.1"] = new ConferenceEvent.SsrcsReserved([new Ssrc(0x89ABCDEF), new Ssrc(2)]) { At = Noon },
        ["c.keypolicy.1"] = new ConferenceEvent.KeyPolicySet(
            new RekeyPolicy(
                true, true, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(60))
            {
                MaxAge = TimeSpan.FromHours(1),
                JoinKey = JoinKey.Current,
                OnUndelivered = Undelivered.Drop,
                EvictionBypassesInterval = true,
                MaxEpochsInUse = 3,
            })
        { At = Noon },
        ["c.epoch.1"] = new ConferenceEvent.KeyEpochBegan(new KeyEpoch(5), RekeyReason.Left, [new KeyCommitment("AES_CM_128_HMAC_SHA1_80", "00ff")])
        {
            At = Noon,
            Note = "by hand",
        },
        ["c.ladder.1"] = new ConferenceEvent.KeyLadderMade(
            [
                new KeyRung(new KeyEpoch(6), [new KeyCommitment("AES_CM_128_HMAC_SHA1_80", "01ff"), new KeyCommitment("AEAD_AES_128_GCM", "02ff")]),
                new KeyRung(new KeyEpoch(7), [new KeyCommitment("AES_CM_128_HMAC_SHA1_80", "03ff")]),
            ])
        { At = Noon },
        ["c.deferred.1"] = new ConferenceEvent.RekeyDeferred(RekeyReason.Joined, Noon.AddSeconds(9)) { At = Noon },
        ["c.legs.1"] = new ConferenceEvent.LegsProgressed([new LegStep(Alice, LegStepKind.Moved, new KeyEpoch(5), Noon)]) { At = Noon.AddTicks(5) },
        ["c.passed.1"] = new ConferenceEvent.KeyEpochPassed(new KeyEpoch(4), EpochPassage.Destroyed) { At = Noon },
        ["d.confirmed.1"] = new DialogFact.DialogConfirmed(Room, Dialog, Flow, Hidden: true, "v=0\r\n", "v=0\r\ns=-\r\n"),
        ["d.ended.1"] = new DialogFact.DialogEnded(LeaveReason.Bye),
        ["m.join.1"] = new JoinConference(Room, Alice, "sip:alice@example.com", "Alice"),
        ["m.leave.1"] = new LeaveConference(Room, Alice, LeaveReason.NoAck),
        ["m.end.1"] = new EndConference(Room, EndReason.NodeShutdown),
        ["m.rekey.1"] = new RekeyConference(Room, "suspicion"),
        ["m.evict.1"] = new EvictParticipant(Room, Alice),
        ["m.legkey.1"] = new LegKeyReport(Room, Alice, LegKeyAnswer.NotNow, new KeyEpoch(5), TimeSpan.FromSeconds(2)),
        ["m.findmixer.1"] = new FindMixer(Room, Alice),
        ["m.drain.1"] = new DrainMixer(Mixer),
        ["n.draining.1"] = new NodeDraining("192.0.2.1:4053"),
        ["n.refuses.1"] = new NodeRefuses(new NodeRun("192.0.2.1:4053", -7), "192.0.2.2:4053"),
        ["m.recall.1"] = new RecallLegs(Room),
        ["m.findleg.1"] = new FindLeg(Mixer, Alice),
        ["m.legmoved.1"] = new LegMoved(Room, Alice, Mixer),
        ["m.move.1"] = new MoveLeg(Alice, Room, Mixer, Life, MayOffer: true),
        ["m.confirm.1"] = new ConfirmMixer(Mixer, Life, 7),
        ["m.plan.1"] = new PlanConference(Room, Plan),
        ["m.get.1"] = new GetConference(Room),
        ["m.stop.1"] = StopConference.Instance,
        ["m.view.1"] = new ConferenceView(
            Room, true, Life, Mixer, 8, 7, Noon,
            [new ParticipantView(Alice, "sip:alice@example.com", "Alice", "0x00000001", Noon, Statistics)]),
        ["m.report.1"] = new MixerReport(Mixer, Life, 8, [new LegReport(Alice, Statistics)]),
        ["m.joined.1"] = new Joined(Alice, Room, Mixer, new Ssrc(0x89ABCDEF), Life),
        ["m.refused.1"] = new JoinRefused(Alice, Room, Rejection.JournalUnavailable),
        ["m.left.1"] = new LeaveAcknowledged(Alice, Room),
        ["m.hangup.1"] = new EndDialog(Alice, Room, LeaveReason.NodeLost),
        ["m.opened.1"] = new LegOpened(Alice, Mixer, Ports, Ports6),
        ["m.unopened.1"] = new LegRefused(Alice, Mixer, Rejection.NoMediaCapacity),
        ["m.unsent.1"] = new SipTransactionFailed(
            Alice, new TransactionKey(true, "z9hG4bK1", "192.0.2.9:5060", SipMethod.Bye), TransactionFailure.Transport),
        ["m.dial.1"] = new DialParticipant(Alice, Room, "call-1", "sip:alice@example.com"),
        ["m.dialgranted.1"] = new DialGranted(Alice, Room, Mixer),
        ["m.located.1"] = new ServersLocated(Alice, [Flow], "nowhere"),
        ["m.locate.1"] = new LocateServers(Alice, SipUri.Sip("bob", "example.com", 5070), true),
        ["m.over.1"] = new DialogOver(Alice, "192.0.2.1:4053"),
        ["m.asktodial.1"] = new AskToDial(Room, Alice, "sip:alice@example.com"),
        ["m.dialreport.1"] = new DialReport(Room, Alice, "sip:alice@example.com", CalloutState.Failed, 486, "Busy Here"),
        ["m.state.1"] = new SetMixerState(new MixerState(Mixer, Life, 8, [new MixerLeg(Alice, new Ssrc(1))])),
        ["m.open.1"] = new OpenLeg(Mixer, Alice, AddressFamily.InterNetwork),
        ["m.forward.1"] = new SetForwardedLeg(
            Mixer, new ForwardedLeg(Alice, 3, Ports, Ports6, true, MediaDirection.SendReceive, 8, SrtpProfile.AesCm128HmacSha1Tag80)
            {
                TelephoneEvent = 101,
                AudioLevel = 1,
                IsConfirmed = false,
            }),
        ["m.close.1"] = new CloseLeg(Mixer, Alice),
    };

    private static readonly CallerIdentity Caller = new("alice", IdentityProof.Digest, true);

    public static readonly IReadOnlyList<object> WithGaps =
    [
        new DialogFact.DialogConfirmed(Room, Dialog, Flow, Hidden: false, "v=0\r\n", "v=0\r\ns=-\r\n") { TakesMki = true, IsByTicket = true },
        new DialogFact.DialogConfirmed(Room, Dialog, Flow, Hidden: false, "v=0\r\n", "v=0\r\ns=-\r\n")
        {
            TakesMki = true,
            IsByTicket = true,
            Keyed = new KeyedDialog("sip:room@192.0.2.1", "sip:alice@example.com", "AES_CM_128_HMAC_SHA1_80"),
        },
        new MoveLeg(Alice, Room, Mixer, Life, MayOffer: true) { IsGentle = true },
        new MoveLeg(Alice, Room, Mixer, Life, MayOffer: false) { IsConfirmed = true },
        new MoveLeg(Alice, Room, Mixer, Life, MayOffer: true)
        {
            Uplink = new GroupUplink(LegKeying.Switched, new Ssrc(0x1234), "Pcmu/0 level 1 AES_CM_128_HMAC_SHA1_80 mki 4", new KeyEpoch(3)),
        },
        new ConferenceView(Room, false, Life, null, 0, 0, null, []) { Plan = Plan },
        new ConferenceEvent.Planned(new ConferencePlan("default", [], [])) { At = Noon },
        new MixerReport(Mixer, Life, 8, [new LegReport(Alice, Statistics with { Digits = 12, DelayMilliseconds = 60 })]),
        new ConferenceEvent.ParticipantJoined(Alice, "sip:alice@example.com", null, new Ssrc(1)) { At = Noon, Caller = Caller },
        new JoinConference(Room, Alice, "sip:alice@example.com", null) { Caller = Caller },
        new ConferenceView(Room, true, Life, Mixer, 8, 7, Noon, [new ParticipantView(Alice, "a", null, "b", Noon, null) { Caller = Caller }]),
        new ConferenceEvent.ParticipantJoined(Alice, "a", null, new Ssrc(1)) { At = Noon, Keying = LegKeying.GroupPlain, IsProtected = true },
        new ConferenceEvent.KeyPolicySet(RekeyPolicy.Default) { At = Noon },
        new ConferenceEvent.KeyEpochBegan(new KeyEpoch(5), RekeyReason.Begun, []) { At = Noon },
        new ConferenceEvent.KeyEpochBegan(new KeyEpoch(5), RekeyReason.Left, []) { At = Noon, Source = KeySource.Kms },
        new ConferenceEvent.RekeyDeferred(RekeyReason.Left, Noon) { At = Noon, ForKey = true },
        new JoinConference(Room, Alice, "a", null) { Ability = new LegAbility(true, true, "baresip") { IsStream = true } },
        new ConferenceEvent.ParticipantJoined(Alice, "a", null, new Ssrc(1)) { At = Noon, Keying = LegKeying.GroupByMki, TakesLadder = true },
        new ConferenceEvent.KeyPolicySet(RekeyPolicy.Default with { Ladder = 4, Revoke = Revocation.Now }) { At = Noon },
        new ConferenceEvent.LegsProgressed([new LegStep(Alice, LegStepKind.Sent, new KeyEpoch(5), Noon) { To = new KeyEpoch(9) }]) { At = Noon },
        new ConferenceEvent.KeyEpochPassed(new KeyEpoch(5), EpochPassage.Destroyed) { At = Noon, To = new KeyEpoch(9) },
        new ConferenceEvent.ParticipantJoined(Alice, "a", null, new Ssrc(1)) { At = Noon, Keying = LegKeying.Switched, Uplink = new Ssrc(9), Media = "Pcmu/0" },
        new JoinConference(Room, Alice, "a", null) { Ability = new LegAbility(true, true, "") { TicketSsrc = 9 }, Media = "Pcmu/0" },
        new Joined(Alice, Room, Mixer, new Ssrc(1), Life) { Keying = LegKeying.Switched },
        new Joined(Alice, Room, Mixer, new Ssrc(1), Life) { Keying = LegKeying.Switched, Uplink = new Ssrc(9), Media = "Pcmu/0" },
        new DialGranted(Alice, Room, Mixer) { Media = "Pcmu/0" },
        new JoinConference(Room, Alice, "a", null) { Ability = new LegAbility(true, true, "") { TakesSsrc = true }, Media = "Pcmu/0" },
        new SetMixerState(new MixerState(Mixer, Life, 8, [new MixerLeg(Alice, new Ssrc(1)) { Uplink = new Ssrc(9) }]) { ForwardsFrom = new KeyEpoch(0) }),
        new SetForwardedLeg(Mixer, new ForwardedLeg(Alice, 3, Ports, Ports, false, MediaDirection.Inactive, 0, SrtpProfile.AeadAes128Gcm)),
        new ConferenceEvent.ParticipantJoined(Alice, "", null, new Ssrc(0)) { At = DateTimeOffset.UnixEpoch.AddTicks(-1) },
        new JoinConference(Room, Alice, "sip:alice@example.com", null),
        new JoinConference(Room, Alice, "sip:alice@example.com", ""),
        new ConferenceView(Room, false, Life, null, 0, 0, null, [new ParticipantView(Alice, "a", null, "b", Noon, null)]),
        new ConferenceView(Room, false, Life, null, 0, 0, null, []),
        new ConferenceView(Room, true, Life, Mixer, 8, 7, Noon, [])
        {
            Callouts = [new Callout(Alice, "sip:alice@example.com", CalloutState.Ringing, 180, "Ringing", Noon)],
        },
        new ServersLocated(Alice, [], ""),
        new ConferenceView(
            Room, true, Life, Mixer, 8, 7, Noon,
            [new ParticipantView(Alice, "a", null, "b", Noon, null) { Key = new LegKeyView(LegKeying.GroupByMki, new KeyEpoch(4), new KeyEpoch(5), true) }])
        {
            Epochs = [new EpochView(new KeyEpoch(4), EpochPhase.Active, RekeyReason.Left, Noon, 7)],
            IsRekeyDeferred = true,
        },
        new ConferenceView(
            Room, true, Life, Mixer, 8, 7, Noon,
            [new ParticipantView(Alice, "a", null, "b", Noon, null) { Key = new LegKeyView(LegKeying.Own, null, null, false) { LacksMki = true, IsDeaf = true } }])
        {
            Exposure = new ExposureView(
                TimeSpan.FromSeconds(22), new CoveredChange(new KeyChange(KeyChangeKind.Join, Alice, Noon, new KeyEpoch(4)), TimeSpan.FromSeconds(3)),
                [new KeyChange(KeyChangeKind.Leave, Alice, Noon, new KeyEpoch(5))]),
        },
        new ConferenceView(Room, true, Life, Mixer, 8, 7, Noon, []) { Exposure = new ExposureView(TimeSpan.FromSeconds(22), null, []) },
        new ConferenceEvent.ParticipantJoined(Alice, "a", null, new Ssrc(1)) { At = Noon, LacksMki = true },
        new OpenLeg(Mixer, Alice, AddressFamily.InterNetworkV6),
        new OpenLeg(Mixer, Alice, AddressFamily.InterNetwork) { Uplink = [new KeyFingerprint(1, 2, 3, 4), new KeyFingerprint(5, 6, 7, ulong.MaxValue)] },
        new MixerReport(Mixer, Life, 0, []),
        new MixerReport(Mixer, Life, 8, []) { Born = -3, Question = 2 },
        new ConfirmMixer(Mixer, Life, 0),
        new MoveLeg(Alice, Room, Mixer, Life, MayOffer: false),
        new MoveLeg(Alice, Room, Mixer, Life, MayOffer: false) { Seating = 2 },
        new FindMixer(Room, Alice) { Full = Mixer },
        new ConferenceEvent.ParticipantMoved(Alice, 0, new Ssrc(2)) { At = Noon },
        new SetMixerState(new MixerState(Mixer, Life, 8, []) { Born = 5 }),
        new SetMixerState(new MixerState(Mixer, Life, 8, []) { IsFound = true }),
        new ConferenceEvent.MixerPlaced(3) { At = Noon, Loss = MixerLoss.BeganAnew, Ssrcs = [new MemberSsrc(Alice, new Ssrc(0x89ABCDEF))] },
        new ConferenceView(Room, true, Life, Mixer, 8, 7, Noon, [new ParticipantView(Alice, "a", null, "b", Noon, null) { IsMoving = true }]) { MixerLoss = MixerLoss.Silent },
        new MixerReport(Mixer, Life, 8, []) { IsPartial = true },
        new MixerReport(Mixer, Life, 8, [new LegReport(Alice, Statistics with { DeafTo = new KeyEpoch(5), IsReported = true })]),
        new MixerReport(Mixer, Life, 8, []) { Rest = TimeSpan.FromSeconds(9.5) },
        new MixerReport(Mixer, Life, 8, []) { Speaker = Alice },
        new MixerReport(
            Mixer, Life, 8,
            [
                new LegReport(Alice, Statistics with
                {
                    Undecoded = 13, Reception = new StreamQuality(14, 255, 16), PeerReception = new StreamQuality(17, 18, 19),
                    RoundTripMicroseconds = 20, IsMediaMissing = true,
                }),
                new LegReport(Alice, Statistics with { RoundTripMicroseconds = 0 }),
            ]),
        new ConferenceView(Room, true, Life, Mixer, 8, 7, Noon, []) { Speaker = Alice },
        new MixerReport(Mixer, Life, 8, [new LegReport(Alice, Statistics with { Clashes = 3 })]) { Shared = new SharedReport(7, 1UL << 40) },
        new SetMixerState(new MixerState(Mixer, Life, 8, [])),
        new SetMixerState(new MixerState(Mixer, Life, 8, [new MixerLeg(Alice, new Ssrc(1), new LegKeyUse(LegKeyMode.ByMki, new KeyEpoch(5)))])
        {
            Epochs = [new KeyEpoch(4), new KeyEpoch(5)],
            SharedSsrcs = [new Ssrc(9)],
        }),
        new SetMixerState(new MixerState(Mixer, Life, 9, []) { IsLast = true }),
        new SetMixerState(new MixerState(Mixer, Life, 9, [])
        {
            Trunk = new TrunkPlan(
                4 << 20 | 2, [new TrunkPeer(Mixer with { Number = 5 }, new MediaAddress(0, 0x7F000001, 40_000, false)), new TrunkPeer(Mixer, null)]),
        }),
        new MixerReport(Mixer, Life, 8, [])
        {
            Trunk = new TrunkReport(new MediaAddress(1, 2, 65_535, true), 4 << 20 | 2, 5, 6, 7) { DelayMilliseconds = 8 },
        },
        new ConferenceView(Room, true, Life, Mixer, 8, 7, Noon, [])
        {
            Mixers =
            [
                new MixerView(Mixer, MixerLoss.Silent, 3, default), new MixerView(Mixer with { Number = 4 }, MixerLoss.None, 0, new TrunkReport(null, 9)),
            ],
        },
        new ConferenceEvent.MixerPlaced(3) { At = Noon, Number = 2 },
        new ConferenceEvent.SsrcsReserved([new Ssrc(2)]) { At = Noon, Mixer = 2 },
        new ConferenceEvent.ParticipantJoined(Alice, "sip:alice@example.com", null, new Ssrc(2)) { At = Noon, Mixer = 2 },
        new SetMixerState(new MixerState(Mixer, Life, 9, [new MixerLeg(Alice, new Ssrc(1))])
        {
            Resumes = [new LegUplinks(Alice, [new UplinkIndex(new Ssrc(0xFFFFFFFE), (1UL << 48) - 1), new UplinkIndex(new Ssrc(2), 0)])],
        }),
        new MixerReport(Mixer, Life, 8, [new LegReport(Alice, Statistics) { Uplinks = [new UplinkIndex(new Ssrc(0xFFFFFFFE), 1UL << 16 | 7)] }]) { IsPartial = true },
        new MixerReport(Mixer, Life, 8, [new LegReport(Alice, Statistics) { Keys = [new KeyMark(1, ulong.MaxValue, 3, 4), new KeyMark(5, 6, 7, 0)] }]),
        new DialogFact.DialogConfirmed(
            Room, Dialog with { LocalSequence = null, RemoteSequence = null, RouteSet = [], IsSecure = false },
            Flow with { Connection = 0 }, false, "", ""),
        new DialogFact.DialogConfirmed(Room, Dialog, Flow with { Node = "192.0.2.1:4053" }, false, "", ""),
        new DialogFact.DialogConfirmed(Room, Dialog, Flow, false, "", "")
        {
            Invite = new FirstInvite(new TransactionKey(true, "z9hG4bK7", "192.0.2.9:5060", SipMethod.Invite), Noon.AddTicks(7)),
        },
        new DialogFact.DialogConfirmed(Room, Dialog with { LocalSequence = 0, RemoteSequence = 0 }, Flow, false, "", ""),
    ];
}
