using System.Collections.Immutable;
using System.Net;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A phone that shares a key with the focus, and the focus: messages go from one to the other as octets.</summary>
internal sealed class PreSharedPhone : IDisposable
{
    public static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);
    public static readonly Identity Alice = Identity.Uri("sip:alice@example.com");
    private static readonly SipFlow Flow = ParticipantScene.Flow;
    private readonly SecretBytes _psk = SecretBytes.Create(32, s => s.Fill(7));
    private uint _draws;

    public PreSharedPhone(SrtpProfile? suite = null, string from = "alice", string room = "room", bool isTaken = true, bool mki = true)
    {
        Focus = new ParticipantScene();
        Focus.Context = Focus.Context with { Now = Now, Settings = Focus.Context.Settings with { TakesPreShared = isTaken } };
        var settings = PhoneSettings.Default with
        {
            Identity = SipUri.Sip(from, "example.com"),
            Suites = [suite ?? SrtpProfile.AesCm128HmacSha1Tag80],
            UseMki = mki,
            PreShared = new PhonePreShared(_psk, Alice, Identity.Uri($"sip:{room}@example.com"), () => Focus.Context.Now),
        };
        var port = MediaAddress.From(IPAddress.Loopback, 4000);
        Call = new PhoneCall(settings, new SipFlow(SipTransport.Udp, Flow.Remote, Flow.Local), port, port, Draw) { Ssrc = 0x1234 };
    }

    public ParticipantScene Focus { get; set; }

    public PhoneCall Call { get; }

    public ReplayCache Replays { get; } = new(100, TimeSpan.FromMinutes(1));

    /// <summary>What the phone was told to open packets with, and what it sends under.</summary>
    public ImmutableArray<MasterKey> Heard { get; private set; } = [];

    public MasterKey? Sends { get; private set; }

    public SipRequest Invite { get; private set; } = null!;

    public PhoneEvent.Ended? End { get; private set; }

    public void Dial()
    {
        Invite = (SipRequest)Sent(Call.Dial(SipUri.Sip("room", "example.com")))!;
        Focus.Receive(Copy(Invite));
    }

    /// <summary>As the node's keeper of these keys does it.</summary>
    /// <param name="psk">Null: the right one for whoever is alice.</param>
    public ParticipantInput.PreSharedChecked Check(PreSharedOffer offer, byte? psk = null)
    {
        using var other = SecretBytes.Create(32, s => s.Fill(psk ?? 7));
        var error = offer.Verify(offer.Initiator == Alice ? other : null, Replays, new ExchangeContext(Now, Draw, TimeSpan.FromMinutes(1)), out var opening);
        return new ParticipantInput.PreSharedChecked(opening, error);
    }

    public void Check() => Focus.Do(Check(Focus.Only<ParticipantEffect.CheckPreShared>().Offer));

    /// <summary>In the conference, which has a group key that the answer does not hold.</summary>
    public void Join()
    {
        Dial();
        Check();
        Focus.Accept(ParticipantScene.Group(1));
        Focus.Open();
        Focus.Do(new ParticipantInput.AckArrived((SipRequest)Deliver(Focus.Response)!));
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

        var effects = Call.Receive(SipWriter.ToBytes(message), new SipFlow(SipTransport.Udp, Flow.Remote, Flow.Local));
        foreach (var effect in effects)
        {
            if (effect is PhoneEffect.UseMedia used) (Heard, Sends) = (used.Media.Uplink, used.Media.Downlink);
            if (effect is PhoneEffect.Tell { Event: PhoneEvent.Ended ended }) End = ended;
        }

        return Sent(effects);
    }

    public void Dispose()
    {
        Call.Dispose();
        _psk.Dispose();
    }

    public static SipMessage? Sent(IEnumerable<PhoneEffect> effects) => effects.OfType<PhoneEffect.Send>().Select(s => s.Message).LastOrDefault();

    private static SipRequest Copy(SipRequest request) =>
        SipReader.TryRead(SipWriter.ToBytes(request), out var message, out _) ? (SipRequest)message! : throw new InvalidDataException();

    private void Draw(Span<byte> s)
    {
        for (var left = s; !left.IsEmpty; left = left[Math.Min(left.Length, 32)..])
            System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(++_draws)).AsSpan(0, Math.Min(left.Length, 32)).CopyTo(left);
    }
}
