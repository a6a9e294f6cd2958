using System.Collections.Immutable;
using System.Net;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Tests.Mikey;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A phone with a ticket for the room, its KMS, and the focus: messages go from one to the other as octets.</summary>
internal sealed class TicketCall : IDisposable
{
    private static readonly SipFlow Flow = ParticipantScene.Flow;
    private static readonly RoleIdentity ForRoom = new(IdentityRole.Responder, KmsScene.Room);
    private readonly ReplayCache _replays = new(100, TimeSpan.FromMinutes(1));
    private readonly GrantedKeys _granted;
    private uint _draws;

    public TicketCall(TicketFlags more = TicketFlags.Forking, string room = "room", SrtpProfile? suite = null, string from = "alice", SessionTimerPolicy? timer = null, bool takesUpdate = true)
    {
        var profile = suite ?? SrtpProfile.AesCm128HmacSha1Tag80;
        Kms = new KmsScene(ConfCluster.Protocols.KeyManagement.MikeyKeys.SuiteFor(profile));
        Focus = new ParticipantScene(timer, Kms.Now);
        var policy = Kms.Policy(more);
        _granted = Kms.Granted(policy with { Contents = new([.. policy.Contents.Where(c => c is not RoleIdentity { Role: IdentityRole.Responder }), ForRoom]) });
        var settings = PhoneSettings.Default with
        {
            Identity = SipUri.Sip(from, "example.com"),
            Suites = [profile],
            UseMki = true,
            TakesUpdate = takesUpdate,
            ResolvesTickets = true,
            Ticket = new PhoneTicket(_granted, KmsScene.Alice, Identity.Uri($"sip:{room}@example.com"), () => Kms.Now),
        };
        var port = MediaAddress.From(IPAddress.Loopback, 4000);
        Phone = new PhoneCall(settings, new SipFlow(SipTransport.Udp, Flow.Remote, Flow.Local), port, port, s =>
        {
            System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(++_draws)).AsSpan(0, s.Length).CopyTo(s);
        })
        {
            Ssrc = 0x1234,
        };
    }

    public KmsScene Kms { get; }

    public ParticipantScene Focus { get; set; }

    public PhoneCall Phone { get; }

    /// <summary>What the phone was told to open packets with.</summary>
    public ImmutableArray<MasterKey> Heard { get; private set; } = [];

    /// <summary>Streams of others of which it was told that they run.</summary>
    public ImmutableArray<UplinkIndex> Running { get; private set; } = [];

    /// <summary>What it was told to send under.</summary>
    public MasterKey? Sends { get; private set; }

    public SipRequest Invite { get; private set; } = null!;

    public PhoneEvent.Ended? End { get; private set; }

    /// <summary>Tickets of offers within the call that it had resolved.</summary>
    public int Resolved { get; private set; }

    /// <summary>The KMS answers the phone at once.</summary>
    public bool HasKms { get; set; } = true;

    public void Dial()
    {
        Invite = (SipRequest)Sent(Phone.Dial(SipUri.Sip("room", "example.com")))!;
        Focus.Receive(Copy(Invite));
    }

    /// <summary>As the node's gateway does it.</summary>
    public ParticipantInput.TicketResolved Resolve(TransferArrival transfer, Identity? by = null) => Resolve(transfer, Kms, _replays, by ?? KmsScene.Room);

    public static ParticipantInput.TicketResolved Resolve(TransferArrival transfer, KmsScene kms, ReplayCache replays, Identity by)
    {
        var step = KmsClient.Resolve(transfer.Ticket, kms.Of(by), kms.Context);
        var next = KmsClient.Next(step.State, kms.Answer(KmsScene.Sent(step)).Response!.Value, kms.Context);
        if (next.State is KmsClientState.Failed failed) return new ParticipantInput.TicketResolved(null, failed.Error, IsUnreachable: false);
        using var keys = KmsScene.Keys(next);
        var error = transfer.Verify(keys, replays, kms.Context, out var verified);
        return new ParticipantInput.TicketResolved(verified, error, IsUnreachable: false);
    }

    public void Resolve() => Focus.Do(Resolve(Focus.Only<ParticipantEffect.ResolveTicket>().Transfer));

    /// <summary>In the conference under epoch 1.</summary>
    public void Join(LegKeying keying = LegKeying.GroupByMki)
    {
        Dial();
        Resolve();
        Focus.Accept(ParticipantScene.Group(1), keying);
        Focus.Open();
        var ack = Deliver(Focus.Response);
        Focus.Do(new ParticipantInput.AckArrived((SipRequest)ack!));
    }

    /// <summary>To the phone; what it sends back, if it does.</summary>
    public SipMessage? Deliver(SipMessage message)
    {
        // The endpoint adds it.
        if (message is SipRequest request)
        {
            var via = SipHeaders.Empty.Append("Via", $"SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{++_draws}");
            message = request with { Headers = new SipHeaders([.. via.Fields, .. request.Headers.Fields]) };
        }

        var effects = Phone.Receive(Bytes(message), new SipFlow(SipTransport.Udp, Flow.Remote, Flow.Local));
        if (HasKms && effects.OfType<PhoneEffect.Resolve>().SingleOrDefault() is { } resolve) effects = effects.AddRange(Resolve(resolve.Ticket));
        return Take(effects);
    }

    /// <summary>What the KMS tells the phone of a ticket.</summary>
    public ImmutableArray<PhoneEffect> Resolve(Ticket ticket)
    {
        Resolved++;
        var step = KmsClient.Resolve(ticket, Kms.Of(KmsScene.Alice), Kms.Context);
        using var keys = KmsScene.Keys(KmsClient.Next(step.State, Kms.Answer(KmsScene.Sent(step)).Response!.Value, Kms.Context));
        return Phone.Resolved(keys, "");
    }

    /// <summary>What the phone does; what it sends, if it does.</summary>
    public SipMessage? Take(ImmutableArray<PhoneEffect> effects)
    {
        foreach (var effect in effects)
        {
            if (effect is PhoneEffect.UseMedia used) (Heard, Sends, Running) = (used.Media.Uplink, used.Media.Downlink, used.Streams);
            if (effect is PhoneEffect.Tell { Event: PhoneEvent.Ended ended }) End = ended;
        }

        return Sent(effects);
    }

    public static SessionDescription Wire(SipMessage message)
    {
        Assert.True(SdpReader.TryRead(message.Body.Span, out var session, out _));
        return session!;
    }

    /// <summary>A change of the group's key, from the conference to its confirmation.</summary>
    public void Update(uint epoch)
    {
        Focus.OfferKey(epoch, epoch - 1);
        Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)Deliver(KeyScene.Sent(Focus))!));
    }

    public void Dispose()
    {
        Phone.Dispose();
        _granted.Dispose();
    }

    private static SipMessage? Sent(IEnumerable<PhoneEffect> effects) => effects.OfType<PhoneEffect.Send>().Select(s => s.Message).LastOrDefault();

    private static SipRequest Copy(SipRequest request) => SipReader.TryRead(Bytes(request), out var message, out _) ? (SipRequest)message! : throw new InvalidDataException();

    private static byte[] Bytes(SipMessage message) => SipWriter.ToBytes(message);
}
